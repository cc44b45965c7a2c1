"""Records in this process's memory, for tests and simulations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.json_codec import EPOCH, from_micros, to_micros
from .base import Due, Store


class MemoryStore(Store):
    """Keeps what DynamoDB would keep; every call is atomic."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Value]] = {}
        self.texts: dict[str, dict[str, str]] = {}
        # The sparse index: ids by shard, in the order of their first entry.
        self._due: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._lock = Lock()

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        with self._lock:
            before = self.records.get(task_id)
            if not change.allowed(before):
                raise Refused(change, _copy(before))
            after = self.records[task_id] = change.apply(before)
            self._index(task_id, before, after)
            return before

    def _index(self, task_id: str, before: Attributes | None, after: Attributes) -> None:
        old, new = (before or {}).get("due_shard"), after.get("due_shard")
        if old != new and isinstance(old, int):
            self._due[old].pop(task_id, None)
        if isinstance(new, int):
            self._due[new][task_id] = None

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
                for task_id, record in ((task_id, self.records[task_id]) for task_id in self._due[shard])
                if first <= record["due_at"] <= last  # type: ignore[operator]
            ]
        return sorted(found, key=lambda entry: entry.due_at)[:limit]


def _copy(attributes: Attributes | None) -> dict[str, Value] | None:
    """Return a record of its own; lists are what of it could change."""
    if attributes is None:
        return None
    return {name: [*value] if isinstance(value, list) else value for name, value in attributes.items()}
