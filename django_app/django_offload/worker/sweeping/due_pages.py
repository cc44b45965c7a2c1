"""Read the index `due`: a page of each band in turn, so that no band waits for the backlog of another."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from ...aws import begin_together
from ...protocol.enqueued_task import is_id
from ...protocol.json_codec import EPOCH
from ...protocol.shards import OLD_PARTITIONS, OLD_SHARDS, Band, shard_of
from ...stores import DueEntry, Store
from ...stores.base import MOST_READ
from .pace import Pace

logger = logging.getLogger("django_offload")

# As many records as one call reads, and as many entries as one query asks for.
PAGE = MOST_READ
# While there is a backlog, the sweeper looks this often for tasks whose worker has died meanwhile.
RESCUE_EVERY = timedelta(seconds=15)
# The order of the turns. The old partitions contain entries of both bands.
TURNS: tuple[Band | None, ...] = (Band.RESCUE, Band.DEFERRED, None)


@dataclass(slots=True, kw_only=True)
class Shard:
    """One partition of the index, and how far the sweeper has read it."""

    partition: int
    number: int
    entries: deque[DueEntry] = field(default_factory=deque)  # Read, and not handed out yet.
    since: datetime = EPOCH  # The instant of the last entry that was read.
    seen_ids: set[str] = field(default_factory=set)  # Of the entries of that instant.
    limit: int = PAGE
    has_more: bool = True  # Its last page was full.
    served: int = 0  # The number of the latest page with an entry of it.

    def add(self, page: Sequence[DueEntry], until: datetime) -> None:
        """Add a page of the index that begins at `since` and ends at `until`."""
        fresh = [entry for entry in page if entry.id not in self.seen_ids or entry.due_at != self.since]
        self.entries.extend(fresh)
        self.has_more = len(page) >= self.limit
        # What a page repeats was not moved, or the index shows its move late. The next page is longer by it.
        self.limit = PAGE + len(page) - len(fresh)
        if page and page[-1].due_at != self.since:
            self.since, self.seen_ids = page[-1].due_at, set()
        self.seen_ids.update(entry.id for entry in fresh if entry.due_at == self.since)
        if not self.has_more and until > self.since:
            # Only entries that are due later will be asked for.
            self.since, self.seen_ids, self.limit = until, set(), PAGE

    @property
    def is_used_up(self) -> bool:
        return self.has_more and not self.entries


@dataclass(slots=True, kw_only=True)
class DuePages:
    """The due entries of a stack, in pages; each entry once, unless its shard is asked again much later."""

    stack: str
    store: Store
    clock: Callable[[], datetime]
    pace: Pace
    shards: int  # How many shards the moved records are written to.
    turns: list[list[Shard]]
    failed: int = 0  # How many shards could not be read.
    full: set[int] = field(default_factory=set)  # The numbers of shards whose first page was full.
    stopped: set[int] = field(default_factory=set)  # The partitions that could not be read or are throttled.
    _rescue_asked_at: datetime = EPOCH
    _page: int = 0  # The number of the latest page.

    def begin(self) -> None:
        """Read the first page of each shard, those of a band together."""
        self._rescue_asked_at = self.clock()
        for turn in range(len(self.turns)):
            self.ask(self.turns[turn])
            self.full.update(shard.number for shard in self.turns[turn] if shard.has_more)

    def keep(self, numbers: Collection[int]) -> None:
        """Leave all other shards to other sweepers."""
        self.turns = [[shard for shard in turn if shard.number in numbers] for turn in self.turns]

    def stop(self, partition: int) -> None:
        """Read no more of a partition in this run, and drop what was read of it."""
        self.stopped.add(partition)
        self.turns = [[shard for shard in turn if shard.partition != partition] for turn in self.turns]

    def pages(self) -> Iterator[list[tuple[int, DueEntry]]]:
        """Yield pages of at most PAGE entries, each with its partition, until nothing more is due."""
        while True:
            drawn = False
            for turn in range(len(self.turns)):
                page = self.draw(turn)
                if page:
                    drawn = True
                    yield page
            self.look_for_rescues()
            if not any(shard.entries or shard.has_more for turn in self.turns for shard in turn):
                return
            if not drawn:
                self.pace.wait()
                yield []  # So that the caller notices when its time is over.

    def draw(self, turn: int) -> list[tuple[int, DueEntry]]:
        """
        Return the next page of a band, with about as many entries from each of its shards.

        A page has no room for all of them. The shards that had none in the latest pages come first, because
        a sweep with a large backlog ends before the others are used up.
        """
        page: list[tuple[int, DueEntry]] = []
        if self.pace.is_resting(turn):
            return page
        self._page += 1
        self.turns[turn].sort(key=lambda shard: shard.served)
        while len(page) < PAGE:
            self.ask([shard for shard in self.turns[turn] if shard.is_used_up])
            before, waiting = len(page), [shard for shard in self.turns[turn] if shard.entries]
            for shard in waiting:
                share = -(-(PAGE - before) // len(waiting))
                while share and shard.entries and len(page) < PAGE and self.allows(shard):
                    page.append((shard.partition, shard.entries.popleft()))
                    share, shard.served = share - 1, self._page
            if len(page) == before:
                if waiting:
                    self.pace.rest(turn)
                break
        return page

    def allows(self, shard: Shard) -> bool:
        """Return True if the index has room for the move of the shard's next entry."""
        task_id = shard.entries[0].id
        # Most records move to the band of rescues. A record of another writer stays.
        new = shard_of(task_id, shards=self.shards) if is_id(task_id) else shard.partition
        return self.pace.take(shard.partition, new)

    def look_for_rescues(self) -> None:
        """Ask the band of rescues again if the first answers are some time ago."""
        now = self.clock()
        if now - self._rescue_asked_at < RESCUE_EVERY:
            return
        self._rescue_asked_at = now
        for shard in self.turns[0]:
            shard.has_more = True

    def ask(self, shards: Sequence[Shard]) -> None:
        """Read the next page of each of these shards, all together. One that can't be read is given up."""
        if not shards:
            return
        until = self.clock()
        wait = begin_together(
            partial(self.store.begin_due, shard.partition, until, shard.limit, shard.since)
            for shard in shards
        )
        for shard, answer in zip(shards, wait(), strict=True):
            if isinstance(answer, Exception):
                # If AWS refuses one shard, the others still have their turn.
                logger.error(
                    "Shard %s of stack %s could not be swept", shard.partition, self.stack, exc_info=answer
                )
                self.failed += 1
                self.stop(shard.partition)
            else:
                shard.add(answer, until)


def turns(read_shards: int, numbers: Collection[int] | None = None) -> list[list[Shard]]:
    """Return the shards that a sweep reads, in the order of its turns; `numbers` leaves out all others."""
    return [
        [
            Shard(partition=first + number, number=number)
            for number in range(count)
            if numbers is None or number in numbers
        ]
        for first, count in (
            (band.value, read_shards) if band is not None else (OLD_PARTITIONS[Band.RESCUE], OLD_SHARDS)
            for band in TURNS
        )
    ]
