"""Cancel tasks from outside: many together, or one."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from ..aws import begin_together
from ..conf import Options
from ..definition.registry import result_ttl
from ..exceptions import CallFailed, Cancelled, UnreadableRecord
from ..protocol import transitions
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import READY, RUNNING, TaskRecord, error_of, read_record
from ..stores import Store
from .fail import announce_end
from .find import names_beside
from .pages import write_together
from .runnable import in_portions

# How often to try to end a task, and to ask it to stop.
MOST_TRIES = 5
NOT_CANCELLED = (
    "Task {} was not cancelled: it started and was given back again and again. Cancel it once more."
)


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
    own_tasks = {enqueued.id: (enqueued, options) for enqueued, options in tasks}
    ends = {
        task_id: transitions.cancel(now=now, result_ttl=result_ttl(*task), error=error)
        for task_id, task in own_tasks.items()
    }
    stops = dict.fromkeys(ends, transitions.ask_to_stop())
    written: dict[str, Attributes | Exception] = {}
    waiting = list(ends)
    # A running task may be released before it can be asked to stop, and be claimed before it can be ended.
    for changes in (ends, stops) * MOST_TRIES:
        writes = [(task_id, changes[task_id]) for task_id in waiting]
        written |= zip(waiting, write_together(store, writes), strict=True)
        waiting = [task_id for task_id in waiting if goes_on(written[task_id])]
    written |= {task_id: CallFailed(NOT_CANCELLED.format(task_id)) for task_id in waiting}
    outcomes = {task_id: record_after(after) for task_id, after in written.items()}
    ended = [record for record in outcomes.values() if isinstance(record, TaskRecord) and record.ended]
    # The arguments of a page are read together, and as many at a time as fit into memory.
    for portion in in_portions(ended):
        for record, texts in zip(portion, texts_together(store, portion), strict=True):
            task_id = record.enqueued.id
            outcomes[task_id] = announced(store, *own_tasks[task_id], written[task_id], texts)
    return [outcomes[enqueued.id] for enqueued, _ in tasks]


def goes_on(after: Attributes | Exception) -> bool:
    """Return True if a write was refused by a record that hasn't ended."""
    if not isinstance(after, Refused) or after.current is None:
        return False
    return after.current.get("status") in (READY, RUNNING)  # A set takes no list of another writer.


def record_after(after: Attributes | Exception) -> TaskRecord | Exception | None:
    """Return a record after a cancel, None if it was refused, or what AWS raised."""
    if isinstance(after, Exception):
        return None if isinstance(after, Refused) else after
    try:
        return read_record(after)
    except UnreadableRecord as exc:
        return exc


def texts_together(store: Store, records: Sequence[TaskRecord]) -> Iterator[dict[str, str] | None]:
    """Yield the texts beside each record, read together, or None if some of them couldn't be read."""
    names = [(record.enqueued.id, name) for record in records for name in names_beside(record)]
    read = begin_together(partial(store.begin_get_part, *name) for name in names)()
    text_by_name = dict(zip(names, read, strict=True))
    for record in records:
        texts = {name: text_by_name[record.enqueued.id, name] for name in names_beside(record)}
        if any(isinstance(text, Exception) for text in texts.values()):
            yield None
        else:
            yield {name: text for name, text in texts.items() if isinstance(text, str)}


def announced(
    store: Store,
    enqueued: EnqueuedTask,
    options: Options,
    after: Attributes | Exception,
    texts: dict[str, str] | None,
) -> TaskRecord | Exception:
    """Announce the end of a task. One that can't be announced must not stop the others."""
    if isinstance(after, Exception):  # The record wasn't written.
        return after
    try:
        return announce_end(store, enqueued, options, after, texts)
    except Exception as exc:  # noqa: BLE001, whatever a receiver or a seam raises
        return exc
