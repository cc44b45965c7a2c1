"""Fail a record from outside its task, and tell Django if the task is known."""

import logging
import random
from datetime import datetime, timedelta

from ..conf import Options
from ..definition.registry import registry, result_ttl
from ..definition.results import announce, result_of
from ..exceptions import OffloadError, UnknownTask
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, read_record
from ..protocol.transitions import abandon
from ..stores import Store

logger = logging.getLogger("django_offload")


def end(
    store: Store,
    enqueued: EnqueuedTask,
    options: Options,
    now: datetime,
    error: OffloadError,
    seen: TaskRecord | None = None,
) -> TaskRecord | None:
    """
    Fail a record that nobody works on, and return it; None if it has ended or does not exist.

    Raise Refused if somebody holds a live lease on it, or if it is not as it was `seen` any more.
    """
    change = abandon(now=now, result_ttl=result_ttl(enqueued, options), error=error_of(error), seen=seen)
    try:
        after = written(store, enqueued.id, change)
    except Refused as refused:
        if refused.current is None or read_record(refused.current).ended:
            return None
        raise
    return finished(enqueued, after)


def written(store: Store, task_id: str, change: ConditionalWrite) -> Attributes:
    """
    Make a change, and return the record after it.

    Raise Refused if the record does not take it; not where it shows that it took it already, and only the
    reply of that was lost.
    """
    try:
        return change.apply(store.change(task_id, change))
    except Refused as refused:
        if refused.already_applied and refused.current is not None:
            return refused.current
        raise


def with_jitter(due_at: datetime) -> datetime:
    """Return an instant less than a second later: of two that write at once, each knows its own write."""
    return due_at + timedelta(microseconds=random.randrange(1_000_000))  # noqa: S311


def finished(enqueued: EnqueuedTask, after: Attributes) -> TaskRecord:
    """Return the record as it is after its last change, and send task_finished."""
    record = read_record(after)
    logger.info(
        "Task id=%s name=%s state=%s %s", enqueued.id, enqueued.name, record.status, record.error or ""
    )
    try:
        result = result_of(record, {}, registry().resolve(enqueued.name))
    except UnknownTask:
        return record
    announce(result, finished=True)
    return record
