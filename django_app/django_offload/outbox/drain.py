"""Puts a task into the outbox, and sends what is in it."""

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
from ..sending.enqueue import send
from ..sending.outbox_row import pack, unpack
from .models import OutboxEntry

logger = logging.getLogger("django_offload")

# Whose transactions enqueue() waits for.
DATABASE = DEFAULT_DB_ALIAS
# A task younger than this is still being sent by the process that enqueued it.
FRESH = timedelta(seconds=30)


def put(enqueued: EnqueuedTask) -> None:
    """Write a task into the outbox, as part of the transaction that is open."""
    put_many([enqueued])


def put_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Write tasks into the outbox, by one call of the database."""
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
    """Forget a task that was sent. A row that the database keeps is sent once more, and is the same task."""
    forget_many([enqueued])


def forget_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Forget tasks that were sent."""
    try:
        delete(*(enqueued.id for enqueued in enqueued_tasks))
    except DatabaseError as exc:
        for enqueued in enqueued_tasks:
            logger.warning("Task id=%s was sent, and stays in the outbox: %s", enqueued.id, exc)


def delete(*task_ids: str) -> None:
    OutboxEntry.objects.using(DATABASE).filter(id__in=task_ids).delete()


def drain(now: datetime, left: Callable[[], float], *, fresh: timedelta = FRESH) -> int:
    """
    Send what processes that died left behind, the oldest first; return how many were sent.

    Safe to run several times at once: where the database can, a row is locked while it is sent, and others
    skip it. A row goes only after its task was sent; sent twice, it is one task. What cannot be sent stays.
    """
    count, last = 0, None
    # Without row locks, an open transaction would only stand in the way of others.
    features = connections[DATABASE].features
    while left() > 1:
        with transaction.atomic(using=DATABASE) if features.has_select_for_update else nullcontext():
            entry = last = _after(last, in_django_time(now - fresh))
            if entry is None:
                break
            count += _sent(entry)
    return count


def _after(last: OutboxEntry | None, until: datetime) -> OutboxEntry | None:
    """Return the oldest entry that comes after `last`, locked where the database can."""
    entries = OutboxEntry.objects.using(DATABASE).filter(created_at__lte=until).order_by("created_at", "id")
    if last is not None:
        entries = entries.filter(
            Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, id__gt=last.id)
        )
    features = connections[DATABASE].features
    if features.has_select_for_update:
        entries = entries.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    return entries.first()


def _sent(entry: OutboxEntry) -> bool:
    """Send one entry and forget it; return whether that was possible."""
    options = configured().get(entry.alias)
    if options is None:
        logger.error("Task id=%s stays in the outbox: TASKS has no '%s' any more", entry.id, entry.alias)
        return False
    try:
        enqueued = unpack(entry.birth)
        send(replace(enqueued, enqueued_at=datetime.now(UTC)), options)
    except Exception as exc:  # noqa: BLE001, one that cannot be sent stops no other
        logger.error("Task id=%s stays in the outbox: %s: %s", entry.id, type(exc).__name__, exc)
        return False
    delete_sent(enqueued)
    return True
