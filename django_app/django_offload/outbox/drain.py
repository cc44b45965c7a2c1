"""Puts tasks into the outbox, and sends those that are left there."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.models import Q

from ..conf import configured
from ..definition.results import in_django_time
from ..protocol.enqueued_task import EnqueuedTask
from ..sending.enqueue import masked_text, send
from ..sending.outbox_row import pack, unpack
from .models import OutboxEntry

logger = logging.getLogger("django_offload")

# The database for whose transactions enqueue() waits.
DATABASE = DEFAULT_DB_ALIAS
# The process that enqueued a task still sends it during this time.
FRESH = timedelta(seconds=30)


def put(enqueued: EnqueuedTask) -> None:
    """Add a task to the outbox, as part of the open transaction."""
    put_many([enqueued])


def put_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Add tasks to the outbox by one query."""
    OutboxEntry.objects.using(DATABASE).bulk_create(
        OutboxEntry(
            id=enqueued.id,
            alias=enqueued.alias,
            birth=pack(enqueued),
            created_at=in_django_time(enqueued.enqueued_at),
        )
        for enqueued in enqueued_tasks
    )


def delete_sent(enqueued: EnqueuedTask) -> None:
    """Delete a task that was sent. If that fails, it is sent once more, and is still the same task."""
    forget_many([enqueued])


def forget_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Delete tasks that were sent."""
    try:
        delete(*(enqueued.id for enqueued in enqueued_tasks))
    except DatabaseError as exc:
        for enqueued in enqueued_tasks:
            reason = masked_text(exc, enqueued)
            logger.warning("Task id=%s was sent, and stays in the outbox: %s", enqueued.id, reason)


def delete(*task_ids: str) -> None:
    OutboxEntry.objects.using(DATABASE).filter(id__in=task_ids).delete()


def drain(now: datetime, left: Callable[[], float], *, fresh: timedelta = FRESH) -> int:
    """
    Send the tasks of processes that died, the oldest first, and return how many were sent.

    Several processes can drain at once. If the database can lock rows, each process locks a row while it
    sends the task, and the others skip that row. A row is deleted only after its task was sent; a task that
    is sent twice is still one task. A task that cannot be sent stays in the outbox.
    """
    count, last = 0, None
    # Without row locks, an open transaction would only block others.
    can_lock = connections[DATABASE].features.has_select_for_update
    while left() > 1:
        with transaction.atomic(using=DATABASE) if can_lock else nullcontext():
            last = next_entry(last, in_django_time(now - fresh))
            if last is None:
                break
            count += send_entry(last)
    return count


def next_entry(last: OutboxEntry | None, until: datetime) -> OutboxEntry | None:
    """Return the oldest entry after `last`, locked if the database can lock rows."""
    entries = OutboxEntry.objects.using(DATABASE).filter(created_at__lte=until).order_by("created_at", "id")
    if last is not None:
        entries = entries.filter(
            Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, id__gt=last.id)
        )
    features = connections[DATABASE].features
    if features.has_select_for_update:
        entries = entries.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    return entries.first()


def send_entry(entry: OutboxEntry) -> bool:
    """Send one task and delete its row. Return False, and log why, if the task cannot be sent."""
    options = configured().get(entry.alias)
    if options is None:
        logger.error("Task id=%s stays in the outbox: TASKS has no '%s' any more", entry.id, entry.alias)
        return False
    enqueued = None
    try:
        enqueued = unpack(entry.birth)
        send(replace(enqueued, enqueued_at=datetime.now(UTC)), options)
    except Exception as exc:  # noqa: BLE001, a task that cannot be sent must not stop the others
        reason = masked_text(exc, enqueued) if enqueued else "its row can't be read"
        logger.error("Task id=%s stays in the outbox: %s: %s", entry.id, type(exc).__name__, reason)
        return False
    delete_sent(enqueued)
    return True
