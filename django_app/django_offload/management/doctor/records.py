"""The records: what is overdue, what was given up, and the oldest that are not finished."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched, islice
from typing import Any

from ...conf import Options
from ...operations.dead_letters import readable
from ...operations.due_entries import EVER
from ...operations.unverified_bodies import UNVERIFIED_PREFIX
from ...payloads import payloads_of
from ...protocol.json_codec import EPOCH
from ...protocol.record import DEAD_SHARDS, DUE_SHARDS, READY, RUNNING, SWEEP_EVERY, TaskRecord
from ...stores import Due, listing_of, store_of
from ...stores.listing import DUE, Wanted
from ...stores.listing import MOST_READ as PAGE
from ...worker.sweep import LONGEST_WAIT
from .finding import Finding, log_of

# What is due for longer than three sweeps, nobody sweeps.
OVERDUE = 3 * SWEEP_EVERY
# It is a question, not an inventory: of each shard so many are counted, and so many read.
MOST_COUNTED, MOST_READ = 1_000, 50
NAMED = 3
HOUR = timedelta(hours=1)
STATES = {
    "ready": "READY without a message, as it seems",
    "lost": "RUNNING whose worker died",
    "running": "RUNNING and not looked at",
    "unreadable": "that cannot be read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The oldest records that have not ended."""

    ready: Sequence[TaskRecord]  # The oldest first.
    running: TaskRecord | None

    def data(self) -> dict[str, Any]:
        """Return them for programs."""
        return {"oldest_ready": _said(next(iter(self.ready), None)), "oldest_running": _said(self.running)}


def unfinished(options: Options, now: datetime) -> Unfinished:
    """Return the oldest records among those that are due first, due last, or enqueued long ago."""
    first = Wanted(index=DUE, newest_first=False)
    wanted = [
        first,
        # In a backlog what has waited for longest is looked at again last; beyond this, nothing overdue is.
        replace(first, newest_first=True, until=now + LONGEST_WAIT),
        replace(first, enqueued=(EPOCH, now - LONGEST_WAIT)),
    ]
    listing = listing_of(options)
    ids = dict.fromkeys(
        place.id
        for each in wanted
        for shard in range(DUE_SHARDS)
        for place in listing.take(each, shard, None, MOST_READ).entries
    )
    stored = (attributes for some in batched(ids, PAGE) for attributes in listing.read(some))
    found = [record for attributes in stored if (record := readable(str(attributes["id"]), attributes))]
    running = [record for record in found if record.status == RUNNING]
    return Unfinished(
        ready=sorted(
            (record for record in found if record.status == READY), key=lambda record: record.ready_at
        ),
        running=min(running, key=lambda record: record.attempted_at or record.ready_at, default=None),
    )


def waiting(options: Options, now: datetime, ready: Sequence[TaskRecord]) -> Iterator[Finding]:
    """Look among READY records for those that wait longer than the sweeper ever lets a message wait."""
    several = [record for record in ready if record.ready_at <= now - LONGEST_WAIT]
    if several:
        function = options.worker_function(several[0].enqueued.queue)
        yield Finding(
            id="ready-for-long",
            stack=options.stack,
            text=f"{_several(len(several), MOST_READ)} READY for more than {LONGEST_WAIT // HOUR} hours, the "
            f"oldest for {(now - several[0].ready_at) // HOUR}: "
            f"{_named(record.enqueued.id for record in several)}.",
            mend="See whether the workers of its queue are at work: manage.py offload_status. "
            f"{log_of(function)} Cancel what nobody needs: manage.py offload_result ID --cancel.",
        )


def overdue(options: Options, now: datetime) -> Iterator[Finding]:
    """Look for what the sweeper should have looked at."""
    entries = [entry for shard in _entries(options, now - OVERDUE, MOST_COUNTED) for entry in shard]
    oldest = sorted(entries, key=lambda entry: entry.due_at)[:MOST_READ]
    found: dict[str, list[str]] = {}
    for task_id, record in _read(options, oldest):
        if record is None:
            found.setdefault("unreadable", []).append(task_id)
        elif not record.ended:
            state = "ready" if record.status == READY else "lost" if record.lost(now) else "running"
            found.setdefault(state, []).append(task_id)
    for state, ids in found.items():
        minutes = int((now - oldest[0].due_at).total_seconds() // 60)
        yield Finding(
            id=f"overdue-{state}",
            stack=options.stack,
            text=f"{_several(len(ids), MOST_READ)} {STATES[state]}, overdue by up to {minutes} min: "
            f"{_named(ids)}.",
            mend=_look_at(options, ids[0])
            if state == "unreadable"
            else "Sweep now: manage.py offload_sweep. Then look why the function "
            f"{options.function('sweeper')} does not: its log, its schedule.",
        )


def _look_at(options: Options, task_id: str) -> str:
    key = json.dumps({"id": {"S": task_id}, "part": {"S": "record"}})
    return (
        f"Look at it: aws dynamodb get-item --table-name {options.table} --key '{key}'. "
        "Then correct or delete it."
    )


def given_up(options: Options) -> Iterator[Finding]:
    """Look for dead letters."""
    count = sum(len(store_of(options).due(shard, EVER, MOST_COUNTED)) for shard in DEAD_SHARDS)
    if count:
        yield Finding(
            id="dead-letters",
            stack=options.stack,
            text=f"{_several(count, MOST_COUNTED)} of tasks that were given up.",
            mend="See manage.py offload_dead list; mend the cause, then manage.py offload_dead redrive.",
        )


def refused(options: Options) -> Iterator[Finding]:
    """Look for bodies that did not verify."""
    payloads = payloads_of(options)
    count = len(list(islice(payloads.under(UNVERIFIED_PREFIX), MOST_COUNTED))) if payloads is not None else 0
    if count:
        yield Finding(
            id="refused-bodies",
            stack=options.stack,
            text=f"{count}{'+' if count == MOST_COUNTED else ''} messages that did not verify are kept.",
            mend="See manage.py offload_dead list, and who may send to the queues; discard them.",
        )


def _entries(options: Options, until: datetime, limit: int) -> Iterator[list[Due]]:
    for shard in range(DUE_SHARDS):
        yield list(store_of(options).due(shard, until, limit))


def _read(options: Options, entries: list[Due]) -> Iterator[tuple[str, TaskRecord | None]]:
    """Yield the records that are there, with their ids; None for one that cannot be read."""
    store = store_of(options)
    for entry in entries:
        attributes = store.get(entry.id)
        if attributes is not None:
            yield entry.id, readable(entry.id, attributes)


def _named(ids: Iterable[str]) -> str:
    """Return the first few of some ids."""
    first = list(islice(ids, NAMED + 1))
    return ", ".join([*first[:NAMED], *(["…"] if len(first) > NAMED else [])])


def _several(count: int, most: int) -> str:
    """Return how many records in words, where no more than `most` are counted."""
    return f"{count}{'+' if count >= most else ''} {'record' if count == 1 else 'records'}"


def _said(record: TaskRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    since = record.ready_at if record.status == READY else record.attempted_at
    return {"id": record.enqueued.id, "task": record.enqueued.name, "since": since}
