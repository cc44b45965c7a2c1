"""
What may become of a record: each transition as a pure function.

          a claim                  b finish
 READY ────────────▶ RUNNING ────────────────▶ SUCCESSFUL | FAILED
   ▲ │                │ ▲  │                                 │
   │ │  c release     │ └──┘ d lease expired, claimed again  │
   │ └◀───────────────┘                                      │
   │ e READY → FAILED: cancelled, arguments refused, dead letter, expired
   │ g RUNNING with an expired lease → FAILED: worker lost, cancelled, dead letter
   └──────────────────── f redriven: FAILED → READY ─────────┘

Each returns a Change: the condition and the write. Time is an argument.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..exceptions import Cancelled
from .conditional_write import (
    Attributes,
    Condition,
    ConditionalWrite,
    Value,
    absent,
    at_most,
    equals,
    shorter,
)
from .enqueued_task import EnqueuedTask
from .json_codec import EPOCH, dump, to_micros
from .record import (
    DEAD_SHARDS,
    FAILED,
    FAILED_SHARDS,
    READY,
    RECORD_LIFE,
    RUNNING,
    SUCCESSFUL,
    TaskRecord,
    due,
    failed_index,
    initial_item,
)

# Conditions of many transitions, and what takes a record out of the index.
NO_RECORD, UNCANCELLED = absent("id"), absent("cancelled")
IS_READY, IS_RUNNING = equals("status", READY), equals("status", RUNNING)
UNLISTED = frozenset({"due_at", "due_shard"})
CANCELLED = f"{Cancelled.__module__}.{Cancelled.__qualname__}"


def create(item: Attributes) -> ConditionalWrite:
    """Create the record of an initial item, on the condition that there is none."""
    return ConditionalWrite(name="create", conditions=((NO_RECORD,),), set_if_absent=item)


def claim(
    enqueued: EnqueuedTask | None,
    *,
    token: str,
    worker_id: str,
    now: datetime,
    lease_until: datetime,
    max_attempts: int,
    swept: bool = True,
) -> ConditionalWrite:
    """
    a, d: start an attempt, also of a record that is not there yet (`birth` of its message; None: it must be).

    A record that is made so is in the sweeper's index if `swept`; else its message alone brings it again.
    Refused where the record has ended, may not start yet, is leased to another worker, was cancelled
    while it ran, or has used up its attempts.
    """
    instant, lease = to_micros(now), to_micros(lease_until)
    conditions: tuple[tuple[Condition, ...], ...] = (
        (IS_READY, at_most("not_before", instant)),
        (IS_RUNNING, at_most("lease_until", instant), UNCANCELLED, shorter("workers", max_attempts)),
    )
    if enqueued is not None and enqueued.not_before <= now:
        conditions = ((NO_RECORD,), *conditions)
    return ConditionalWrite(
        name="claim",
        conditions=conditions,
        put={"status": RUNNING, "token": token, "lease_until": lease, "attempted_at": instant},
        set_if_absent={**_made(enqueued, swept=swept), "started_at": instant},
        append={"workers": worker_id},
        increment={"fence": 1},
        remove=frozenset({"progress", "sends", "error"}),
    )


def _made(enqueued: EnqueuedTask | None, *, swept: bool) -> dict[str, Value]:
    """Return what a claim makes a record of."""
    made = initial_item(enqueued) if enqueued else {}
    return made if swept else {name: value for name, value in made.items() if name not in UNLISTED}


def holds_claim(fence: int, token: str) -> tuple[Condition, ...]:
    """The condition of every write by the worker that holds the claim."""
    return (IS_RUNNING, equals("fence", fence), equals("token", token))


def succeed(
    *,
    fence: int,
    token: str,
    now: datetime,
    result_ttl: timedelta,
    kept: Mapping[str, Value],
) -> ConditionalWrite:
    """b: the task returned; `kept` is {"result": JSON text}, or says where that is ("result_part", …)."""
    return ConditionalWrite(
        name="succeed",
        conditions=(holds_claim(fence, token),),
        put={"status": SUCCESSFUL, **_end(now, result_ttl), **kept},
        remove=UNLISTED | {"lease_until"},
        returns_old=False,
    )


def fail(
    *,
    fence: int,
    token: str,
    now: datetime,
    result_ttl: timedelta,
    error: Mapping[str, Any],
    part: str | None,
) -> ConditionalWrite:
    """b: the attempt failed for good; `part` holds its traceback, None where the task raised nothing."""
    return ConditionalWrite(
        name="fail",
        conditions=(holds_claim(fence, token),),
        append={"errors": part} if part else {},
        **_failed(now, result_ttl, error, FAILED_SHARDS),
    )


def release(
    task_id: str,
    *,
    fence: int,
    token: str,
    not_before: datetime,
    due_at: datetime,
    error: Mapping[str, Any],
    part: str,
) -> ConditionalWrite:
    """c: the attempt failed and another will follow; refused where the task was cancelled meanwhile."""
    return ConditionalWrite(
        name="release",
        conditions=((*holds_claim(fence, token), UNCANCELLED),),
        put={
            "status": READY,
            "not_before": to_micros(not_before),
            "error": dump(error),
            "ttl": int((max(not_before, due_at) + RECORD_LIFE).timestamp()),
            **due(task_id, due_at),
        },
        append={"errors": part},
        remove=frozenset({"lease_until", "progress"}),
    )


def unclaim(*, fence: int, token: str, workers: list[str]) -> ConditionalWrite:
    """
    c: take a claim back that came too late for its task to begin; `workers` are those of the attempts before.

    The fence stays: whatever else was begun under it comes too late. Refused where the task was cancelled.
    """
    first = frozenset() if workers else frozenset({"workers", "started_at", "attempted_at"})
    return ConditionalWrite(
        name="unclaim",
        conditions=((*holds_claim(fence, token), UNCANCELLED),),
        put={"status": READY, **({"workers": workers} if workers else {})},
        remove=first | {"lease_until"},
    )


def unchanged_since(record: TaskRecord) -> tuple[Condition, ...]:
    """The condition that a record has neither been claimed nor sent again since it was read."""
    seen: Mapping[str, Value | None] = {
        "fence": record.fence or None,
        "sent_at": to_micros(record.sent_at) if record.sent_at else None,
    }
    return tuple(absent(name) if value is None else equals(name, value) for name, value in seen.items())


def abandon(
    *, now: datetime, result_ttl: timedelta, error: Mapping[str, Any], seen: TaskRecord | None = None
) -> ConditionalWrite:
    """
    e, g: end a record that nobody works on: READY, or RUNNING with an expired lease.

    Where the decision was taken on a record as it was `seen`, it must be that still.
    """
    same = unchanged_since(seen) if seen else ()
    return ConditionalWrite(
        name="abandon",
        conditions=(
            (IS_READY, *same),
            (IS_RUNNING, at_most("lease_until", to_micros(now)), *same),
        ),
        **_failed(now, result_ttl, {**error, "ended": True}, DEAD_SHARDS),
    )


def cancel(*, now: datetime, result_ttl: timedelta, error: Mapping[str, Any]) -> ConditionalWrite:
    """e: end a record that has not started, or waits for its next attempt."""
    return ConditionalWrite(
        name="cancel",
        conditions=((IS_READY,),),
        **_failed(now, result_ttl, {**error, "ended": True}, None),
    )


def ask_to_stop() -> ConditionalWrite:
    """Flag a RUNNING record: its task sees the flag, and no other attempt will follow."""
    return ConditionalWrite(name="ask to stop", conditions=((IS_RUNNING,),), put={"cancelled": True})


def report(*, fence: int, token: str, progress: Mapping[str, Any]) -> ConditionalWrite:
    """Note how far the attempt that holds the claim has come."""
    return ConditionalWrite(
        name="report", conditions=(holds_claim(fence, token),), put={"progress": dump(progress)}
    )


def redrive(
    task_id: str, *, now: datetime, due_at: datetime, not_before: datetime = EPOCH
) -> ConditionalWrite:
    """f: give a FAILED record another life; its fence goes on, its attempts begin anew."""
    return ConditionalWrite(
        name="redrive",
        conditions=((equals("status", FAILED),),),
        put={
            "status": READY,
            "not_before": to_micros(not_before),
            "sent_at": to_micros(now),
            "ttl": int((due_at + RECORD_LIFE).timestamp()),
            **due(task_id, due_at),
        },
        remove=frozenset({"finished_at", "hidden_at", "error", "workers", "cancelled", "progress", "sends"}),
    )


def discard() -> ConditionalWrite:
    """Take a FAILED record out of the list of dead letters; it stays readable as long as any other."""
    return ConditionalWrite(name="discard", conditions=((equals("status", FAILED),),), remove=UNLISTED)


def look_at(record: TaskRecord, *, due_at: datetime) -> ConditionalWrite:
    """Have the sweeper look at a RUNNING record, as it was read, that is in no index."""
    return ConditionalWrite(
        name="look at",
        conditions=((IS_RUNNING, absent("due_at"), *unchanged_since(record)),),
        put=dict(due(record.enqueued.id, due_at)),
    )


def postpone(task_id: str, *, due_was: datetime, due_at: datetime) -> ConditionalWrite:
    """Move `due_at`, unless somebody else did."""
    return ConditionalWrite(
        name="postpone", conditions=(_swept(task_id, due_was),), put=dict(due(task_id, due_at))
    )


def send_again(
    task_id: str, *, due_was: datetime, due_at: datetime, now: datetime, counts: bool
) -> ConditionalWrite:
    """Move `due_at` before a send, which extends the record's life: of two sweepers, one sends."""
    ttl = int((due_at + RECORD_LIFE).timestamp())
    return ConditionalWrite(
        name="send again",
        conditions=(_swept(task_id, due_was),),
        put={**due(task_id, due_at), "sent_at": to_micros(now), "ttl": ttl},
        increment={"sends": 1} if counts else {},
    )


