"""A site with the outbox: its rows, its messages, and failures of AWS."""

from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.db import transaction

from django_offload.outbox import drain as outbox
from django_offload.outbox.models import OutboxEntry
from tests.contract import tasks
from tests.contract.setup import STACK

LATER = timedelta(minutes=1)


class Killed(BaseException):
    """Stands for SIGKILL, so that the library must not catch it."""


def rows():
    return list(OutboxEntry.objects.order_by("id").values_list("id", flat=True))


def messages(site):
    return [held.body for queue in site.transports[STACK].queues.values() for held in queue.messages.values()]


def leave_behind(count=1):
    """Commit tasks in a process that dies right after the commit; return their ids."""
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        return sorted(tasks.answer.enqueue().id for _ in range(count))


def drain(ahead=LATER):
    return outbox.drain(datetime.now(UTC) + ahead, lambda: 60.0)


def refusing(*args, **kwargs):
    raise ConnectionError("AWS does not answer")


@contextmanager
def rolled_back():
    """Open a transaction or a savepoint, and roll it back by an exception."""
    with suppress(ZeroDivisionError), transaction.atomic():
        yield
        raise ZeroDivisionError


@contextmanager
def down(site):
    """Make AWS refuse all records and messages."""
    with (
        mock.patch.object(site.stores[STACK], "change", refusing),
        mock.patch.object(site.transports[STACK], "send", refusing),
    ):
        yield
