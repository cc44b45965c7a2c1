"""One page of a list: entries of an index in their order over its partitions, and their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..conf import Options
from ..protocol.conditional_write import Value
from ..protocol.enqueued_task import EPOCH, from_micros
from ..protocol.record import TaskRecord, read_record
from ..stores import listing_of
from ..stores.listing import EVER, MOST_READ, IndexEntry, IndexPage, IndexQuery, Listing
from .lists import UNDER_WAY, TaskList
from .places import END, Places, decoded, encoded

PAGE = MOST_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which tasks of a list are wanted."""

    of: TaskList = UNDER_WAY
    alias: str = ""
    state: str = ""
    matching: Mapping[str, str] = field(default_factory=dict)  # "name", "queue", "owner".
    since: datetime = EPOCH
    until: datetime = EVER

    def wanted(self) -> IndexQuery:
        """Return what an index is asked for: for times of what is under way, when it was enqueued."""
        timed = (self.since, self.until) != (EPOCH, EVER)
        if self.of is UNDER_WAY:
            enqueued = (self.since, self.until) if timed else None
            return IndexQuery(
                index=self.of.index, newest_first=True, matching=self.matching, enqueued=enqueued
            )
        return IndexQuery(
            index=self.of.index,
            newest_first=True,
            since=self.since,
            until=self.until,
            matching=self.matching,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records, each with the instant that orders it, and where the list goes on."""

    records: Sequence[tuple[TaskRecord, datetime]]
    looked_at: int  # Entries of the index whose records were read.
    gone: int  # Of these, what could not be read, or has left the list meanwhile.
    reached: datetime | None  # How far back was looked, where the list goes on.
    more: str  # For the next page's address; empty at the end.


def page(options: Options, choice: Choice, after: str = "") -> Page:
    """Return a page, in a call per partition and one that reads its records."""
    listing, partitions = listing_of(options), choice.of.partitions(options, choice.alias)
    places = decoded(after, len(partitions))
    slices = _slices(listing, choice.wanted(), partitions, places)
    taken, rest = _merged(slices, places)
    found = {
        record.enqueued.id: record
        for record in map(read_record, listing.get_many([place.id for place in taken]))
    }
    records = [
        (found[place.id], from_micros(place.micros))
        for place in taken
        if place.id in found and choice.of.holds(found[place.id])
    ]
    more = any(place != END for place in rest)
    return Page(
        records=[each for each in records if choice.state in {"", each[0].status}],
        looked_at=len(taken),
        gone=len(taken) - len(records),
        reached=_reached(rest) if more else None,
        more=encoded(rest) if more else "",
    )


def _slices(
    listing: Listing, wanted: IndexQuery, partitions: Sequence[Value], places: Places
) -> list[IndexPage | None]:
    """Return what each partition that has not ended goes on with."""
    return [
        None if place == END else listing.query(wanted, partition, place, PAGE)
        for partition, place in zip(partitions, places, strict=True)
    ]


def _merged(slices: Sequence[IndexPage | None], places: Places) -> tuple[list[IndexEntry], Places]:
    """
    Return the entries of a page, the newest first, and where each partition then goes on.

    What is older than any partition has been looked through waits for the next page: else that page
    would hold something newer than this one.
    """
    horizon = max((part.more.micros for part in slices if part is not None and part.more), default=-1)
    entries = sorted(
        (
            (place, number)
            for number, part in enumerate(slices)
            for place in (part.entries if part is not None else ())
            if place.micros >= horizon
        ),
        key=lambda entry: entry[0].micros,
        reverse=True,
    )[:PAGE]
    rest: list[IndexEntry | None] = []
    for number, part in enumerate(slices):
        own = [place for place, partition in entries if partition == number]
        if part is None or len(own) == len(part.entries):
            rest.append((part.more if part is not None else None) or END)
        else:
            rest.append(own[-1] if own else places[number])
    return [place for place, _ in entries], rest


def _reached(rest: Places) -> datetime | None:
    """Return back to when every partition was looked through."""
    micros = [place.micros for place in rest if place is not None and place != END]
    return from_micros(max(micros)) if micros else None
