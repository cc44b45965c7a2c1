"""Run a task's function within its deadline, and catch every exception."""

import asyncio
import decimal
import logging
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from inspect import iscoroutinefunction
from traceback import TracebackException, clear_frames
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from ..definition.context import OffloadContext, current_context
from ..definition.offload_task import AnyTask
from ..definition.registry import name_of
from ..exceptions import DeadlineExceeded, TransactionLeftOpen
from ..protocol.json_codec import dump, dump_returned, to_micros
from ..protocol.record import error_of
from .connections import end_transactions, open_transactions
from .deadline import limited
from .forked import ThisProcess, end_child
from .one_loop import shared
from .process_state import forget_closed_loop, process_state, put_back, reseed, watch_seed
from .task_threads import pass_on_context

if TYPE_CHECKING:
    from ..definition.masking import Mask

# A character takes up to 12 bytes as ASCII JSON (an emoji is two escapes), and a part has 300,000 bytes.
TRACEBACK_CHARACTERS = 20_000
# Of one entry in a traceback: a frame, the message of an exception, its notes.
ENTRY_CHARACTERS = 4_000

pass_on_context()


def decimal_variable() -> ContextVar[Any] | None:
    """Return the variable in which decimal keeps its context, or None if it isn't found."""
    context = copy_context()
    context.run(decimal.getcontext)
    return next((variable for variable in context if variable.name == "decimal_context"), None)


DECIMALS = decimal_variable()
# To look at a function takes longer than to run a short one.
is_coroutine = lru_cache(maxsize=1_000)(iscoroutinefunction)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt: the return value as JSON, or the exception."""

    text: str = "null"
    exception: BaseException | None = None


def execute(task: AnyTask, context: OffloadContext, seconds: float) -> Outcome:
    """
    Run the task in this process, for `seconds` at most, and put back what it leaves behind.

    Any exception is its outcome, even SystemExit. Only KeyboardInterrupt is raised.
    """
    process, transactions, seed = process_state(), open_transactions(), watch_seed()
    own = copy_context()  # No other task sees it. Of the context of decimal it has only a reference.
    shares_decimals = DECIMALS is None or DECIMALS in own
    try:
        outcome = Outcome(text=own.run(returned_text, task, context, seconds, shares_decimals))
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001, any exception of a task is its outcome
        outcome = Outcome(exception=exc)
    put_back(process, lambda: f"Task {name_of(task)}")  # At once: its signals may still come.
    left_open = end_transactions(transactions)
    reseed(seed)
    forget_closed_loop()
    if left_open is not None:
        returned, name = outcome.exception is None, name_of(task)
        left_open.log(logging.ERROR if returned else logging.WARNING, context.task_result.id, name)
        if returned:
            return Outcome(exception=TransactionLeftOpen(name, left_open.databases))
    return outcome


def returned_text(task: AnyTask, context: OffloadContext, seconds: float, shares_decimals: bool) -> str:
    """Run the task in the current context, and return what it returns as JSON."""
    current_context.set(context)
    if shares_decimals:
        decimal.setcontext(decimal.getcontext().copy())
    process = ThisProcess.mark
    try:
        value = _call(task, context, seconds)
    finally:
        if ThisProcess.mark is not process:
            end_child()
    return dump_returned(value, f"Task {name_of(task)}")


def _call(task: AnyTask, context: OffloadContext, seconds: float) -> Any:
    result = context.task_result
    args = (context, *result.args) if task.takes_context else tuple(result.args)
    if is_coroutine(task.func):
        loop = shared.get()
        if loop is not None:
            return loop.run(lambda: run_within(task, args, result.kwargs, seconds), seconds)
        return async_to_sync(run_within)(task, args, result.kwargs, seconds)
    with limited(seconds):
        return task.func(*args, **result.kwargs)


async def run_within(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> Any:
    process = ThisProcess.mark
    try:
        async with asyncio.timeout(max(seconds, 0.001)) as limit:
            return await task.func(*args, **kwargs)
    except TimeoutError as exc:
        if limit.expired():
            raise DeadlineExceeded(seconds) from exc
        raise
    finally:
        if ThisProcess.mark is not process:
            end_child()


def free_locals(exc: BaseException | None, outer: BaseException | None) -> None:
    """
    Free the local variables of a task, which its exception and those chained to it keep alive.

    `outer` is what was handled when the task began: it isn't the task's, though Python chains it.
    """
    waiting, seen = [exc], {id(None), id(outer)}
    while waiting:
        exc = waiting.pop()
        if exc is None or id(exc) in seen:
            continue
        seen.add(id(exc))
        clear_frames(exc.__traceback__)
        exc.__traceback__ = None  # Its frames may have variables with the exception.
        waiting += (exc.__cause__, exc.__context__)
        if isinstance(exc, BaseExceptionGroup):
            waiting += exc.exceptions


def stored_error(exc: BaseException, mask: "Mask | None" = None) -> dict[str, Any]:
    """Return an exception as a record contains it, without sensitive values."""
    error = error_of(exc, mask)
    return error if mask is None or mask.complete else {**error, "for_staff": True}


def error_text(exc: BaseException, at: datetime, mask: "Mask | None" = None) -> str:
    """Return the JSON of a stored error, its time, and its traceback without local variables."""
    traceback = traceback_text(exc, mask)
    return dump({**stored_error(exc, mask), "at": to_micros(at), "traceback": traceback})


def traceback_text(exc: BaseException, mask: "Mask | None" = None) -> str:
    """
    Return the traceback of an exception, of at most TRACEBACK_CHARACTERS and without sensitive values.

    Of a long message, and of everything else that is long, the beginning and the end are kept: the class, the
    first and the last frames.
    """

    def masked(text: str) -> str:
        """Return a text without sensitive values. Nothing is cut before: a mask finds whole values."""
        return text if mask is None else mask(text)

    described = TracebackException.from_exception(exc, compact=True)
    shorten_notes(described, masked)
    entries = map(masked, described.format())
    return shorten("".join(shorten(entry, ENTRY_CHARACTERS) for entry in entries), TRACEBACK_CHARACTERS)


def shorten_notes(described: TracebackException, masked: Callable[[str], str]) -> None:
    """Shorten the notes of each exception together, because each of their lines would be an entry."""
    waiting = [described]
    while waiting:  # An exception that is chained to itself is described once.
        one = waiting.pop()
        waiting += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other]
        notes = one.__notes__
        if isinstance(notes, list) and all(isinstance(note, str) for note in notes):
            one.__notes__ = [shorten(masked("\n".join(notes)), ENTRY_CHARACTERS)]


def shorten(text: str, longest: int) -> str:
    """Return a text, or its beginning and its end if it is longer."""
    if len(text) <= longest:
        return text
    left_out = f" … {len(text) - longest:,} characters left out … "
    kept = longest - len(left_out)
    return f"{text[: kept // 2]}{left_out}{text[kept // 2 - kept :]}"
