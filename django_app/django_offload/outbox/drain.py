"""Puts a task into the outbox, and sends what is in it."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connection, transaction

from ..birth import Birth
from ..conf import configured
from ..exceptions import OffloadError
from ..sending import pack, send, unpack
from .models import OutboxEntry

logger = logging.getLogger("django_offload")

# Whose transactions enqueue() waits for.
DATABASE = DEFAULT_DB_ALIAS
# A task younger than this is still being sent by the process that enqueued it.
FRESH = timedelta(seconds=30)


def put(birth: Birth) -> None:
    """Write a task into the outbox, as part of the transaction that is open."""
    OutboxEntry.objects.using(DATABASE).create(
        id=birth.id, alias=birth.alias, birth=pack(birth), created_at=birth.enqueued_at
    )


def forget(birth: Birth) -> None:
    """Forget a task that was sent."""
    OutboxEntry.objects.using(DATABASE).filter(id=birth.id).delete()


def holds(birth: Birth) -> bool:
    """Tell whether a task is in the outbox."""
    return OutboxEntry.objects.using(DATABASE).filter(id=birth.id).exists()


def drain(now: datetime, left: Callable[[], float], *, fresh: timedelta = FRESH) -> int:
    """
    Send what processes that died left behind, the oldest first; return how many were sent.

    Safe to run several times at once: a row is locked while it is sent, and where the database can,
    others skip it. A row goes only after its task was sent; sent twice, it is one task.
    """
    count, after = 0, ""
    while left() > 1:
        with transaction.atomic(using=DATABASE):
            entries = (
                OutboxEntry.objects.using(DATABASE)
                .filter(created_at__lte=now - fresh, id__gt=after)
                .order_by("id")
            )
            if connection.features.has_select_for_update:
                skip = connection.features.has_select_for_update_skip_locked
                entries = entries.select_for_update(skip_locked=skip)
            entry = entries.first()
            if entry is None:
                return count
            after = entry.id
            count += _sent(entry)
    return count


def _sent(entry: OutboxEntry) -> bool:
    """Send one entry and delete it; return whether that was possible."""
    options = configured().get(entry.alias)
    if options is None:
        logger.error("Task id=%s stays in the outbox: TASKS has no '%s' any more", entry.id, entry.alias)
        return False
    try:
        send(replace(unpack(entry.birth), enqueued_at=datetime.now(UTC)), options)
    except OffloadError as exc:
        logger.error("Task id=%s stays in the outbox: %s", entry.id, exc)
        return False
    entry.delete()
    return True
