"""
Pages of the entries of several partitions: which partitions to ask for more, and where a page ends.

Entries come in one order: by instant, those of one instant by partition, and those of one instant and one
partition as the index returns them. So one place says how far a list of many partitions was shown.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from ..aws import begin_together
from ..protocol.conditional_write import Value
from ..protocol.json_codec import from_micros, to_micros
from ..stores import Listing
from ..stores.base import MOST_READ
from ..stores.listing import IndexEntry, IndexPage, IndexQuery
from .due_entries import likely_share

PAGE_SIZE = MOST_READ
# A page asks partitions again this often. It is short if that wasn't enough.
MOST_ROUNDS = 6
# With a filter, a page looks at most at so many entries. They have about a megabyte.
MOST_LOOKED_AT = 5_000


class Place(NamedTuple):
    """A place in the order of a list: right after an entry."""

    micros: int
    position: int  # Of the partition, among those of the list.
    id: str


type Order = Callable[[Place], tuple[int, int]]


@dataclass(slots=True, kw_only=True)
class Slice:
    """What was read of one partition. Nothing is known of what follows `after`, unless it has ended."""

    position: int
    partition: Value
    query: IndexQuery
    after: IndexEntry | None = None
    entries: list[IndexEntry] = field(default_factory=list)
    asked: int = 0  # In the latest round.
    ended: bool = False

    def add(self, page: IndexPage) -> None:
        self.entries += page.entries
        self.after, self.ended = page.more, page.more is None


def first_entries(
    listing: Listing,
    query: IndexQuery,
    partitions: Sequence[Value],
    shares: Sequence[int],
    start: Place | None,
) -> tuple[list[IndexEntry], Place | None]:
    """
    Return a page of entries after `start`, and the place where the next page starts, or None at the end.

    The partitions are asked together, each for its share. Those that run out before the page is full are
    asked again, because their next entries may come before those of the others.
    """
    slices = list(slices_after(query, partitions, start))
    asked = [part for part in slices if not part.ended]
    left, order = MOST_LOOKED_AT, order_of(query)
    for part in asked:
        part.asked = shares[part.position]
    for _ in range(MOST_ROUNDS):
        left -= read_more(listing, asked, left)
        known, unknown = known_entries(slices, order)
        asked = blocking(slices, order)
        if not asked or (query.filtered and left <= 0):
            break
        share = likely_share(PAGE_SIZE - len(known), len(asked))
        for part in asked:
            part.asked = max(part.asked, share)
    entries = known[:PAGE_SIZE]
    if len(known) > PAGE_SIZE:
        return [entry for entry, _ in entries], place_after(*entries[-1])
    return [entry for entry, _ in entries], unknown


def slices_after(query: IndexQuery, partitions: Sequence[Value], start: Place | None) -> Iterator[Slice]:
    """Yield each partition with the entries that follow a place. Those of its instant may be in several."""
    for position, partition in enumerate(partitions):
        if start is None:
            yield Slice(position=position, partition=partition, query=query)
            continue
        # Of its instant, what the partitions before it have was shown, and what those after it have was not.
        since, until, step = to_micros(query.since), to_micros(query.until), int(position < start.position)
        if query.newest_first:
            until = start.micros - step
        else:
            since = start.micros + step
        ended = since > until
        yield Slice(
            position=position,
            partition=partition,
            query=query if ended else replace(query, since=from_micros(since), until=from_micros(until)),
            after=IndexEntry(start.micros, start.id) if position == start.position else None,
            ended=ended,
        )


def read_more(listing: Listing, slices: Sequence[Slice], left: int) -> int:
    """Read more entries of these partitions, and return how many entries were looked at."""
    looked_at = 0
    filtered = any(part.query.filtered for part in slices)
    most = max(left // len(slices), 1) if filtered else None
    waits = begin_together(
        partial(
            listing.begin_query,
            part.query,
            part.partition,
            part.after,
            PAGE_SIZE if filtered else part.asked,
            most,
        )
        for part in slices
    )
    for part, page in zip(slices, waits(), strict=True):
        if isinstance(page, Exception):
            raise page
        part.add(page)
        looked_at += page.looked_at
    return looked_at


def known_entries(slices: Sequence[Slice], order: Order) -> tuple[list[tuple[IndexEntry, int]], Place | None]:
    """
    Return the entries that no unknown one precedes, with their positions, and where the unknown ones start.

    The place is None if all entries are known.
    """
    read = in_order(slices, order)
    places = [Place(part.after.micros, part.position, part.after.id) for part in slices if part.after]
    if not places:
        return read, None
    unknown = min(places, key=order)
    last = order(unknown)
    return [
        (entry, position) for entry, position in read if order(place_after(entry, position)) <= last
    ], unknown


def in_order(slices: Sequence[Slice], order: Order) -> list[tuple[IndexEntry, int]]:
    """Return all entries that were read, with their positions, in the order of the list."""
    read = [(entry, part.position) for part in slices for entry in part.entries]
    return sorted(read, key=lambda entry: order(place_after(*entry)))


def place_after(entry: IndexEntry, position: int) -> Place:
    return Place(entry.micros, position, entry.id)


def order_of(query: IndexQuery) -> Order:
    """Return the key by which a list is sorted: the instant, and then the partition."""
    sign = -1 if query.newest_first else 1
    return lambda place: (sign * place.micros, place.position)


def blocking(slices: Sequence[Slice], order: Order) -> list[Slice]:
    """Return the partitions whose next entries may belong to the page."""
    read = in_order(slices, order)
    end = order(place_after(*read[PAGE_SIZE - 1])) if len(read) >= PAGE_SIZE else None
    # Of several at one instant, only the first: the others come after whatever it has of this instant.
    first_by_instant: dict[int, Slice] = {}
    for part in slices:
        if part.after is None:
            continue
        if end is None or order(place_after(part.after, part.position)) < end:
            first_by_instant.setdefault(part.after.micros, part)
    return list(first_by_instant.values())
