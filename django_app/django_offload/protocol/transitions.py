"""
The transitions of a record. Each is a pure function that returns a ConditionalWrite.

          a claim                  b finish
 READY ────────────▶ RUNNING ────────────────▶ SUCCESSFUL | FAILED
   ▲ │                │ ▲  │                                 │
   │ │  c release     │ └──┘ d lease expired, claimed again  │
   │ └◀───────────────┘                                      │
   │ e READY → FAILED: cancelled, arguments refused, dead letter, expired
   │ g RUNNING with an expired lease → FAILED: worker lost, cancelled, dead letter
   └──────────────────── f redriven: FAILED → READY ─────────┘
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
    differs,
    equals,
    shorter,
)
from .enqueued_task import EnqueuedTask, is_id
from .json_codec import EPOCH, dump, to_micros
from .record import FAILED, READY, RECORD_LIFE, RUNNING, SUCCESSFUL, TaskRecord, initial_item
from .shards import OLD_SHARDS, Band, band_of, due_index, failed_index

NO_RECORD, UNCANCELLED = absent("id"), absent("cancelled")
IS_READY, IS_RUNNING = equals("status", READY), equals("status", RUNNING)
# Removing these takes a record out of the index.
INDEX_KEYS = frozenset({"due_at", "due_shard"})
# What a claim overwrites of the attempt before it.
LATEST_ATTEMPT = frozenset({"workers", "started_at", "attempted_at", "error"})
CANCELLED = f"{Cancelled.__module__}.{Cancelled.__qualname__}"


def create(item: Attributes) -> ConditionalWrite:
    """Create the record of an initial item, if there is none."""
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
    shards: int = OLD_SHARDS,
    listed: bool = False,
) -> ConditionalWrite:
    """
    a, d: start an attempt. If there is no record, create it from `enqueued` (None: there must be one).

    Without `swept`, a new record isn't in the sweeper's index: only its own message starts the task again.
    The claim is refused if the record has ended, may not start yet, has a live lease, was cancelled while it
    ran, or has no attempts left.
    """
    now_micros, lease = to_micros(now), to_micros(lease_until)
    conditions: tuple[tuple[Condition, ...], ...] = (
        (IS_READY, at_most("not_before", now_micros)),
        (IS_RUNNING, at_most("lease_until", now_micros), UNCANCELLED, shorter("workers", max_attempts)),
    )
    if enqueued is not None and enqueued.not_before <= now:
        conditions = ((NO_RECORD,), *conditions)
    item = initial_item(enqueued, shards, indexed=swept, listed=listed) if enqueued else {}
    item["started_at"] = now_micros
    return ConditionalWrite(
        name="claim",
        conditions=conditions,
        put={"status": RUNNING, "token": token, "lease_until": lease, "attempted_at": now_micros},
        set_if_absent=item,
        append={"workers": worker_id},
        increment={"fence": 1},
        remove=frozenset({"progress", "sends", "error"}),
    )


def holds_claim(fence: int, token: str) -> tuple[Condition, ...]:
    """Return the condition of every write by the worker with this claim."""
    return (IS_RUNNING, equals("fence", fence), equals("token", token))


def succeed(
    *,
    fence: int,
    token: str,
    now: datetime,
    result_ttl: timedelta,
    stored: Mapping[str, Value],
) -> ConditionalWrite:
    """b: the task returned. `stored` is {"result": JSON text}, or where that text is ("result_part", …)."""
    return ConditionalWrite(
        name="succeed",
        conditions=(holds_claim(fence, token),),
        put={"status": SUCCESSFUL, **ending(now, result_ttl), **stored},
        remove=INDEX_KEYS | {"lease_until"},
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
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """b: the attempt failed for good. `part` has its traceback (None: the task raised nothing)."""
    return ConditionalWrite(
        name="fail",
        conditions=(holds_claim(fence, token),),
        append={"errors": part} if part else {},
        **failure(now, result_ttl, error, Band.FAILED, shards),
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
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """c: the attempt failed, and another will follow. Refused if the task was cancelled meanwhile."""
    return ConditionalWrite(
        name="release",
        conditions=((*holds_claim(fence, token), UNCANCELLED),),
        put={
            "status": READY,
            "not_before": to_micros(not_before),
            "error": dump(error),
            "ttl": int((max(not_before, due_at) + RECORD_LIFE).timestamp()),
            **due_index(task_id, due_at, band=band_of(due_at, not_before), shards=shards),
        },
        append={"errors": part},
        remove=frozenset({"lease_until", "progress"}),
    )


def unclaim(
    *, fence: int, token: str, workers: list[str], before: Attributes | None = None
) -> ConditionalWrite:
    """
    c: undo a claim that left the task too little time. `workers` are those of the attempts before it.

    `before` is the record before the claim, if it's known: the latest attempt is the one before again. The
    fence stays raised, so that a late write of the undone claim is refused, and is kept as undone, so that
    nobody takes it for an attempt. The undo itself is refused if the task was cancelled.
    """
    earlier = {**(before or {}), "workers": workers}
    restored = {name: earlier[name] for name in LATEST_ATTEMPT if earlier.get(name)}
    unknown = {"started_at", "attempted_at"} if workers and before is None else set[str]()
    return ConditionalWrite(
        name="unclaim",
        conditions=((*holds_claim(fence, token), UNCANCELLED),),
        put={"status": READY, **restored},
        append={"undone": str(fence)},
        remove=frozenset({*LATEST_ATTEMPT, "lease_until"} - restored.keys() - unknown),
    )


def unchanged_since(record: TaskRecord) -> tuple[Condition, ...]:
    """Return the condition that a record was neither claimed nor sent again since it was read."""
    return (
        equals("fence", record.fence) if record.fence else absent("fence"),
        equals("sent_at", to_micros(record.sent_at)) if record.sent_at else absent("sent_at"),
    )


def abandon(
    *,
    now: datetime,
    result_ttl: timedelta,
    error: Mapping[str, Any],
    seen: TaskRecord | None = None,
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """
    e, g: end a record that no worker has claimed: READY, or RUNNING with an expired lease.

    If the decision is based on a record that was read (`seen`), the record must not have changed since.
    """
    unchanged = unchanged_since(seen) if seen else ()
    return ConditionalWrite(
        name="abandon",
        conditions=(
            (IS_READY, *unchanged),
            (IS_RUNNING, at_most("lease_until", to_micros(now)), *unchanged),
        ),
        **failure(now, result_ttl, {**error, "ended": True}, Band.DEAD, shards),
    )


def cancel(*, now: datetime, result_ttl: timedelta, error: Mapping[str, Any]) -> ConditionalWrite:
    """e: end a record that waits for its first or its next attempt."""
    return ConditionalWrite(
        name="cancel",
        conditions=((IS_READY,),),
        **failure(now, result_ttl, {**error, "ended": True}, None),
    )


def ask_to_stop() -> ConditionalWrite:
    """Flag a RUNNING record. Its task can see the flag, and no other attempt will follow."""
    return ConditionalWrite(name="ask to stop", conditions=((IS_RUNNING,),), put={"cancelled": True})


def report(*, fence: int, token: str, progress: Mapping[str, Any]) -> ConditionalWrite:
    """Store the progress of the attempt that has the claim."""
    return ConditionalWrite(
        name="report", conditions=(holds_claim(fence, token),), put={"progress": dump(progress)}
    )


def redrive(
    task_id: str,
    *,
    now: datetime,
    due_at: datetime,
    not_before: datetime = EPOCH,
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """f: make a FAILED record READY. Its attempts start again from 0, but its fence doesn't."""
    return ConditionalWrite(
        name="redrive",
        conditions=((equals("status", FAILED),),),
        put={
            "status": READY,
            "not_before": to_micros(not_before),
            "sent_at": to_micros(now),
            "ttl": int((due_at + RECORD_LIFE).timestamp()),
            **due_index(task_id, due_at, band=band_of(due_at, not_before), shards=shards),
        },
        remove=frozenset(
            {"finished_at", "hidden_at", "error", "workers", "cancelled", "progress", "sends", "duplicate_of"}
        ),
    )


