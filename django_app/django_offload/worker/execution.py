"""Run a task's function within its deadline, and catch every exception."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from inspect import iscoroutinefunction
from traceback import format_exception
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from ..definition.context import OffloadContext, running
from ..definition.offload_task import AnyTask
from ..exceptions import DeadlineExceeded
from ..protocol.json_codec import dump, dump_any, to_micros
from ..protocol.record import error_of
from .deadline import limited
from .one_loop import shared

if TYPE_CHECKING:
    from ..definition.masking import Mask

# The end of a traceback is kept, because it has the exception. A character takes up to 12 bytes as ASCII JSON
# (an emoji is two escapes), and a part has 300,000 bytes.
TRACEBACK_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt: the return value as JSON, or the exception."""

    text: str = "null"
    exception: BaseException | None = None


def execute(task: AnyTask, context: OffloadContext, seconds: float) -> Outcome:
    """
    Run the task in this process, for `seconds` at most.

    Any exception is its outcome, even SystemExit. Only KeyboardInterrupt is raised.
    """
    try:
        with running(context):
            value = _call(task, context, seconds)
        text = dump_any(value)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001, any exception of a task is its outcome
        return Outcome(exception=exc)
    return Outcome(text=text)


def _call(task: AnyTask, context: OffloadContext, seconds: float) -> Any:
    result = context.task_result
    args = (context, *result.args) if task.takes_context else tuple(result.args)
    if iscoroutinefunction(task.func):
        loop = shared.get()
        if loop is not None:
            return loop.run(lambda: run_within(task, args, result.kwargs, seconds), seconds)
        return async_to_sync(run_within)(task, args, result.kwargs, seconds)
    with limited(seconds):
        return task.func(*args, **result.kwargs)


async def run_within(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
    try:
        async with asyncio.timeout(max(seconds, 0.001)) as limit:
            return await task.func(*args, **kwargs)
    except TimeoutError as exc:
        if limit.expired():
            raise DeadlineExceeded(seconds) from exc
        raise


def stored_error(exc: BaseException, mask: "Mask | None" = None) -> dict[str, Any]:
    """Return an exception as a record contains it, without sensitive values."""
    error = error_of(exc, mask)
    return error if mask is None or mask.complete else {**error, "for_staff": True}


def error_text(exc: BaseException, at: datetime, mask: "Mask | None" = None) -> str:
    """Return the JSON of a stored error, its time, and its traceback without local variables."""
    traceback = "".join(format_exception(exc))
    if mask is not None:
        traceback = mask(traceback)
    error = stored_error(exc, mask)
    return dump({**error, "at": to_micros(at), "traceback": traceback[-TRACEBACK_CHARACTERS:]})
