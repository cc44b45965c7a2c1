"""One page of a list: it merges the entries of several partitions, newest first, and reads their records."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..conf import Options
from ..operations.dead_letters import readable
from ..protocol.enqueued_task import is_id
from ..protocol.json_codec import EPOCH, from_micros, to_micros
from ..protocol.record import TaskRecord
from ..stores import listing_of
from ..stores.base import MOST_READ
from ..stores.listing import EVER, IndexEntry, IndexPage, IndexQuery
from .lists import UNDER_WAY, TaskList

PAGE_SIZE = MOST_READ
# The last entry read from each partition: None before the first entry, END after the last.
type Cursor = Sequence[IndexEntry | None]
END = IndexEntry(-1, "")
LAST_MICROS = to_micros(EVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks of a list a visitor wants to see."""

    task_list: TaskList = UNDER_WAY
    alias: str = ""
    state: str = ""
    matching: Mapping[str, str] = field(default_factory=dict)  # Any of "name", "queue", "owner".
    since: datetime = EPOCH
    until: datetime = EVER

    def index_query(self) -> IndexQuery:
        """Return the query for an index. Tasks under way are filtered by when they were enqueued."""
        if self.task_list is UNDER_WAY:
            has_times = (self.since, self.until) != (EPOCH, EVER)
            return IndexQuery(
                index=self.task_list.index,
                newest_first=True,
                matching=self.matching,
                enqueued=(self.since, self.until) if has_times else None,
            )
        return IndexQuery(
            index=self.task_list.index,
            newest_first=True,
            since=self.since,
            until=self.until,
            matching=self.matching,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records, each with the instant that orders it, and where the list continues."""

    records: Sequence[tuple[TaskRecord, datetime]]
    gone: int  # Entries whose record could not be read or has left the list.
    reached: datetime | None  # How far back this page looked, or None on the last page.
    cursor: str  # For the address of the next page. Empty on the last page.


def read_page(options: Options, task_filter: TaskFilter, after: str = "") -> Page:
    """Return a page. Make one call for each partition, and one to read the records."""
    listing, query = listing_of(options), task_filter.index_query()
    partitions = task_filter.task_list.partitions(options, task_filter.alias)
    start = decode_cursor(after, len(partitions))
    slices = [
        None if place == END else listing.query(query, partition, place, PAGE_SIZE)
        for partition, place in zip(partitions, start, strict=True)
    ]
    entries, end = merge(slices, start)
    records_by_id = {
        record.enqueued.id: record
        for attributes in listing.get_many([entry.id for entry in entries])
        if (record := readable(str(attributes["id"]), attributes))
    }
    records = [
        (records_by_id[entry.id], from_micros(entry.micros))
        for entry in entries
        if entry.id in records_by_id and task_filter.task_list.includes(records_by_id[entry.id])
    ]
    reached = [place.micros for place in end if place is not None and place != END]
    return Page(
        records=[row for row in records if task_filter.state in {"", row[0].status}],
        gone=len(entries) - len(records),
        reached=from_micros(max(reached)) if reached else None,
        cursor=encode_cursor(end) if any(place != END for place in end) else "",
    )


def merge(slices: Sequence[IndexPage | None], start: Cursor) -> tuple[list[IndexEntry], Cursor]:
    """
    Return the newest entries of all partitions, newest first, and the cursor after them.

    An entry that is older than the last one read from another partition waits for the next page. Otherwise
    the next page could contain a newer entry than this one.
    """
    horizon = max((part.more.micros for part in slices if part is not None and part.more), default=-1)
    entries = sorted(
        (
            (entry, number)
            for number, part in enumerate(slices)
            for entry in (part.entries if part is not None else ())
            if entry.micros >= horizon
        ),
        key=lambda numbered: numbered[0].micros,
        reverse=True,
    )[:PAGE_SIZE]
    end: list[IndexEntry | None] = []
    for number, part in enumerate(slices):
        taken = [entry for entry, partition in entries if partition == number]
        if part is None or len(taken) == len(part.entries):
            end.append((part.more if part is not None else None) or END)
        else:
            end.append(taken[-1] if taken else start[number])
    return [entry for entry, _ in entries], end


def encode_cursor(cursor: Cursor) -> str:
    """Return a cursor as text for an address."""
    text = json.dumps([list(place) if place else None for place in cursor], separators=(",", ":"))
    return urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def decode_cursor(text: str, partitions: int) -> Cursor:
    """Return the cursor in an address, or the beginning if it is invalid or has other partitions."""
    beginning: Cursor = [None] * partitions
    if not text:
        return beginning
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return beginning
    if not isinstance(values, list) or len(values) != partitions or not all(map(is_place, values)):
        return beginning
    return [None if value is None else IndexEntry(*value) for value in values]


def is_place(value: object) -> bool:
    """Return True for a place that encode_cursor() may have written. AWS would refuse any other."""
    match value:
        case None | [END.micros, END.id]:
            return True
        case [bool(), _]:  # To Python a number, but not to DynamoDB.
            return False
        case [int(micros), str(task_id)]:
            return 0 <= micros <= LAST_MICROS and is_id(task_id) is not None
    return False
