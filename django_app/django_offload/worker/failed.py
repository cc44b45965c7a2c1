"""The dead letters: FAILED records, found by the index they are listed in."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import merge

from ..birth import EPOCH
from ..change import Attributes
from ..record import DEAD_SHARDS, FAILED, FAILED_SHARDS, TaskRecord, read
from ..stores import Due, Store

logger = logging.getLogger("django_offload")

PAGE = 100
# Clocks differ: what ended a little later than now is listed too.
EVER = datetime.max.replace(tzinfo=UTC)


def records(store: Store, *, all_failed: bool = False, until: datetime = EVER) -> Iterator[TaskRecord]:
    """
    Yield the dead letters that ended by `until`, the oldest first; `all_failed` adds what its task failed.

    What is redriven or discarded while this runs is no hindrance. What is redriven and fails again would come
    again and again, unless `until` is when this began.
    """
    shards = [*DEAD_SHARDS, *(FAILED_SHARDS if all_failed else ())]
    listed = (entries(store, shard, until) for shard in shards)
    for entry in merge(*listed, key=lambda entry: entry.due_at):
        attributes = store.get(entry.id)
        # The index lags behind: what is not listed in the record itself was taken out already.
        if attributes is None or attributes.get("status") != FAILED or "due_at" not in attributes:
            continue
        record = readable(entry.id, attributes)
        if record is not None and record.due_at is not None and record.due_at <= until:
            yield record


def readable(task_id: str, attributes: Attributes) -> TaskRecord | None:
    """Return the record of its stored form; None, after a line in the log, where that is not one of ours."""
    try:
        return read(attributes)
    except Exception:
        logger.exception("The record of task id=%s cannot be read; look at it in the table", task_id)
        return None


def entries(store: Store, shard: int, until: datetime = EVER) -> Iterator[Due]:
    """Yield the entries of a shard that are due by `until`, the oldest first, a page at a time."""
    since, seen = EPOCH, set[str]()
    while True:
        limit = PAGE + len(seen)
        page = store.due(shard, until, limit, since)
        yield from (entry for entry in page if entry.id not in seen)
        if len(page) < limit:
            return
        # Several may have ended at one instant: the next page begins with it.
        seen = {entry.id for entry in page if entry.due_at == page[-1].due_at}
        since = page[-1].due_at
