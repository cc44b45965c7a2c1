"""Running a task's function: arguments bound, deadline kept, every exception caught."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from inspect import Parameter, Signature, iscoroutinefunction, signature
from traceback import format_exception
from typing import Any

from asgiref.sync import async_to_sync

from ..birth import Birth, dump, dump_any, to_micros
from ..context import OffloadContext, running
from ..definition import AnyTask
from ..exceptions import BadArguments, DeadlineExceeded
from ..json_text import parsed
from ..record import error_of
from .deadline import limited
from .one_loop import shared

# Of a traceback, its end is kept: there stands the exception. A character takes up to 12 bytes as ASCII JSON
# (an emoji is two escapes), and a part has 300,000 bytes.
TRACEBACK_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: JSON text of the return value, or the exception."""

    text: str = "null"
    exception: BaseException | None = None


def misfit(task: AnyTask, birth: Birth) -> BadArguments | None:
    """Return the error of arguments that the function does not take (any more), None where they fit."""
    args, kwargs = parsed(birth.arguments)
    # By position alone it is a matter of their number, and bind() takes a hundred times as long to say so.
    if not kwargs and len(args) in _numbers(task.func, task.takes_context):
        return None
    try:
        signature_of(task).bind(*args, **kwargs)
    except TypeError as exc:
        return BadArguments(birth.name, str(exc))
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


def execute(task: AnyTask, context: OffloadContext, seconds: float) -> Outcome:
    """
    Run the task here, for `seconds` at most.

    Whatever it raises is its outcome, SystemExit too; KeyboardInterrupt alone goes on.
    """
    try:
        with running(context):
            value = _call(task, context, seconds)
        text = dump_any(value)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001, whatever a task raises is its outcome
        return Outcome(exception=exc)
    return Outcome(text=text)


def _call(task: AnyTask, context: OffloadContext, seconds: float) -> Any:
    result = context.task_result
    args = (context, *result.args) if task.takes_context else tuple(result.args)
    if iscoroutinefunction(task.func):
        loop = shared.get()
        if loop is not None:
            return loop.run(lambda: _within(task, args, result.kwargs, seconds), seconds)
        return async_to_sync(_within)(task, args, result.kwargs, seconds)
    with limited(seconds):
        return task.func(*args, **result.kwargs)


async def _within(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(max(seconds, 0.001)) as limit:
            return await task.func(*args, **kwargs)
    except TimeoutError as exc:
        if limit.expired():
            raise DeadlineExceeded(seconds) from exc
        raise


def error_text(exc: BaseException, at: datetime) -> str:
    """Return the JSON text kept of an exception: class, message, when, traceback without local variables."""
    traceback = "".join(format_exception(exc))
    return dump({**error_of(exc), "at": to_micros(at), "traceback": traceback[-TRACEBACK_CHARACTERS:]})
