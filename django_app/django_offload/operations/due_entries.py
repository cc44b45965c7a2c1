"""Read many partitions of the index `due` together: count their entries, or merge them, oldest first."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import heapify, heappop, heappush

from ..aws import begin_together
from ..protocol.json_codec import EPOCH
from ..stores import DueEntry, Store

PAGE = 100
# The most entries to ask a partition for. So many are far less than the megabyte that one query returns.
MOST_ASKED = 400
# So many entries have less than 4 KB, if names and owners have a usual length.
IN_4_KB = 20
# Clocks differ, so a list without a limit also contains records that ended a little after now.
EVER = datetime.max.replace(tzinfo=UTC)


def likely_share(wanted: int, partitions: int) -> int:
    """
    Return how many entries to ask each partition for, so that all together most likely have `wanted`.

    That is the mean of a binomial distribution, and four standard deviations. DynamoDB bills a query by 4 KB,
    so it isn't more than the mean rounded up to whole 4 KB. A partition that has more is asked again.
    """
    share = wanted / max(partitions, 1)
    most = math.ceil(share + 4 * math.sqrt(share * (1 - share / max(wanted, 1))))
    return min(wanted, most, math.ceil(share / IN_4_KB) * IN_4_KB)


@dataclass(slots=True, kw_only=True)
class Partition:
    """What was read of a partition and is not yielded yet, and where the partition continues."""

    number: int
    entries: deque[DueEntry] = field(default_factory=deque)
    asked: int = 0  # By the latest query.
    since: datetime = EPOCH
    seen_ids: frozenset[str] = frozenset()  # Those at `since`.
    ended: bool = False

    def begin(self, store: Store, until: datetime, wanted: int) -> Callable[[], Sequence[DueEntry]]:
        """Begin to read more entries: at least `wanted`, and three times as many as the last time."""
        self.asked = min(max(wanted, 3 * self.asked), MOST_ASKED)
        return store.begin_due(self.number, until, self.asked + len(self.seen_ids), self.since)

    def add(self, page: Sequence[DueEntry]) -> None:
        """Add what the query returned."""
        self.entries.extend(entry for entry in page if entry.id not in self.seen_ids)
        if len(page) < self.asked + len(self.seen_ids):
            self.ended = True
            return
        # The next query starts with the last instant of this one, because more entries may have the same.
        self.since = page[-1].due_at
        self.seen_ids = frozenset(entry.id for entry in page if entry.due_at == self.since)


def merged(store: Store, shards: Sequence[int], until: datetime = EVER) -> Iterator[DueEntry]:
    """
    Yield the entries of these partitions that are due by `until`, the oldest first.

    The partitions are asked together, each for as many entries as a page most likely needs of it. A partition
    that has run low is asked for three times as many each time, because few partitions may have most entries.
    """
    partitions = {number: Partition(number=number) for number in shards}
    heads: list[tuple[datetime, str, int]] = []
    while live := [part for part in partitions.values() if not part.ended]:
        wanted = likely_share(PAGE, len(live))
        low = [part for part in live if len(part.entries) < wanted]
        read_together(store, low, until, wanted)
        heads = [
            (part.entries[0].due_at, part.entries[0].id, number)
            for number, part in partitions.items()
            if part.entries
        ]
        heapify(heads)
        while heads:
            number = heappop(heads)[-1]
            part = partitions[number]
            yield part.entries.popleft()
            if part.entries:
                heappush(heads, (part.entries[0].due_at, part.entries[0].id, number))
            elif not part.ended:
                break  # Its next entry may be older than those of the others.


def count_entries(store: Store, shards: Sequence[int], until: datetime, most: int) -> int:
    """Return how many entries these partitions have that are due by `until`, or `most` if there are more."""
    partitions = [Partition(number=number) for number in shards]
    count = 0
    while count < most and (live := [part for part in partitions if not part.ended]):
        read_together(store, live, until, likely_share(most - count, len(live)))
        count = sum(len(part.entries) for part in partitions)
    return min(count, most)


def read_together(store: Store, partitions: Sequence[Partition], until: datetime, wanted: int) -> None:
    """Read more entries of these partitions. Raise what AWS raised."""
    pages = begin_together(partial(part.begin, store, until, wanted) for part in partitions)()
    for part, page in zip(partitions, pages, strict=True):
        if isinstance(page, Exception):
            raise page
        part.add(page)
