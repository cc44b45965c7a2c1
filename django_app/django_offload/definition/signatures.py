"""Arguments and what takes them: the signature of a task, without its context."""

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any

from ..exceptions import BadArguments
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import parsed
from .offload_task import AnyTask


def argument_error(task: AnyTask, enqueued: EnqueuedTask) -> BadArguments | None:
    """Return the error of arguments that the function does not take (any more), None where they fit."""
    args, kwargs = parsed(enqueued.arguments)
    # By position alone it is a matter of their number, and bind() takes a hundred times as long to say so.
    if not kwargs and len(args) in _numbers(task.func, task.takes_context):
        return None
    try:
        signature_of(task).bind(*args, **kwargs)
    except TypeError as exc:
        return BadArguments(enqueued.name, str(exc))
    return None


def signature_of(task: AnyTask) -> Signature:
    """Return the signature that arguments of a task are bound to: without its context."""
    return _signature(task.func, task.takes_context)


@lru_cache(maxsize=1_000)
def _numbers(function: Callable[..., Any], takes_context: bool) -> range:
    """Return how many arguments a task takes where all come by position; none where that is not all."""
    parameters = _signature(function, takes_context).parameters.values()
    if any(parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD for parameter in parameters):
        return range(0)
    needed = sum(parameter.default is Parameter.empty for parameter in parameters)
    return range(needed, len(parameters) + 1)


@lru_cache(maxsize=1_000)
def _signature(function: Callable[..., Any], takes_context: bool) -> Signature:
    """Return the same of its function, looked up once per process."""
    found = signature(function)
    if takes_context:
        parameters = list(found.parameters.values())
        if parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
            found = found.replace(parameters=parameters[1:])
    return found
