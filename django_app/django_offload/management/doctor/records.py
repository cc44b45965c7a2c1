"""Check the records: those that are overdue, those that wait for long, and dead letters."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched, islice
from typing import Any

from ...conf import Options
from ...operations.dead_letters import readable
from ...operations.due_entries import EVER, count_entries, likely_share, merged
from ...operations.index_pages import PAGE_SIZE, first_entries
from ...operations.pages import read_together
from ...operations.unverified_bodies import UNVERIFIED_PREFIX
from ...payloads import payloads_of
from ...protocol.json_codec import EPOCH
from ...protocol.record import READY, RUNNING, SWEEP_EVERY, TaskRecord
from ...protocol.shards import Band, partitions
from ...stores import listing_of, store_of
from ...stores.base import MOST_READ as PAGE
from ...stores.listing import DUE, IndexQuery
from ...worker.sweeping.decision import LONGEST_WAIT
from .finding import Finding, finding, log_remedy

# A record that three sweeps didn't look at shows that the sweeper doesn't run.
OVERDUE_AFTER = 3 * SWEEP_EVERY
# Limits, because a diagnosis needs no exact numbers.
MOST_COUNTED, MOST_READ = 1_000, 50
IDS_NAMED = 3
HOUR = timedelta(hours=1)
STATES = {
    "ready": "stayed READY, probably because the message is lost",
    "lost": "stayed RUNNING after the worker died",
    "running": "stayed RUNNING without a check by the sweeper",
    "unreadable": "couldn't be read",
}
# A record that isn't overdue, because its task may not start yet.
DEFERRED = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The oldest records of tasks that haven't ended."""

    ready: Sequence[TaskRecord]  # The oldest first.
    running: TaskRecord | None
    unreadable: Sequence[str]  # The ids of those that can't be read.

    def data(self) -> dict[str, Any]:
        """Return the oldest READY and the oldest RUNNING record as --json prints them."""
        oldest = {"oldest_ready": next(iter(self.ready), None), "oldest_running": self.running}
        return {
            name: None
            if record is None
            else {
                "id": record.enqueued.id,
                "task": record.enqueued.name,
                "since": record.ready_at if record.status == READY else record.attempted_at,
            }
            for name, record in oldest.items()
        }


def unfinished_records(options: Options, now: datetime) -> Unfinished:
    """Return the oldest records among those that are due first, due last, or enqueued long ago."""
    due_first = IndexQuery(index=DUE, newest_first=False)
    selections = [
        due_first,
        # In a backlog, the sweeper postpones the oldest records furthest, but not beyond this time.
        replace(due_first, newest_first=True, until=now + LONGEST_WAIT),
        replace(due_first, enqueued=(EPOCH, now - LONGEST_WAIT)),
    ]
    listing = listing_of(options)
    shards = partitions(Band.RESCUE, Band.DEFERRED, shards=store_of(options).read_shards)
    shares = [likely_share(PAGE_SIZE, len(shards))] * len(shards)
    ids = dict.fromkeys(
        entry.id
        for selection in selections
        for entry in first_entries(listing, selection, shards, shares, None)[0]
    )
    stored = (attributes for page in batched(ids, PAGE) for attributes in listing.get_many(page))
    read = {str(attributes["id"]): attributes for attributes in stored}
    found = {task_id: readable(task_id, attributes) for task_id, attributes in read.items()}
    records = [record for record in found.values() if record is not None]
    running = [record for record in records if record.status == RUNNING]
    return Unfinished(
        ready=sorted(
            (record for record in records if record.status == READY), key=lambda record: record.ready_at
        ),
        running=min(running, key=lambda record: record.attempted_at or record.ready_at, default=None),
        unreadable=[task_id for task_id, record in found.items() if record is None],
    )


def check_unreadable(options: Options, ids: Sequence[str]) -> Iterator[Finding]:
    """Find records that can't be read, at which the sweeper looks once an hour."""
    if ids:
        yield finding(
            "unreadable-records",
            options.stack,
            f"{count_text(len(ids), MOST_READ, 'record')} can't be read, so what is left of "
            f"{'its task' if len(ids) == 1 else 'their tasks'} waits: {id_list(ids)}.",
            remedy=unreadable_remedy(options, ids[0]),
        )


def unreadable_remedy(options: Options, task_id: str) -> str:
    """Return the commands that show a record that can't be read, and delete it."""
    key = json.dumps({"id": {"S": task_id}, "part": {"S": "record"}})
    where = f"--table-name {options.table} --key {shlex.quote(key)}"
    return (
        f"See what is wrong: manage.py offload_result {shlex.quote(task_id)}. Look at it: aws dynamodb "
        f"get-item {where}. Then correct it, or delete it, which gives its task up: aws dynamodb "
        f"delete-item {where}."
    )


