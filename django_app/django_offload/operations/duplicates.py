"""A duplicate's record leads to the task that does its work. Who may read what that task returned?"""

from dataclasses import replace
from datetime import UTC, datetime

from ..aws import reading
from ..conf import options_for
from ..exceptions import UnreadableRecord
from ..protocol.record import TaskRecord, read_record
from ..stores import Store
from .find import StoredTask

# The task that did the work of a duplicate may have been a duplicate too.
MOST_STEPS = 10


def follow(store: Store, record: TaskRecord) -> TaskRecord:
    """
    Return the record of the task that does the work of a duplicate.

    Return this record if it is no duplicate's, or if the other one can't be read any more.
    """
    current, now = record, datetime.now(UTC)
    for _ in range(MOST_STEPS):
        if current.duplicate_of is None:
            return current
        with reading():
            attributes = store.get(current.duplicate_of)
        if attributes is None:
            return record
        try:
            current = read_record(attributes)
        except UnreadableRecord:
            return record
        if current.hidden(now):
            return record
    return record


def followed(task: StoredTask) -> StoredTask:
    """Do what follow() does, for a task with the place where it is stored."""
    if task.record.duplicate_of is None:
        return task
    record = follow(task.store, task.record)
    if record is task.record:
        return task
    return replace(task, record=record, options=options_for(record.enqueued.alias, task.options), parts={})


def is_outcome_of(record: TaskRecord, holder: TaskRecord) -> bool:
    """
    Return True if what a task returned, or its error, may be shown as that of its duplicate.

    Both must have the same owner. Otherwise the duplicate's owner sees only how far the task is.
    """
    return record is holder or record.enqueued.owner == holder.enqueued.owner
