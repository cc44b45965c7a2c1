"""Lists of the records in this process's memory, for tests."""

from collections.abc import Callable, Sequence
from datetime import datetime

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import to_micros
from ..protocol.record import NEVER_CHANGED
from .listing import IndexEntry, IndexPage, IndexQuery, Listing, check_ids
from .memory import MemoryStore


class MemoryListing(Listing):
    """Lists the records of a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def begin_query(
        self,
        query: IndexQuery,
        partition: Value,
        after: IndexEntry | None,
        limit: int,
        most_looked_at: int | None = None,
    ) -> Callable[[], IndexPage]:
        return lambda: self._page(query, partition, after, limit, most_looked_at)

    def _page(
        self,
        query: IndexQuery,
        partition: Value,
        after: IndexEntry | None,
        limit: int,
        most_looked_at: int | None,
    ) -> IndexPage:
        records = dict(self._store.records)
        listed = sorted(
            (
                IndexEntry(int(record[query.index.instant]), task_id)  # type: ignore[arg-type]
                for task_id, record in records.items()
                if is_listed(record, query, partition)
            ),
            reverse=query.newest_first,
        )
        if after is not None:
            listed = [entry for entry in listed if (entry < after if query.newest_first else entry > after)]
        looked_at = listed[:most_looked_at] if query.filtered else listed[:limit]
        entries = [entry for entry in looked_at if matches(records[entry.id], query)]
        more = looked_at[-1] if len(looked_at) < len(listed) else None
        if len(entries) > limit:
            entries, more = entries[:limit], entries[limit - 1]
        return IndexPage(entries=entries, more=more, looked_at=len(looked_at))

    def get_many(self, ids: Sequence[str]) -> Sequence[Attributes]:
        check_ids(ids)
        records = (self._store.get(task_id) for task_id in ids)
        return [record for record in records if record is not None]


def is_listed(record: Attributes, query: IndexQuery, partition: Value) -> bool:
    """Return True if a record is in the partition, and in the range of time."""
    index = query.index
    if record.get(index.partition) != partition or index.instant not in record:
        return False
    return is_between(record, index.instant, query.since, query.until)


def matches(record: Attributes, query: IndexQuery) -> bool:
    """Return True if the query's filter returns a listed record."""
    if query.enqueued is not None and not is_between(record, "enqueued_at", *query.enqueued):
        return False
    return all(
        record.get(name, None if name in NEVER_CHANGED else value) == value
        for name, value in query.matching.items()
    )


def is_between(record: Attributes, name: str, first: datetime, last: datetime) -> bool:
    return to_micros(first) <= record[name] <= to_micros(last)  # type: ignore[operator]
