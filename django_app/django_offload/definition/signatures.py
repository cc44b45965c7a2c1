"""The signature of a task, without its context, and whether arguments match it."""

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any

from ..exceptions import BadArguments
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import load
from .offload_task import AnyTask
from .registry import mask_of


def argument_error(task: AnyTask, enqueued: EnqueuedTask) -> BadArguments | None:
    """Return the error of arguments that the function doesn't take, or None if they match."""
    args, kwargs = load(enqueued.arguments)
    reason = mismatch(task.func, task.takes_context, len(args), tuple(kwargs))
    if reason is None:
        return None
    mask = mask_of(enqueued)
    return BadArguments(enqueued.name, mask(reason) if mask else reason)


def signature_of(task: AnyTask) -> Signature:
    """Return the signature that arguments of a task are bound to, without its context."""
    return function_signature(task.func, task.takes_context)


@lru_cache(maxsize=1_000)
def mismatch(
    function: Callable[..., Any], takes_context: bool, count: int, names: tuple[str, ...]
) -> str | None:
    """
    Return why a function doesn't take `count` positional arguments and these names, or None if it does.

    A cached answer takes a hundredth of the time of bind().
    """
    try:
        function_signature(function, takes_context).bind(*range(count), **dict.fromkeys(names))
    except TypeError as exc:
        return str(exc)
    return None


def call_form(task: AnyTask) -> str:
    """Return the parameters of a task as one writes them in a call: (order, copies=…)."""
    parameters = [
        parameter.replace(
            annotation=Parameter.empty,
            default=parameter.default if parameter.default is Parameter.empty else DEFAULT,
        )
        for parameter in signature_of(task).parameters.values()
    ]
    return str(Signature(parameters))


class Default:
    """Stands for a default value, which may be long."""

    def __repr__(self) -> str:
        return "…"


DEFAULT = Default()


@lru_cache(maxsize=1_000)
def function_signature(function: Callable[..., Any], takes_context: bool) -> Signature:
    """Return the signature of a function without its context, inspected once per process."""
    whole = signature(function)
    parameters = list(whole.parameters.values())
    if takes_context and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        return whole.replace(parameters=parameters[1:])
    return whole
