"""What the sweeper does with one due record. Pure functions: they read no clock and call nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ...conf import Options
from ...definition.registry import result_ttl
from ...exceptions import Cancelled, DeadLettered, Expired, OffloadError, WorkerLost
from ...operations.fail import with_jitter
from ...protocol.conditional_write import ConditionalWrite
from ...protocol.record import (
    DUE_AFTER,
    MESSAGE_LIFE,
    READY,
    SWEEP_EVERY,
    TaskRecord,
    error_of,
)
from ...protocol.shards import Band, due_index
from ...protocol.transitions import abandon, not_sent, postpone, send_again

MOST_SENDS = 5
# If a queue holds more messages than this, waiting or hidden by a worker, the message of a record that didn't
# start is most likely among them: another one would only make the queue longer …
DEEP = 10
# … but a record that has waited this long is sent all the same.
LONGEST_WAIT = timedelta(hours=12)
# A record in a backlog has waited so many times as long at the next look: 5 minutes, 20, 80, …
WAIT_GROWTH = 4

MOVED, ENDED, SENT = "moved", "ended", "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a decision depends on, besides the record."""

    now: datetime
    options: Options  # Of the record's backend.
    longest_delay: timedelta  # Of its messages.
    attempts_allowed: int | None
    shards: int  # How many shards the record's next entry may be in.


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A write, and what follows if it is made."""

    record: TaskRecord
    options: Options
    outcome: str  # MOVED, ENDED or SENT.
    change: ConditionalWrite
    error: OffloadError | None = None  # Of an end.
    # Of a message.
    start: datetime | None = None  # When it may be delivered.
    due_at: datetime | None = None  # When the record is due after it.


def decide(record: TaskRecord, situation: Situation) -> Plan | None:
    """Return what to do with a record, or None if that depends on the depth of its queue."""
    now = situation.now
    if record.status != READY and not record.lost(now):
        return move(record, situation, record.lease_until or now + DUE_AFTER)
    error = reason_to_end(record, situation)
    if error is not None:
        return end(record, situation, error)
    ahead = max(record.not_before - now, timedelta(0)) if record.status == READY else timedelta(0)
    if ahead > situation.longest_delay:
        lead = max(situation.longest_delay - SWEEP_EVERY, timedelta(0))
        return move(record, situation, record.not_before - lead, Band.DEFERRED)
    if ahead or is_unsent(record):
        return send(record, situation, ahead, counts=False)
    return None


def decide_overdue(record: TaskRecord, situation: Situation, depth: int | None) -> Plan:
    """
    Return what to do with a record that had a message, and whose task should be running by now.

    `depth` is about how many messages its queue holds, or None if AWS doesn't say.
    """
    now, since = situation.now, deliverable_since(record)
    waited, in_vain = now - since, record.sends >= MOST_SENDS
    # A task whose worker died has long lost its message, so a backlog explains nothing there.
    if depth is not None and depth > DEEP and (in_vain or record.status == READY):
        if waited >= LONGEST_WAIT:
            return send(record, situation, timedelta(0), counts=False)
        return move(record, situation, next_look(since, now))
    if not in_vain:
        return send(record, situation, timedelta(0), counts=True)
    if depth == 0:
        cause = f"it was sent again {record.sends} times, and no worker took it"
        return end(record, situation, DeadLettered(cause))
    if waited > MESSAGE_LIFE:  # A READY record has ended before.
        return end(record, situation, Expired(MESSAGE_LIFE.days))
    # One of its messages may still be there, hidden again and again by workers that crash.
    return move(record, situation, now + max(DUE_AFTER, waited))


def next_look(since: datetime, now: datetime) -> datetime:
    """
    Return when to look again at a record that waits in a backlog since `since`.

    The looks become rarer, because each costs write units. None is later than the record's second message.
    """
    waited = now - since
    return max(now + DUE_AFTER, since + min(WAIT_GROWTH * waited, LONGEST_WAIT))


def reason_to_end(record: TaskRecord, situation: Situation) -> OffloadError | None:
    """Return why no delivery could help a record, or None if one could."""
    if record.status == READY:
        expired = situation.now > deliverable_since(record) + MESSAGE_LIFE
        return Expired(MESSAGE_LIFE.days) if expired else None
    if record.cancelled:
        return Cancelled()
    allowed = situation.attempts_allowed
    return WorkerLost(record.attempts) if allowed is not None and record.attempts >= allowed else None


def deliverable_since(record: TaskRecord) -> datetime:
    """Return since when a message of this record could have been delivered."""
    return max(record.ready_at, record.sent_at or record.ready_at)


def move(record: TaskRecord, situation: Situation, due_at: datetime, band: Band = Band.RESCUE) -> Plan:
    """Look at the record later."""
    change = postpone(
        record.enqueued.id, due_was=due_of(record), due_at=due_at, band=band, shards=situation.shards
    )
    return Plan(record=record, options=situation.options, outcome=MOVED, change=change)


def end(record: TaskRecord, situation: Situation, error: OffloadError) -> Plan:
    """End the record, unless it has changed since it was read."""
    options = situation.options
    change = abandon(
        now=situation.now,
        result_ttl=result_ttl(record.enqueued, options),
        error=error_of(error),
        seen=record,
        shards=situation.shards,
    )
    return Plan(record=record, options=options, outcome=ENDED, change=change, error=error)


def send(record: TaskRecord, situation: Situation, delay: timedelta, *, counts: bool) -> Plan:
    """Move `due_at`, so that one of two sweepers sends, and then send the task again."""
    start = situation.now + delay
    due_at = with_jitter(start + DUE_AFTER * 2 ** min(record.sends, MOST_SENDS))
    change = send_again(
        record.enqueued.id,
        due_was=due_of(record),
        due_at=due_at,
        now=start,
        counts=counts,
        shards=situation.shards,
    )
    return Plan(
        record=record, options=situation.options, outcome=SENT, change=change, start=start, due_at=due_at
    )


def undo_send(plan: Plan, shards: int) -> ConditionalWrite:
    """Return the write that undoes that of send(), because SQS didn't take the message."""
    assert plan.start is not None, "it is a send"
    assert plan.due_at is not None, "it is a send"
    record = plan.record
    change = not_sent(record, due_at=plan.due_at, now=plan.start)
    if not is_unsent(record):
        return change
    # If it stayed due after its start, the next look would take it for one whose message waits in a backlog.
    due = due_index(record.enqueued.id, due_of(record), band=Band.DEFERRED, shards=shards)
    return replace(change, put={**change.put, **due})


def is_unsent(record: TaskRecord) -> bool:
    """Return True if a record is due before it may start: no message could wait that long, so it had none."""
    return record.status == READY and due_of(record) < record.ready_at


def due_of(record: TaskRecord) -> datetime:
    """Return when a record is due that the sweeper looks at: it is in the index."""
    assert record.due_at is not None
    return record.due_at
