"""The interface to the records and their parts."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ..aws import begin_together
from ..conf import Options
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.json_codec import EPOCH
from ..protocol.shards import READ_SHARDS
from ..protocol.transitions import create

# How many records one call can read by their ids (BatchGetItem).
MOST_READ = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DueEntry:
    """An entry of the index: a record that the sweeper will look at, or in other bands a FAILED record."""

    id: str
    due_at: datetime  # Of a FAILED record: when it ended.


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text beside a record."""

    task_id: str
    name: str
    text: str
    ttl: int  # When the store may delete it, in seconds since 1970.


class Store(ABC):
    """
    Stores one record per task, and beside it parts with texts that never change.

    Reads are consistent, except due(), which may return outdated entries.
    """

    @abstractmethod
    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        """
        Make a conditional write. Return the record before the write, or None if there was none.

        Also return None if the write does not return the record. Raise Refused, with the current record, if
        the condition is not met.
        """

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        """Start change(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.change, task_id, change)

    @abstractmethod
    def get(self, task_id: str) -> Attributes | None:
        """Return the record, or None if there is none."""

    @abstractmethod
    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        """
        Store a text beside the record until `ttl`, seconds since 1970.

        The first text stored under a name stays. Return that text.
        """

    @abstractmethod
    def get_part(self, task_id: str, part: str) -> str | None:
        """Return the text of a part, or None if there is none."""

    def begin_get_part(self, task_id: str, part: str) -> Callable[[], str | None]:
        """Start get_part(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.get_part, task_id, part)

    @abstractmethod
    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        """Return the record and the texts of all its parts, as of one instant."""

    @abstractmethod
    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        """Return at most `limit` entries of a partition whose `due_at` is in this range, the oldest first."""

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        """Start due(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.due, shard, until, limit, since)

    def begin_get(self, task_id: str) -> Callable[[], Attributes | None]:
        """Start get(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.get, task_id)

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        """
        Start to read at most MOST_READ records, and return what waits for them: those that there are, by id.

        Records that a busy table leaves out are asked for again, and are missing if it goes on.
        """
        return lambda: {task_id: record for task_id in ids if (record := self.get(task_id)) is not None}

    @property
    def index_units_per_second(self) -> float:
        """How many write units a second each partition of the index takes from all writers together."""
        return math.inf

    @property
    def read_shards(self) -> int:
        """How many shards of each band readers ask."""
        return READ_SHARDS

    def shards(self, options: Options) -> int:
        """Return over how many shards of the sweeper's index to write. No reader asks for more."""
        return min(options.shards, self.read_shards)

    def begin_put_part(self, part: Part) -> Callable[[], str]:
        """Start put_part(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.put_part, part.task_id, part.name, part.text, part.ttl)

    def begin_create(self, item: Attributes) -> Callable[[], bool]:
        """
        Begin to create a record of its initial item, if there is none.

        Return what waits for it, and returns False if it is there already: other calls may be under way
        between the two.
        """

        def create_item() -> bool:
            try:
                self.change(str(item["id"]), create(item))
            except Refused:
                return False
            return True

        return create_item

    def begin_create_many(self, items: Sequence[Attributes]) -> Callable[[], list[bool | Exception]]:
        """Begin to create records; return what waits for them: for each, True, False or an exception."""
        return begin_together(partial(self.begin_create, item) for item in items)