def check_waiting(options: Options, now: datetime, ready: Sequence[TaskRecord]) -> Iterator[Finding]:
    """Find READY records that wait longer than the sweeper lets a message wait."""
    waiting = [record for record in ready if record.ready_at <= now - LONGEST_WAIT]
    if waiting:
        function = options.worker_function(waiting[0].enqueued.queue)
        yield finding(
            "ready-for-long",
            options.stack,
            f"{count_text(len(waiting), MOST_READ, 'record')} stayed READY for more than "
            f"{LONGEST_WAIT // HOUR} hours, the oldest for {(now - waiting[0].ready_at) // HOUR} hours: "
            f"{id_list(record.enqueued.id for record in waiting)}.",
            remedy="See how many messages wait: manage.py offload_status. "
            f"{log_remedy(function)} Cancel tasks that nobody needs: manage.py offload_result ID --cancel.",
        )


def check_overdue(options: Options, now: datetime) -> Iterator[Finding]:
    """Find records that the sweeper should have looked at."""
    store = store_of(options)
    shards = partitions(Band.RESCUE, Band.DEFERRED, shards=store.read_shards)
    oldest = list(islice(merged(store, shards, now - OVERDUE_AFTER), MOST_READ))
    ids_by_state: dict[str, list[str]] = {}
    for task_id, attributes in read_together(store, [entry.id for entry in oldest]).items():
        if isinstance(attributes, Exception):
            raise attributes
        if attributes is None:
            continue
        record = readable(task_id, attributes)
        if record is None:
            ids_by_state.setdefault("unreadable", []).append(task_id)
        elif not record.ended:
            state = state_of(record, now)
            ids_by_state.setdefault(state, []).append(task_id)
    for state, ids in ids_by_state.items():
        minutes = int((now - oldest[0].due_at).total_seconds() // 60)
        if state == "unreadable":
            remedy = unreadable_remedy(options, ids[0])
        else:
            remedy = (
                "Sweep now: manage.py offload_sweep. Then find out why the function "
                f"{options.function('sweeper')} doesn't. Check its log and its schedule."
            )
        if state == DEFERRED:
            text = (
                f"{count_text(len(ids), MOST_READ, 'record')} will start later, but the sweeper hasn't sent"
            )
            text += f" {'its message' if len(ids) == 1 else 'their messages'} yet: {id_list(ids)}."
            yield finding("deferred-unsent", options.stack, text, remedy=remedy, wrong=False)
            continue
        yield finding(
            f"overdue-{state}",
            options.stack,
            f"{count_text(len(ids), MOST_READ, 'record')} {STATES[state]} (overdue by up to {minutes} min): "
            f"{id_list(ids)}.",
            remedy=remedy,
        )


def state_of(record: TaskRecord, now: datetime) -> str:
    """Return why the sweeper should have looked at a record, as a key of STATES, or DEFERRED."""
    if record.status == READY:
        return DEFERRED if record.ready_at > now else "ready"
    return "lost" if record.lost(now) else "running"


def check_dead_letters(options: Options) -> Iterator[Finding]:
    store = store_of(options)
    count = count_entries(store, partitions(Band.DEAD, shards=store.read_shards), EVER, MOST_COUNTED)
    if count:
        yield finding(
            "dead-letters",
            options.stack,
            f"The stack has {count_text(count, MOST_COUNTED, 'dead letter')}.",
            remedy="See manage.py offload_dead list. Correct the cause, then run offload_dead redrive.",
        )


def check_unverified_messages(options: Options) -> Iterator[Finding]:
    payloads = payloads_of(options)
    count = (
        len(list(islice(payloads.objects_under(UNVERIFIED_PREFIX), MOST_COUNTED)))
        if payloads is not None
        else 0
    )
    if count:
        yield finding(
            "refused-bodies",
            options.stack,
            f"The bucket contains {count_text(count, MOST_COUNTED, 'message')} that failed verification.",
            remedy="See manage.py offload_dead list. Check who may send to the queues, then discard them.",
        )


def id_list(ids: Iterable[str]) -> str:
    """Return the first few of some ids as text."""
    first = list(islice(ids, IDS_NAMED + 1))
    return ", ".join([*first[:IDS_NAMED], *(["…"] if len(first) > IDS_NAMED else [])])


def count_text(count: int, limit: int, noun: str) -> str:
    """Return a number and its noun; the number ends in "+" if counting stopped at `limit`."""
    return f"{count}{'+' if count >= limit else ''} {noun}{'' if count == 1 else 's'}"
