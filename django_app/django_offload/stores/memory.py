"""Records in this process's memory, for tests and simulations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

from ..birth import EPOCH, from_micros, to_micros
from ..change import Attributes, Change, Refused, Value
from .base import Due, Store


class MemoryStore(Store):
    """Keeps what DynamoDB would keep; every call is atomic."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Value]] = {}
        self.texts: dict[str, dict[str, str]] = {}
        self._due: dict[str, None] = {}  # The sparse index: ids, in the order of their first entry.
        self._lock = Lock()

    def change(self, task_id: str, change: Change) -> dict[str, Value] | None:
        with self._lock:
            before = self.records.get(task_id)
            if not change.allowed(before):
                raise Refused(change, _copy(before))
            after = self.records[task_id] = change.apply(before)
            if "due_at" in after:
                self._due[task_id] = None
            else:
                self._due.pop(task_id, None)
            return before

    def get(self, task_id: str) -> Attributes | None:
        with self._lock:
            return _copy(self.records.get(task_id))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        with self._lock:
            return self.texts.setdefault(task_id, {}).setdefault(part, text)

    def get_part(self, task_id: str, part: str) -> str | None:
        with self._lock:
            return self.texts.get(task_id, {}).get(part)

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        with self._lock:
            return _copy(self.records.get(task_id)), dict(self.texts.get(task_id, {}))

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[Due]:
        first, last = to_micros(since), to_micros(until)
        with self._lock:
            found = [
                Due(id=task_id, due_at=from_micros(int(record["due_at"])))  # type: ignore[arg-type]
                for task_id, record in ((task_id, self.records[task_id]) for task_id in self._due)
                if record.get("due_shard") == shard and first <= record["due_at"] <= last  # type: ignore[operator]
            ]
        return sorted(found, key=lambda entry: entry.due_at)[:limit]


def _copy(attributes: Attributes | None) -> dict[str, Value] | None:
    """Return a record of its own; lists are what of it could change."""
    if attributes is None:
        return None
    return {name: [*value] if isinstance(value, list) else value for name, value in attributes.items()}