def not_sent(record: TaskRecord, *, due_at: datetime, now: datetime) -> ConditionalWrite:
    """Take back what send_again() noted of a send that then failed, but for `due_at`: it was not in vain."""
    was: dict[str, Value | None] = {
        "sends": record.sends or None,
        "sent_at": to_micros(record.sent_at) if record.sent_at else None,
    }
    as_moved = (*_swept(record.enqueued.id, due_at), equals("sent_at", to_micros(now)))
    return ConditionalWrite(
        name="not sent",
        conditions=((*as_moved, equals("status", record.status)),),
        put={name: value for name, value in was.items() if value is not None},
        remove=frozenset(name for name, value in was.items() if value is None),
    )


def _swept(task_id: str, due_was: datetime) -> tuple[Condition, ...]:
    """The condition of every write by the sweeper: the entry of its index is as it read it."""
    return tuple(equals(name, value) for name, value in due(task_id, due_was).items())


def _failed(
    now: datetime, result_ttl: timedelta, error: Mapping[str, Any], shards: range | None
) -> dict[str, Any]:
    """Return what ends a record as FAILED: put and removed; listed in `shards`, unless it was cancelled."""
    put = {"status": FAILED, "error": dump(error), **_end(now, result_ttl)}
    if shards is None or error.get("class") == CANCELLED:
        return {"put": put, "remove": UNLISTED | {"lease_until"}}
    return {"put": {**put, **failed_index(shards, now)}, "remove": frozenset({"lease_until"})}


def _end(now: datetime, result_ttl: timedelta) -> dict[str, Value]:
    return {
        "finished_at": to_micros(now),
        "hidden_at": to_micros(now + result_ttl),
        "ttl": int((now + max(result_ttl, RECORD_LIFE)).timestamp()),
    }
