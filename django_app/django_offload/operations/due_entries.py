"""The entries of the index `due`, a page at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ..protocol.json_codec import EPOCH
from ..stores import DueEntry, Store

PAGE = 100
# Clocks differ: what ended a little later than now is listed too.
EVER = datetime.max.replace(tzinfo=UTC)


def entries(store: Store, shard: int, until: datetime = EVER) -> Iterator[DueEntry]:
    """Yield the entries of a shard that are due by `until`, the oldest first, a page at a time."""
    since, seen = EPOCH, set[str]()
    while True:
        limit = PAGE + len(seen)
        page = store.due(shard, until, limit, since)
        yield from (entry for entry in page if entry.id not in seen)
        if len(page) < limit:
            return
        # Several may have ended at one instant: the next page begins with it.
        seen = {entry.id for entry in page if entry.due_at == page[-1].due_at}
        since = page[-1].due_at
