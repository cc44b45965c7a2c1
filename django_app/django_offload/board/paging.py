"""One page of a list: the newest entries of its partitions, and their records."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..conf import Options
from ..operations.dead_letters import readable
from ..operations.due_entries import likely_share
from ..operations.index_pages import PAGE_SIZE, Place, first_entries
from ..protocol.conditional_write import Value
from ..protocol.json_codec import EPOCH, from_micros, to_micros
from ..protocol.record import TaskRecord
from ..stores import listing_of
from ..stores.listing import EVER, IndexQuery
from .lists import UNDER_WAY, TaskList

# How many partitions the list has, a position among them, microseconds, and the id of a task.
CURSOR = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,18})\.([0-9a-f]{32})").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks of a list a visitor wants to see."""

    task_list: TaskList = UNDER_WAY
    alias: str = ""
    state: str = ""
    matching: Mapping[str, str] = field(default_factory=dict)  # Any of "name", "queue", "owner", "tenant".
    since: datetime = EPOCH
    until: datetime = EVER

    def index_query(self) -> IndexQuery:
        """Return the query for an index. Tasks under way are filtered by when they were enqueued."""
        query = IndexQuery(index=self.task_list.index, newest_first=True, matching=self.matching)
        if (self.since, self.until) == (EPOCH, EVER):
            return query
        if self.task_list.under_way:
            return replace(query, enqueued=(self.since, self.until))
        return replace(query, since=self.since, until=self.until)

    def includes(self, record: TaskRecord) -> bool:
        """Return True if a record has the state and the tenant that an entry of an index may not know."""
        tenant = self.matching.get("tenant")
        return self.state in {"", record.status} and tenant in {None, record.enqueued.tenant}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some records, each with the instant that orders it, and where the list continues."""

    records: Sequence[tuple[TaskRecord, datetime]]
    gone: int  # Entries whose record could not be read or has left the list.
    reached: datetime | None  # How far back this page looked, or None on the last page.
    cursor: str  # For the address of the next page. Empty on the last page.


def read_page(options: Options, task_filter: TaskFilter, after: str = "") -> Page:
    """
    Return a page. Query the partitions together, as often as needed, and read the records by one call.

    A page with a filter looks at so many entries at most, and may be short: older tasks may match.
    """
    listing, query, task_list = listing_of(options), task_filter.index_query(), task_filter.task_list
    partitions = task_list.partitions(options, task_filter.alias)
    start = decode_cursor(after, len(partitions), query)
    entries, end = first_entries(listing, query, partitions, shares(task_list, options, partitions), start)
    records_by_id = {
        record.enqueued.id: record
        for attributes in listing.get_many([entry.id for entry in entries])
        if (record := readable(str(attributes["id"]), attributes))
    }
    records = [
        (records_by_id[entry.id], from_micros(entry.micros))
        for entry in entries
        if entry.id in records_by_id and task_list.includes(records_by_id[entry.id])
    ]
    return Page(
        records=[row for row in records if task_filter.includes(row[0])],
        gone=len(entries) - len(records),
        reached=from_micros(end.micros) if end else None,
        cursor=encode_cursor(end, len(partitions)) if end else "",
    )


def shares(task_list: TaskList, options: Options, partitions: Sequence[Value]) -> list[int]:
    """Return how many entries to ask each partition for. Most are in those that the stack writes to now."""
    written = {*task_list.written(options)}
    share = likely_share(PAGE_SIZE, len(written) or len(partitions))
    other_share = likely_share(PAGE_SIZE, len(partitions))
    return [share if partition in written else other_share for partition in partitions]


def encode_cursor(place: Place, partitions: int) -> str:
    """Return a place in a list of so many partitions as text for an address."""
    return f"{partitions}.{place.position}.{place.micros}.{place.id}"


def decode_cursor(text: str, partitions: int, query: IndexQuery) -> Place | None:
    """
    Return the place in an address, or None for the beginning.

    Only a place that encode_cursor() may have written for this list counts. AWS would refuse any other.
    """
    parsed = CURSOR(text)
    if parsed is None:
        return None
    count, position, micros = (int(number) for number in parsed.groups()[:3])
    in_range = to_micros(query.since) <= micros <= to_micros(query.until)
    if count != partitions or position >= partitions or not in_range:
        return None
    return Place(micros, position, parsed[4])