def discard() -> ConditionalWrite:
    """Take a FAILED record off its list. It can be read as long as any other record."""
    return ConditionalWrite(name="discard", conditions=((equals("status", FAILED),),), remove=INDEX_KEYS)


def look_at(
    task_id: str, *, due_at: datetime, seen: TaskRecord | None = None, shards: int = OLD_SHARDS
) -> ConditionalWrite:
    """
    Put a record that hasn't ended and is in no index into the sweeper's; if it was read, as it was `seen`.

    A claim without a record at enqueue made it, or its queue indexes only tasks in trouble.
    """
    unindexed = (absent("due_at"), *(unchanged_since(seen) if seen else ()))
    return ConditionalWrite(
        name="look at",
        conditions=((IS_RUNNING, *unindexed), (IS_READY, *unindexed)),
        put=dict(due_index(task_id, due_at, shards=shards)),
    )


def set_aside(
    task_id: str, attributes: Attributes, *, now: datetime, due_at: datetime, shards: int = OLD_SHARDS
) -> ConditionalWrite:
    """
    Have the sweeper look at a record that can't be read, and keep the record until somebody corrects it.

    `attributes` are those that were read. Refused if the record has ended, unless it's due as it was then.
    Its shard stays if no shard can be computed from its id.
    """
    ttl, due_was = attributes.get("ttl"), attributes.get("due_at")
    lasts = int((due_at + RECORD_LIFE).timestamp())
    index = due_index(task_id, due_at, shards=shards) if is_id(task_id) else {"due_at": to_micros(due_at)}
    return ConditionalWrite(
        name="set aside",
        conditions=(
            # No operand is a fraction, which another writer may have put there.
            (equals("due_at", due_was) if type(due_was) is int else at_most("due_at", to_micros(now)),),
            (IS_READY,),
            (IS_RUNNING,),
        ),
        # Of a task that starts much later, the record lasts longer already.
        put={**index, "ttl": max(ttl, lasts) if type(ttl) is int else lasts},
    )


