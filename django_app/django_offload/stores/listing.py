"""The interface to lists of records: page by page from an index, never by a scan of the table."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import EPOCH
from .base import MOST_READ

EVER = datetime.max.replace(tzinfo=UTC)


def check_ids(ids: Sequence[str]) -> None:
    """Raise ValueError if one call can't read so many records."""
    if len(ids) > MOST_READ:
        raise ValueError(f"Cannot read {len(ids)} records at once. Read at most {MOST_READ} at a time.")


class Index(NamedTuple):
    """An index of the table. `partition` and `instant` are attributes; the latter orders the entries."""

    name: str
    partition: str
    instant: str


# DUE contains the records that the sweeper looks at, and FAILED ones. HISTORY contains all records, and
# SHARDED_HISTORY all that were written since OPTIONS["history"] says "both" or "sharded".
DUE, HISTORY = Index("due", "due_shard", "due_at"), Index("history", "alias", "enqueued_at")
SHARDED_HISTORY = Index("history-sharded", "listed", "enqueued_at")


class IndexEntry(NamedTuple):
    """An entry of an index. A list can continue after it."""

    micros: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexQuery:
    """The entries of an index to return, and their order."""

    index: Index
    newest_first: bool
    since: datetime = EPOCH
    until: datetime = EVER
    # Values of attributes that never change, and the earliest and latest time of the enqueue.
    matching: Mapping[str, str] = field(default_factory=dict)
    enqueued: tuple[datetime, datetime] | None = None

    @property
    def filtered(self) -> bool:
        """True if the query may read entries that it doesn't return."""
        return bool(self.matching) or self.enqueued is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """Some entries of one partition, in their order."""

    entries: Sequence[IndexEntry]
    more: IndexEntry | None  # The next page continues after it; None at the end of the partition.
    looked_at: int  # How many entries were read, matching or not.


class Listing(ABC):
    """Lists records and reads many of them at once. An index lags behind its table by a moment."""

    def query(self, query: IndexQuery, partition: Value, after: IndexEntry | None, limit: int) -> IndexPage:
        """Return at most `limit` matching entries of a partition that follow `after`, in one call."""
        return self.begin_query(query, partition, after, limit)()

    @abstractmethod
    def begin_query(
        self,
        query: IndexQuery,
        partition: Value,
        after: IndexEntry | None,
        limit: int,
        most_looked_at: int | None = None,
    ) -> Callable[[], IndexPage]:
        """
        Start query(), and return a callable that finishes it; other calls can start in between.

        With `most_looked_at`, the call reads at most so many entries to find those that match. Without, it
        reads up to a megabyte.
        """

    @abstractmethod
    def get_many(self, ids: Sequence[str]) -> Sequence[Attributes]:
        """Return the records of at most 100 ids in their order, without missing ones, in one call or two."""
