"""Record in the admin's log what staff did to the tasks of others."""

import logging
from collections.abc import Iterator
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
    """
    Add an entry to the admin's log: who, on which record, what.

    Never raise, because the action was done already. If there can be no entry, log one line instead.
    """
    try:
        if not apps.is_installed(ADMIN):
            raise LookupError(f"{ADMIN} isn't installed")
        from django.contrib.admin.models import CHANGE, DELETION, LogEntry

        text = escape_controls(message)  # PostgreSQL stores no NUL, and no output encodes a lone surrogate.
        # Own savepoint, because a failed query would otherwise break the transaction of the request.
        with transaction.atomic(using=router.db_for_write(LogEntry)):
            flag = DELETION if deletes else CHANGE
            LogEntry.objects.log_actions(user.pk, [Task(id=escape_controls(object_id))], flag, text)
    except Exception as exc:  # noqa: BLE001, whatever a database or a receiver of a signal raises
        line = "Staff user=%s task id=%s: %s The admin's log has no entry: %s"
        logger.warning(line, user.pk, object_id, message, reason(exc))