def postpone(
    task_id: str,
    *,
    due_was: datetime,
    due_at: datetime,
    band: Band = Band.RESCUE,
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """Move `due_at`, unless another process moved it."""
    return ConditionalWrite(
        name="postpone",
        conditions=(is_due_at(due_was),),
        put=dict(due_index(task_id, due_at, band=band, shards=shards)),
        returns_old=False,
    )


def send_again(
    task_id: str,
    *,
    due_was: datetime,
    due_at: datetime,
    now: datetime,
    counts: bool,
    shards: int = OLD_SHARDS,
) -> ConditionalWrite:
    """Move `due_at` before a send, so that only one of two sweepers sends, and extend the record's life."""
    ttl = int((due_at + RECORD_LIFE).timestamp())
    return ConditionalWrite(
        name="send again",
        conditions=(is_due_at(due_was),),
        put={**due_index(task_id, due_at, shards=shards), "sent_at": to_micros(now), "ttl": ttl},
        increment={"sends": 1} if counts else {},
        returns_old=False,
    )


def not_sent(record: TaskRecord, *, due_at: datetime, now: datetime) -> ConditionalWrite:
    """Undo send_again() for a send that failed, except that `due_at` stays moved."""
    before: dict[str, Value | None] = {
        "sends": record.sends or None,
        "sent_at": to_micros(record.sent_at) if record.sent_at else None,
    }
    moved = (*is_due_at(due_at), equals("sent_at", to_micros(now)))
    return ConditionalWrite(
        name="not sent",
        conditions=((*moved, equals("status", record.status)),),
        put={name: value for name, value in before.items() if value is not None},
        remove=frozenset(name for name, value in before.items() if value is None),
        returns_old=False,
    )


def spend(*, count: int, limit: int, token: str, ttl: int) -> ConditionalWrite:
    """
    Count tasks against the budget of a root, in an item that is no record. Make the item if there is none.

    Refused if the limit doesn't allow that many, if the item must be kept for longer than `ttl`, or if the
    latest write to it was this one, whose reply was lost. A `count` over the limit must not come here.
    """
    return ConditionalWrite(
        name="spend",
        conditions=(
            (absent("spent"),),
            (at_most("spent", limit - count), at_most("ttl", ttl), differs("token", token)),
        ),
        put={"token": token, "ttl": ttl},
        increment={"spent": count},
    )


def is_due_at(due_was: datetime) -> tuple[Condition, ...]:
    """
    Return the condition of every write by the sweeper: the record is due as the sweeper read it.

    Its partition doesn't count, because a record stays where an earlier OPTIONS["shards"] put it. An ended
    record may have the same instant in another band.
    """
    return (equals("due_at", to_micros(due_was)), absent("finished_at"))


def failure(
    now: datetime, result_ttl: timedelta, error: Mapping[str, Any], band: Band | None, shards: int = 1
) -> dict[str, Any]:
    """Return `put` and `remove` of a write that ends a record as FAILED. A cancelled task is in no index."""
    put = {"status": FAILED, "error": dump(error), **ending(now, result_ttl)}
    if band is None or error.get("class") == CANCELLED:
        return {"put": put, "remove": INDEX_KEYS | {"lease_until"}}
    return {"put": {**put, **failed_index(band, now, shards)}, "remove": frozenset({"lease_until"})}


def ending(now: datetime, result_ttl: timedelta) -> dict[str, Value]:
    return {
        "finished_at": to_micros(now),
        "hidden_at": to_micros(now + result_ttl),
        "ttl": int((now + max(result_ttl, RECORD_LIFE)).timestamp()),
    }
