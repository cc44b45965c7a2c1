"""
A table of many records: does what is done to a few of them grow with all the others?

    python -m tests.benchmarks.scaling 1000000

fills a table in memory, with DynamoDB's two ways in (by key; by an index, in its order, at most so many), and
prints what enqueue, sweep and list cost there.
"""

import json
import sys
import time
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import django

from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Value
from django_offload.protocol.json_codec import EPOCH, from_micros, to_micros
from django_offload.protocol.record import FAILED
from django_offload.stores import DueEntry
from tests.benchmarks.metered import MeteredStore
from tests.old_shards import DEAD_SHARDS

ENQUEUED, DUE, LISTED = 200, 100, 50
# Of all records, one in a hundred is a dead letter, and more than a list reads; the others ended well.
DEAD_SHARE, FEWEST_DEAD = 100, 500


class IndexedStore(MeteredStore):
    """Records in memory with a sorted index, as a table has it; counts the entries that are read there."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        self.read = 0

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        before = super().change(task_id, change)
        self._index(task_id, before, self.records[task_id])
        return before

    def _index(self, task_id: str, before: Attributes | None, after: Attributes) -> None:
        for attributes, add in ((before or {}, False), (after, True)):
            if "due_shard" in attributes:
                entries = self.entries[int(str(attributes["due_shard"]))]
                entry = (int(str(attributes["due_at"])), task_id)
                if add:
                    insort(entries, entry)
                else:
                    del entries[bisect_left(entries, entry)]

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        entries, last = self.entries[shard], to_micros(until)
        start = bisect_left(entries, (to_micros(since), ""))
        found = [entry for entry in entries[start : start + limit] if entry[0] <= last]
        self.read += len(found)
        return [DueEntry(id=task_id, due_at=from_micros(at)) for at, task_id in found]


def fill(store: IndexedStore, count: int) -> None:
    """Add so many records that have ended."""
    from django_offload.compat import default_task_backend
    from tests.benchmarks.tasks import nothing

    pattern = dict(store.records[default_task_backend.enqueue(nothing, [7], {}).id])
    ended = {**pattern, "status": "SUCCESSFUL"}
    del ended["due_at"], ended["due_shard"]
    at, dead = to_micros(datetime.now(UTC)) - count, max(count // DEAD_SHARE, FEWEST_DEAD)
    for number in range(count):
        task_id = f"{number:032x}"
        if number >= dead:
            store.records[task_id] = ended
        else:
            shard = DEAD_SHARDS[number % len(DEAD_SHARDS)]
            store.records[task_id] = {**ended, "status": FAILED, "due_at": at + number, "due_shard": shard}
            store.entries[shard].append((at + number, task_id))


def cost(store: IndexedStore, action: Callable[[], object]) -> dict[str, float]:
    """Return what an action costs: CPU seconds, writes, records read by key, entries read in the index."""
    writes, reads, read = len(store.writes), store.reads, store.read
    began = time.process_time()
    action()
    return {
        "cpu": time.process_time() - began,
        "writes": len(store.writes) - writes,
        "reads": store.reads - reads,
        "entries": store.read - read,
    }


def measured(count: int) -> dict[str, Any]:
    """Return what enqueue, sweep and list cost in a table of so many records."""
    from django_offload.conf import configured
    from django_offload.operations.dead_letters import failed_records
    from django_offload.worker.sweep import sweep
    from tests.benchmarks.metered import installed
    from tests.benchmarks.tasks import nothing

    store = IndexedStore()
    with installed(configured()["default"], store):
        fill(store, count)
        list(islice(failed_records(store), LISTED))
        found = {"enqueue": cost(store, lambda: [nothing.enqueue(7) for _ in range(ENQUEUED)])}
        found["list"] = cost(store, lambda: list(islice(failed_records(store), LISTED)))
        _later(store)
        found["sweep"] = cost(store, lambda: sweep(lambda: datetime.now(UTC), lambda: 60.0))
    return found


def _later(store: IndexedStore) -> None:
    """Let so many records be due, and no others."""
    past = to_micros(datetime.now(UTC) - timedelta(minutes=1))
    left = DUE
    for shard in [shard for shard in store.entries if shard >= 0]:
        moved = []
        for at, task_id in store.entries[shard]:
            due = past if left > 0 else at
            left -= 1
            store.records[task_id] = {**store.records[task_id], "due_at": due}
            moved.append((due, task_id))
        store.entries[shard] = sorted(moved)


def main(count: int) -> None:
    django.setup()
    print(json.dumps(measured(count)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
