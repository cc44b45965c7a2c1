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
    # Counting positional arguments takes a hundredth of the time of bind().
    if not kwargs and len(args) in positional_counts(task.func, task.takes_context):
        return None
    try:
        signature_of(task).bind(*args, **kwargs)
    except TypeError as exc:
        mask = mask_of(enqueued)
        return BadArguments(enqueued.name, mask(str(exc)) if mask else str(exc))
    return None


def signature_of(task: AnyTask) -> Signature:
    """Return the signature that arguments of a task are bound to, without its context."""
    return function_signature(task.func, task.takes_context)


@lru_cache(maxsize=1_000)
def positional_counts(function: Callable[..., Any], takes_context: bool) -> range:
    """Return which numbers of positional arguments match. If that is not the whole rule, return no number."""
    parameters = function_signature(function, takes_context).parameters.values()
    if any(parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD for parameter in parameters):
        return range(0)
    required = sum(parameter.default is Parameter.empty for parameter in parameters)
    return range(required, len(parameters) + 1)


@lru_cache(maxsize=1_000)
def function_signature(function: Callable[..., Any], takes_context: bool) -> Signature:
    """Return the signature of a function without its context, inspected once per process."""
    whole = signature(function)
    parameters = list(whole.parameters.values())
    if takes_context and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        return whole.replace(parameters=parameters[1:])
    return whole
