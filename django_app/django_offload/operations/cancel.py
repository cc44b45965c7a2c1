"""Cancel tasks from outside: many together, or one."""

from collections.abc import Sequence
from datetime import datetime

from ..conf import Options
from ..definition.registry import result_ttl
from ..exceptions import Cancelled
from ..protocol import transitions
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, read_record
from ..stores import Store
from .fail import announce_end
from .pages import write_together


def describe_cancel(record: TaskRecord | None) -> str:
    """Return what a cancel did, given what cancel() returned."""
    if record is None:
        return "It has already ended, so there is nothing to cancel."
    if record.ended:
        return "Cancelled."
    return "It is running and was asked to stop. It will not be tried again."


def cancel(store: Store, enqueued: EnqueuedTask, options: Options, now: datetime) -> TaskRecord | None:
    """Do what cancel_many() does for one task, and raise what AWS raised."""
    (outcome,) = cancel_many(store, [(enqueued, options)], now)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def cancel_many(
    store: Store, tasks: Sequence[tuple[EnqueuedTask, Options]], now: datetime
) -> list[TaskRecord | Exception | None]:
    """
    End tasks that wait, and ask running tasks to stop. Return the record of each after that.

    Return None for a task that has already ended, because then nothing changes, and an exception for one
    whose cancel AWS didn't confirm. The receivers of task_finished are called here, one after the other.
    """
    error = error_of(Cancelled())
    ends = [
        transitions.cancel(now=now, result_ttl=result_ttl(enqueued, options), error=error)
        for enqueued, options in tasks
    ]
    stops = [transitions.ask_to_stop()] * len(tasks)
    written: dict[int, Attributes | Exception] = {}
    waiting: Sequence[int] = range(len(tasks))
    # Try to end them twice, because a running task may be released before it can be asked to stop.
    for changes in (ends, stops, ends):
        writes = [(tasks[number][0].id, changes[number]) for number in waiting]
        written |= zip(waiting, write_together(store, writes), strict=True)
        waiting = [number for number in waiting if isinstance(written[number], Refused)]
    return [after_cancel(store, *task, written[number]) for number, task in enumerate(tasks)]


def after_cancel(
    store: Store, enqueued: EnqueuedTask, options: Options, after: Attributes | Exception
) -> TaskRecord | Exception | None:
    """Return a record after a cancel, None if it was refused, or what AWS raised. Announce its end."""
    if isinstance(after, Refused):
        return None
    if isinstance(after, Exception):
        return after
    try:
        record = read_record(after)
        return announce_end(store, enqueued, options, after) if record.ended else record
    except Exception as exc:  # noqa: BLE001, one task that can't be announced must not stop the others
        return exc
