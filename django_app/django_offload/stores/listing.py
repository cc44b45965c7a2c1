"""The seam to lists of records: by an index, a page at a time, never by a scan."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import EPOCH

EVER = datetime.max.replace(tzinfo=UTC)
# One call reads at most so many records by their ids (BatchGetItem).
MOST_READ = 100


class Index(NamedTuple):
    """An index of the table: by a partition, ordered by an instant."""

    name: str
    partition: str
    instant: str


# What the sweeper looks at, and FAILED records; every record, where OPTIONS["history"] asks for it.
DUE, HISTORY = Index("due", "due_shard", "due_at"), Index("history", "alias", "enqueued_at")


class Place(NamedTuple):
    """An entry of an index: where a list goes on after it."""

    micros: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries of an index are wanted, and in which order."""

    index: Index
    newest_first: bool
    since: datetime = EPOCH
    until: datetime = EVER
    # What never changes of a record, as it must be; enqueued at the earliest, at the latest.
    matching: Mapping[str, str] = field(default_factory=dict)
    enqueued: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some entries of one partition, in their order."""

    entries: Sequence[Place]
    more: Place | None  # After which the partition goes on; None at its end.


class Listing(ABC):
    """Lists records, and reads many at once; an index lags behind by a moment."""

    @abstractmethod
    def take(self, wanted: Wanted, partition: Value, after: Place | None, limit: int) -> Slice:
        """Return, in one call, some entries of a partition after a place: at most `limit` that match."""

    @abstractmethod
    def read(self, ids: Sequence[str]) -> Sequence[Attributes]:
        """Return the records of at most 100 ids, in order, without those that are gone: one call, or two."""
