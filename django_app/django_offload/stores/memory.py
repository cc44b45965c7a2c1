"""Records in this process's memory, for tests and simulations."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
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
        self._lock = Lock()

    def change(self, task_id: str, change: Change) -> dict[str, Value] | None:
        with self._lock:
            before = self.records.get(task_id)
            if not change.allowed(before):
                raise Refused(change, deepcopy(before))
            self.records[task_id] = deepcopy(change.apply(before))
            return before

    def get(self, task_id: str) -> Attributes | None:
        with self._lock:
            return deepcopy(self.records.get(task_id))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        with self._lock:
            return self.texts.setdefault(task_id, {}).setdefault(part, text)

    def get_part(self, task_id: str, part: str) -> str | None:
        with self._lock:
            return self.texts.get(task_id, {}).get(part)

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        with self._lock:
            return deepcopy(self.records.get(task_id)), dict(self.texts.get(task_id, {}))

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[Due]:
        first, last = to_micros(since), to_micros(until)
        with self._lock:
            found = [
                Due(id=task_id, due_at=from_micros(int(record["due_at"])))  # type: ignore[arg-type]
                for task_id, record in self.records.items()
                if record.get("due_shard") == shard and first <= record["due_at"] <= last  # type: ignore[operator]
            ]
        return sorted(found, key=lambda entry: entry.due_at)[:limit]
