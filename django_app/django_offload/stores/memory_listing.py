"""Lists of the records in this process's memory, for tests."""

from collections.abc import Sequence

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import to_micros
from .listing import IndexEntry, IndexPage, IndexQuery, Listing, check_ids
from .memory import MemoryStore


class MemoryListing(Listing):
    """Lists the records of a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def query(self, query: IndexQuery, partition: Value, after: IndexEntry | None, limit: int) -> IndexPage:
        entries = sorted(
            (
                IndexEntry(int(record[query.index.instant]), task_id)  # type: ignore[arg-type]
                for task_id, record in dict(self._store.records).items()
                if matches(record, query, partition)
            ),
            reverse=query.newest_first,
        )
        if after is not None:
            entries = [entry for entry in entries if (entry < after if query.newest_first else entry > after)]
        return IndexPage(entries=entries[:limit], more=entries[limit - 1] if len(entries) > limit else None)

    def get_many(self, ids: Sequence[str]) -> Sequence[Attributes]:
        check_ids(ids)
        records = (self._store.get(task_id) for task_id in ids)
        return [record for record in records if record is not None]


def matches(record: Attributes, query: IndexQuery, partition: Value) -> bool:
    index = query.index
    if record.get(index.partition) != partition or index.instant not in record:
        return False
    bounds = [(index.instant, query.since, query.until)]
    if query.enqueued is not None:
        bounds.append(("enqueued_at", *query.enqueued))
    in_range = all(
        to_micros(first) <= record[name] <= to_micros(last)  # type: ignore[operator]
        for name, first, last in bounds
    )
    return in_range and all(record.get(name) == value for name, value in query.matching.items())
