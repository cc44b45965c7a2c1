"""Ends a record from outside its task, and tells Django where the task is known."""

import logging
import random
from datetime import datetime, timedelta

from django.tasks import task_backends
from django.tasks.exceptions import InvalidTaskBackend
from django.tasks.signals import task_finished, task_started

from ..conf import DEFAULT_MAX_ATTEMPTS, Options, configured
from ..definition.offload_task import AnyResult
from ..definition.registry import registry
from ..definition.results import result_of
from ..definition.retry_policy import RetryPolicy
from ..exceptions import OffloadError, UnknownTask
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, read_record
from ..protocol.transitions import abandon
from ..stores import Store

logger = logging.getLogger("django_offload")


def options_for(enqueued: EnqueuedTask, near: Options) -> Options:
    """Return the options of the alias that enqueued a task; `near`, of the same stack, where it is gone."""
    found = configured().get(enqueued.alias)
    return found if found is not None and found.stack == near.stack else near


def result_ttl(enqueued: EnqueuedTask, options: Options) -> timedelta:
    """Return how long the result of a task can be read: its own, else its queue's."""
    given = enqueued.options.get("result_ttl")
    if given is not None:
        return timedelta(seconds=given)
    try:
        own = getattr(registry().resolve(enqueued.name), "result_ttl", None)
    except UnknownTask:
        own = None
    return own if own is not None else options.ttl(enqueued.queue)


def attempts_allowed(record: TaskRecord, options: Options) -> int | None:
    """Return how many attempts a task has, None where no declared module defines it."""
    queue = options.queues.get(record.enqueued.queue)
    try:
        task = registry().resolve(record.enqueued.name)
    except UnknownTask:
        return None
    own = queue.max_attempts if queue else DEFAULT_MAX_ATTEMPTS
    return RetryPolicy.of(task, max_attempts=own, changed=record.enqueued.options).max_attempts


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
        if refused.made and refused.current is not None:
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


def announce(result: AnyResult, *, finished: bool) -> None:
    """Send Django's signal, with the backend's class as sender; not where TASKS lost the alias."""
    try:
        sender = type(task_backends[result.backend])
    except InvalidTaskBackend:
        return
    # Robust: what a receiver raises is logged by Django, and changes nothing here.
    (task_finished if finished else task_started).send_robust(sender=sender, task_result=result)
