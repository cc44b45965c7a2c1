"""Records in this process's memory, for tests and simulations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

from ..aws.memory_limits import check_item, check_key
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.json_codec import EPOCH, from_micros, to_micros
from .base import DueEntry, Store

RECORD = "record"  # The sort key of a record.


class MemoryStore(Store):
    """Stores what DynamoDB would. Every call is atomic."""

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
                raise Refused(change, copy_record(before))
            after = change.apply(before)
            check_key(task_id, RECORD)
            check_item(after)
            self.records[task_id] = after
            old_shard, new_shard = (before or {}).get("due_shard"), after.get("due_shard")
            if old_shard != new_shard and isinstance(old_shard, int):
                self._due[old_shard].pop(task_id, None)
            if isinstance(new_shard, int):
                self._due[new_shard][task_id] = None
            return before

    def get(self, task_id: str) -> Attributes | None:
        check_key(task_id, RECORD)
        with self._lock:
            return copy_record(self.records.get(task_id))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        check_key(task_id, part)
        check_item({"id": task_id, "part": part, "text": text, "ttl": ttl})
        with self._lock:
            return self.texts.setdefault(task_id, {}).setdefault(part, text)

    def get_part(self, task_id: str, part: str) -> str | None:
        check_key(task_id, part)
        with self._lock:
            return self.texts.get(task_id, {}).get(part)

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        with self._lock:
            return copy_record(self.records.get(task_id)), dict(self.texts.get(task_id, {}))

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        first, last = to_micros(since), to_micros(until)
        with self._lock:
            entries = [
                DueEntry(id=task_id, due_at=from_micros(int(record["due_at"])))  # type: ignore[arg-type]
                for task_id, record in ((task_id, self.records[task_id]) for task_id in self._due[shard])
                if first <= record["due_at"] <= last  # type: ignore[operator]
            ]
        return sorted(entries, key=lambda entry: entry.due_at)[:limit]


def copy_record(attributes: Attributes | None) -> dict[str, Value] | None:
    """Return a copy of a record, with copies of its lists, because a caller could change those."""
    if attributes is None:
        return None
    return {name: [*value] if isinstance(value, list) else value for name, value in attributes.items()}
