"""The outbox: real rows in a real database, which no sweep asks while there are none."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django_offload.outbox import drain
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.enqueued_task import EnqueuedTask

from .network import Network


class Outbox:
    """Puts, drains and deletes as the module does, over a wire, and knows meanwhile which rows there are."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.rows: set[str] = set()
        self._put_many, self._delete, self._drain = drain.put_many, drain.delete, drain.drain

    def clear(self) -> None:
        """Remove the rows of another world."""
        OutboxEntry.objects.all().delete()

    def put_many(self, enqueued_tasks: Sequence[EnqueuedTask]) -> None:
        self.rows.update(enqueued.id for enqueued in enqueued_tasks)
        self._put_many(enqueued_tasks)
        for enqueued in enqueued_tasks:
            self._network.call(enqueued.id, lambda: None)  # Between the row and its commit.

    def delete(self, *task_ids: str) -> None:
        self._delete(*task_ids)
        for task_id in task_ids:
            self._network.call(task_id, lambda: None)
            self.rows.discard(task_id)

    def drain(self, now: datetime, left: Callable[[], float]) -> int:
        return self._drain(now, left) if self.rows else 0

    def patches(self) -> dict[tuple[Any, str], Any]:
        """Return what stands in for the functions of the module."""
        return {(drain, name): getattr(self, name) for name in ("put_many", "delete", "drain")}
