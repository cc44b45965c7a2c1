"""Lists of records in this process's memory, for tests."""

from collections.abc import Sequence

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import to_micros
from .listing import Listing, Place, Slice, Wanted
from .memory import MemoryStore


class MemoryListing(Listing):
    """Lists what a MemoryStore keeps."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def take(self, wanted: Wanted, partition: Value, after: Place | None, limit: int) -> Slice:
        found = sorted(
            (
                Place(int(record[wanted.index.instant]), task_id)  # type: ignore[arg-type]
                for task_id, record in dict(self._store.records).items()
                if _matches(record, wanted, partition)
            ),
            reverse=wanted.newest_first,
        )
        if after is not None:
            found = [place for place in found if (place < after if wanted.newest_first else place > after)]
        return Slice(entries=found[:limit], more=found[limit - 1] if len(found) > limit else None)

    def read(self, ids: Sequence[str]) -> Sequence[Attributes]:
        found = (self._store.get(task_id) for task_id in ids)
        return [record for record in found if record is not None]


def _matches(record: Attributes, wanted: Wanted, partition: Value) -> bool:
    index = wanted.index
    if record.get(index.partition) != partition or index.instant not in record:
        return False
    bounds = [(index.instant, wanted.since, wanted.until)]
    if wanted.enqueued is not None:
        bounds.append(("enqueued_at", *wanted.enqueued))
    within = all(
        to_micros(first) <= record[name] <= to_micros(last)  # type: ignore[operator]
        for name, first, last in bounds
    )
    return within and all(record.get(name) == value for name, value in wanted.matching.items())
