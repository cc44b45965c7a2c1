"""The seam to where records are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ..aws import begin_together
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import EPOCH
from ..protocol.record import initial_item
from ..protocol.transitions import create


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An entry of the index: what the sweeper will look at, or, in other shards, a FAILED record."""

    id: str
    due_at: datetime  # Of a FAILED record: when it ended.


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text beside a record."""

    task_id: str
    name: str
    text: str
    ttl: int  # Until when it is kept, in seconds since 1970.


class Store(ABC):
    """
    Keeps one record per task, and parts of immutable text beside it.

    Reads are consistent, but for due(), which is a hint.
    """

    @abstractmethod
    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        """
        Make a conditional write; return the record as it was before (None: there was none, or the change
        does not return it).

        Raise Refused, with the record as it is, if the condition does not hold.
        """

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        """Begin change(), and return what ends it: other calls may be under way between the two."""
        return partial(self.change, task_id, change)

    @abstractmethod
    def get(self, task_id: str) -> Attributes | None:
        """Return the record, None if there is none."""

    @abstractmethod
    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        """
        Keep a text beside the record until `ttl`, seconds since 1970.

        The first text kept under a name stays; return it.
        """

    @abstractmethod
    def get_part(self, task_id: str, part: str) -> str | None:
        """Return the text kept under `part`, None if there is none."""

    @abstractmethod
    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        """Return, as of one instant, the record and every text beside it."""

    @abstractmethod
    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[Due]:
        """Return at most `limit` of a shard, the oldest first, whose `due_at` is from `since` to `until`."""

    def begin_put_part(self, part: Part) -> Callable[[], str]:
        """Begin put_part(), and return what ends it: other calls may be under way between the two."""
        return partial(self.put_part, part.task_id, part.name, part.text, part.ttl)

    def create(self, enqueued: EnqueuedTask) -> bool:
        """Create a READY record; return False, changing nothing, if it is there already."""
        return self.begin_create(initial_item(enqueued))()

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
