"""The records: what is overdue, what was given up, and the oldest that are not finished."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ...conf import Options
from ...payloads import payloads_of
from ...record import DEAD_SHARDS, DUE_SHARDS, READY, SWEEP_EVERY, TaskRecord
from ...stores import Due, store_of
from ...worker.dead_letter import FOLDER
from ...worker.failed import EVER, readable
from .finding import Finding

# What is due for longer than three sweeps, nobody sweeps.
OVERDUE = 3 * SWEEP_EVERY
# It is a question, not an inventory: of each shard so many are counted, and so many read.
MOST_COUNTED, MOST_READ = 1_000, 50
NAMED = 3
STATES = {
    "ready": "READY without a message, as it seems",
    "lost": "RUNNING whose worker died",
    "running": "RUNNING and not looked at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The oldest records that have not ended."""

    ready: TaskRecord | None
    running: TaskRecord | None

    def data(self) -> dict[str, Any]:
        """Return them for programs."""
        return {"oldest_ready": _said(self.ready), "oldest_running": _said(self.running)}


def unfinished(options: Options) -> Unfinished:
    """Return the oldest READY and RUNNING records among those that are due first."""
    found = list(_read(options, [entry for shard in _entries(options, EVER, MOST_READ) for entry in shard]))
    ready = [record for record in found if record.status == READY]
    running = [record for record in found if not record.ended and record.status != READY]
    return Unfinished(
        ready=min(ready, key=lambda record: record.ready_at, default=None),
        running=min(running, key=lambda record: record.attempted_at or record.ready_at, default=None),
    )


def overdue(options: Options, now: datetime) -> Iterator[Finding]:
    """Look for what the sweeper should have looked at."""
    entries = [entry for shard in _entries(options, now - OVERDUE, MOST_COUNTED) for entry in shard]
    oldest = sorted(entries, key=lambda entry: entry.due_at)[:MOST_READ]
    found: dict[str, list[TaskRecord]] = {}
    for record in _read(options, oldest):
        if not record.ended:
            state = "ready" if record.status == READY else "lost" if record.lost(now) else "running"
            found.setdefault(state, []).append(record)
    for state, several in found.items():
        ids = ", ".join(record.birth.id for record in several[:NAMED])
        minutes = int((now - oldest[0].due_at).total_seconds() // 60)
        yield Finding(
            id=f"overdue-{state}",
            stack=options.stack,
            text=f"{_several(len(several), MOST_READ)} {STATES[state]}, overdue by up to {minutes} min: "
            f"{ids}{', …' if len(several) > NAMED else ''}.",
            mend="Sweep now: manage.py offload_sweep. Then look why the function "
            f"{options.function('sweeper')} does not: its log, its schedule.",
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
    count = len(list(islice(payloads.under(FOLDER), MOST_COUNTED))) if payloads is not None else 0
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


def _read(options: Options, entries: list[Due]) -> Iterator[TaskRecord]:
    store = store_of(options)
    for entry in entries:
        attributes = store.get(entry.id)
        record = readable(entry.id, attributes) if attributes is not None else None
        if record is not None:
            yield record


def _several(count: int, most: int) -> str:
    """Return how many records in words, where no more than `most` are counted."""
    return f"{count}{'+' if count >= most else ''} {'record' if count == 1 else 'records'}"


def _said(record: TaskRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    since = record.ready_at if record.status == READY else record.attempted_at
    return {"id": record.birth.id, "task": record.birth.name, "since": since}
