"""Read the index `due`, one page at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ..protocol.json_codec import EPOCH
from ..stores import DueEntry, Store

PAGE = 100
# Clocks differ, so a list without a limit also contains records that ended a little after now.
EVER = datetime.max.replace(tzinfo=UTC)


def entries(store: Store, shard: int, until: datetime = EVER) -> Iterator[DueEntry]:
    """Yield the entries of a shard that are due by `until`, the oldest first."""
    since, seen_ids = EPOCH, set[str]()
    while True:
        limit = PAGE + len(seen_ids)
        page = store.due(shard, until, limit, since)
        yield from (entry for entry in page if entry.id not in seen_ids)
        if len(page) < limit:
            return
        # The next page starts with the last instant of this one, because more entries may have the same.
        since = page[-1].due_at
        seen_ids = {entry.id for entry in page if entry.due_at == since}
