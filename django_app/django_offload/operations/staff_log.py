"""Record in the admin's log what staff did to the tasks of others."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import router, transaction

from ..conf import reason
from ..logs.escaping import escape_controls
from ..models import Task

logger = logging.getLogger("django_offload")

ADMIN = "django.contrib.admin"
UNKNOWN = "AWS didn't confirm it, so it may have been done."


@contextmanager
def unknown_if_it_raises(user: Any, object_id: str, action: str, *, deletes: bool = False) -> Iterator[None]:
    """
    Log an action as perhaps done if the block raises.

    AWS may have made a change whose answer never came.
    """
    try:
        yield
    except Exception:
        log_staff_action(user, object_id, f"{action}: {UNKNOWN}", deletes=deletes)
        raise


def log_staff_action(user: Any, object_id: str, message: str, *, deletes: bool = False) -> None:
    """Do what log_staff_actions() does for one record."""
    log_staff_actions(user, {object_id: message}, deletes=deletes)


def log_staff_actions(user: Any, messages: Mapping[str, str], *, deletes: bool = False) -> None:
    """
    Add an entry to the admin's log for each record: who, on which record, what.

    Never raise, because the actions were done already. If there can be no entry, log one line instead.
    """
    ids_by_message: dict[str, list[str]] = {}
    for object_id, message in messages.items():
        ids_by_message.setdefault(message, []).append(object_id)
    for message, ids in ids_by_message.items():
        try:
            add_entries(user, ids, message, deletes=deletes)
        except Exception as exc:  # noqa: BLE001, whatever a database or a receiver of a signal raises
            line = "Staff user=%s task id=%s: %s The admin's log has no entry: %s"
            for object_id in ids:
                logger.warning(line, user.pk, object_id, message, reason(exc))


def add_entries(user: Any, ids: Sequence[str], message: str, *, deletes: bool) -> None:
    """Add entries with one message to the admin's log, by one query."""
    if not apps.is_installed(ADMIN):
        raise LookupError(f"{ADMIN} isn't installed")
    from django.contrib.admin.models import CHANGE, DELETION, LogEntry

    # PostgreSQL stores no NUL, and no output encodes a lone surrogate.
    tasks, text = [Task(id=escape_controls(object_id)) for object_id in ids], escape_controls(message)
    # Own savepoint, because a failed query would otherwise break the transaction of the request.
    with transaction.atomic(using=router.db_for_write(LogEntry)):
        LogEntry.objects.log_actions(user.pk, tasks, DELETION if deletes else CHANGE, text)
