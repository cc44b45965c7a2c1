"""Fail a record from outside its task, and recognise a change whose reply was lost."""

import logging
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from ..conf import Options
from ..definition.context import OffloadContext
from ..definition.registry import registry, result_ttl
from ..definition.results import announce, parts_of, result_of
from ..exceptions import OffloadError, UnknownTask, UnreadableRecord
from ..payloads import fetch_parts
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, explain_unreadable, read_record
from ..protocol.transitions import abandon
from ..stores import Store
from .pages import begin_write

logger = logging.getLogger("django_offload")


def fail_record(
    store: Store,
    enqueued: EnqueuedTask,
    options: Options,
    now: datetime,
    error: OffloadError,
    record_as_read: TaskRecord | None = None,
) -> TaskRecord | None:
    """
    Fail a record that no worker holds, and return it. Return None if it has ended or does not exist.

    Raise Refused if a worker holds a live lease on the record, or if the record has changed since it was
    read as `record_as_read`.
    """
    change = abandon(
        now=now,
        result_ttl=result_ttl(enqueued, options),
        error=error_of(error),
        seen=record_as_read,
        shards=store.shards(options),
    )
    try:
        attributes = change_or_recognise(store, enqueued.id, change)
    except Refused as refused:
        if not leaves_nothing_to_end(refused, enqueued, error):
            raise
        return None
    return announce_end(store, enqueued, options, attributes)


def leaves_nothing_to_end(refused: Refused, enqueued: EnqueuedTask, error: OffloadError) -> bool:
    """Return True if a record can't be failed because it has ended or, which is logged, does not exist."""
    if refused.current is None:
        text = "Task id=%s name=%s has no record, which would tell how it ended: %s"
        logger.warning(text, enqueued.id, enqueued.name, error)
        return True
    return read_record(refused.current).ended


def change_or_recognise(store: Store, task_id: str, change: ConditionalWrite) -> Attributes:
    """Make a change, and return the record after it. See begin_write()."""
    return begin_write(store, task_id, change)()


def with_jitter(due_at: datetime) -> datetime:
    """Return the instant plus less than a second at random, so that each writer recognises its own write."""
    return due_at + timedelta(microseconds=random.randrange(1_000_000))  # noqa: S311


def announce_end(
    store: Store,
    enqueued: EnqueuedTask,
    options: Options,
    attributes: Attributes,
    texts: Mapping[str, str] | None = None,
) -> TaskRecord:
    """
    Send task_finished for a record that has just ended, unless its task is unknown. Return the record.

    The texts beside the record are read, unless `texts` has them already.
    """
    record = read_record(attributes)
    logger.info(
        "Task id=%s name=%s state=%s %s", enqueued.id, enqueued.name, record.status, record.error or ""
    )
    try:
        task = registry().resolve(enqueued.name)
    except UnknownTask:
        return record
    parts = parts_to_announce(store, record, options, texts)
    try:
        with explain_unreadable(enqueued.id):
            result = result_of(record, parts, task)
    except UnreadableRecord as exc:
        logger.error("Task id=%s name=%s ended without task_finished: %s", enqueued.id, enqueued.name, exc)
        return record
    budget = None
    if options.enqueues_per_root is not None or record.enqueued.root is not None:
        from ..sending.root_budget import RootBudget  # Imported here, because most stacks count nothing.

        budget = RootBudget(store, record.enqueued, options)
    context = OffloadContext(
        task_result=result,
        owner=enqueued.owner,
        tenant=enqueued.tenant,
        depth=enqueued.depth,
        traceparent=enqueued.traceparent,
        most_enqueues=options.enqueues_per_attempt,
        budget=budget,
    )
    announce(result, context, finished=True)
    return record


def parts_to_announce(
    store: Store, record: TaskRecord, options: Options, texts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what read_parts() does, but log what can't be read: the record has ended all the same."""
    if not parts_of(record):
        return {}
    from .find import texts_beside  # Imported here, because most results need only the record.

    parts = dict(texts or {})
    beside = [] if texts is not None else [partial(texts_beside, store, record)]
    for read in (*beside, partial(fetch_parts, record, options)):
        try:
            parts |= read()
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            enqueued, text = record.enqueued, "Task id=%s name=%s task_finished lacks what can't be read: %s"
            logger.warning(text, enqueued.id, enqueued.name, exc)
    return parts
