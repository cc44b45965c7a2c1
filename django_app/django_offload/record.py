"""
What is kept: one record per task, its states, and its transitions as pure functions.

          a claim                  b finish
 READY ────────────▶ RUNNING ────────────────▶ SUCCESSFUL | FAILED
   ▲ │                │ ▲  │
   │ │  c release     │ └──┘ d lease expired, claimed again
   │ └◀───────────────┘
   │ e READY → FAILED: cancelled, arguments refused, dead letter
   └ g RUNNING with an expired lease → FAILED: worker lost, cancelled, dead letter

Each function returns a Change: the condition and the write of one transition. Time is an argument.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.tasks import TaskResultStatus

from .birth import Birth, dump, from_micros, to_micros
from .change import Attributes, Change, Test, Value, absent, at_most, equals, shorter

READY, RUNNING = TaskResultStatus.READY.value, TaskResultStatus.RUNNING.value
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL.value, TaskResultStatus.FAILED.value

# Every update of a DynamoDB item bills the whole item, per started KB: what is larger than this
# becomes a part of its own beside the record.
INLINE_ARGUMENTS_BYTES = 400
INLINE_RESULT_BYTES = 300
MESSAGE_CHARACTERS = 200  # Of an error, or of progress, within the record.
# DynamoDB keeps 400 KB in one item, keys and all.
PART_BYTES = 300_000
ARGUMENTS_PART = "arguments"
# The sparse index is spread over this many partitions by the record's id.
DUE_SHARDS = 4
# The sweeper looks at a record this long after it should have started.
DUE_AFTER = timedelta(minutes=5)
# SQS keeps a message for 7 days and then up to 14 as a dead letter: a record outlives its messages.
MESSAGE_LIFE = timedelta(days=7)
RECORD_LIFE = timedelta(days=7 + 14 + 1)

UNSWEPT = frozenset({"due_at", "due_shard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """The stored state of one task result, as read at one instant."""

    birth: Birth
    inline: bool  # Are the arguments in the record itself?
    status: str
    not_before: datetime  # No claim before this.
    fence: int  # The number of the latest claim.
    token: str | None  # Its random token.
    lease_until: datetime | None
    started_at: datetime | None
    attempted_at: datetime | None
    finished_at: datetime | None
    hidden_at: datetime | None  # From then on the result cannot be read.
    due_at: datetime | None
    worker_ids: list[str]
    error_parts: list[str]  # The parts that hold the errors of attempts, in their order.
    error: dict[str, Any] | None  # The latest: "class", "message", and "ended" where the task did not raise it.
    result: str | None  # JSON text of a return value kept in the record itself.
    result_part: str | None  # The part that holds it otherwise.
    progress: dict[str, Any] | None  # "done", "total", "message".
    cancelled: bool  # Somebody asked a running task to stop.
    sends: int  # How often the sweeper sent it again.

    @property
    def attempts(self) -> int:
        return len(self.worker_ids)

    @property
    def ended(self) -> bool:
        return self.status in {SUCCESSFUL, FAILED}

    def hidden(self, now: datetime) -> bool:
        """Tell whether its result can no longer be read."""
        return self.hidden_at is not None and self.hidden_at <= now

    def lost(self, now: datetime) -> bool:
        """Tell whether its worker died: RUNNING, and the lease has run out."""
        return self.status == RUNNING and self.lease_until is not None and self.lease_until <= now


def newborn(birth: Birth) -> dict[str, Value]:
    """Return the stored form of a READY record; `due_at` is 5 minutes after it may start."""
    inline = len(birth.arguments) <= INLINE_ARGUMENTS_BYTES
    found: dict[str, Value | None] = {
        "id": birth.id,
        "alias": birth.alias,
        "name": birth.name,
        "queue": birth.queue,
        "arguments": birth.arguments if inline else None,
        "enqueued_at": to_micros(birth.enqueued_at),
        "run_after": to_micros(birth.run_after) if birth.run_after else None,
        "owner": birth.owner,
        "depth": birth.depth or None,
        "traceparent": birth.traceparent,
        "options": dump(birth.options) if birth.options else None,
        "status": READY,
        "not_before": to_micros(birth.start_at),
        "ttl": int((birth.start_at + RECORD_LIFE).timestamp()),
        **due(birth.id, birth.start_at + DUE_AFTER),
    }
    return {key: value for key, value in found.items() if value is not None}


def due(task_id: str, due_at: datetime) -> dict[str, Value]:
    """Return the attributes that put a record into the sweeper's index."""
    return {"due_at": to_micros(due_at), "due_shard": int(task_id[-4:], 16) % DUE_SHARDS}


def read(attributes: Attributes) -> TaskRecord:
    """Return the record of its stored form."""
    at: Mapping[str, Any] = attributes

    def instant(name: str) -> datetime | None:
        return from_micros(int(at[name])) if name in at else None

    def parsed(name: str) -> Any:
        return json.loads(at[name]) if name in at else None

    birth = Birth(
        id=at["id"],
        alias=at["alias"],
        name=at["name"],
        queue=at["queue"],
        arguments=at.get("arguments", "[[],{}]"),
        enqueued_at=from_micros(int(at["enqueued_at"])),
        run_after=instant("run_after"),
        owner=at.get("owner"),
        depth=int(at.get("depth", 0)),
        traceparent=at.get("traceparent"),
        options=parsed("options") or {},
    )
    return TaskRecord(
        birth=birth,
        inline="arguments" in at,
        status=at["status"],
        not_before=instant("not_before") or birth.start_at,
        fence=int(at.get("fence", 0)),
        token=at.get("token"),
        lease_until=instant("lease_until"),
        started_at=instant("started_at"),
        attempted_at=instant("attempted_at"),
        finished_at=instant("finished_at"),
        hidden_at=instant("hidden_at"),
        due_at=instant("due_at"),
        worker_ids=list(at.get("workers", [])),
        error_parts=list(at.get("errors", [])),
        error=parsed("error"),
        result=at.get("result"),
        result_part=at.get("result_part"),
        progress=parsed("progress"),
        cancelled=bool(at.get("cancelled", False)),
        sends=int(at.get("sends", 0)),
    )


def create(birth: Birth) -> Change:
    """Birth: the record, on the condition that there is none."""
    return Change(name="create", when=((absent("id"),),), born=newborn(birth))


def claim(
    birth: Birth | None, *, token: str, worker_id: str, now: datetime, lease_until: datetime, max_attempts: int
) -> Change:
    """
    a, d: start an attempt, also of a record that is not there yet (`birth` of its message; None: it must be).

    Refused where the record has ended, may not start yet, is leased to another worker, was cancelled
    while it ran, or has used up its attempts.
    """
    instant = to_micros(now)
    when: tuple[tuple[Test, ...], ...] = (
        (equals("status", READY), at_most("not_before", instant)),
        (
            equals("status", RUNNING),
            at_most("lease_until", instant),
            absent("cancelled"),
            shorter("workers", max_attempts),
        ),
    )
    if birth is not None and birth.start_at <= now:
        when = ((absent("id"),), *when)
    return Change(
        name="claim",
        when=when,
        put={
            "status": RUNNING,
            "token": token,
            "lease_until": to_micros(lease_until),
            "attempted_at": instant,
        },
        born={**(newborn(birth) if birth else {}), "started_at": instant},
        append={"workers": worker_id},
        increment={"fence": 1},
        remove=frozenset({"progress"}),
    )


def held(fence: int, token: str) -> tuple[Test, ...]:
    """The condition of every write by the worker that holds the claim."""
    return (equals("status", RUNNING), equals("fence", fence), equals("token", token))


def succeed(
    *, fence: int, token: str, now: datetime, result_ttl: timedelta, result: str | None, result_part: str | None
) -> Change:
    """b: the task returned; `result` is the JSON text, or `result_part` where that is kept."""
    kept = {"result": result, "result_part": result_part}
    return Change(
        name="succeed",
        when=(held(fence, token),),
        put={
            "status": SUCCESSFUL,
            **_end(now, result_ttl),
            **{key: value for key, value in kept.items() if value is not None},
        },
        remove=UNSWEPT | {"lease_until"},
    )


def fail(
    *, fence: int, token: str, now: datetime, result_ttl: timedelta, error: Mapping[str, Any], part: str | None
) -> Change:
    """b: the attempt failed for good; `part` holds its traceback, None where the task raised nothing."""
    return Change(
        name="fail",
        when=(held(fence, token),),
        put={"status": FAILED, "error": dump(error), **_end(now, result_ttl)},
        append={"errors": part} if part else {},
        remove=UNSWEPT | {"lease_until"},
    )


def release(
    task_id: str, *, fence: int, token: str, not_before: datetime, due_at: datetime, error: Mapping[str, Any], part: str
) -> Change:
    """c: the attempt failed and another will follow; refused where the task was cancelled meanwhile."""
    return Change(
        name="release",
        when=((*held(fence, token), absent("cancelled")),),
        put={
            "status": READY,
            "not_before": to_micros(not_before),
            "error": dump(error),
            **due(task_id, due_at),
        },
        append={"errors": part},
        remove=frozenset({"lease_until"}),
    )


def abandon(*, now: datetime, result_ttl: timedelta, error: Mapping[str, Any]) -> Change:
    """e, g: end a record that nobody works on: READY, or RUNNING with an expired lease."""
    return Change(
        name="abandon",
        when=((equals("status", READY),), (equals("status", RUNNING), at_most("lease_until", to_micros(now)))),
        put={"status": FAILED, "error": dump({**error, "ended": True}), **_end(now, result_ttl)},
        remove=UNSWEPT | {"lease_until"},
    )


def cancel(*, now: datetime, result_ttl: timedelta, error: Mapping[str, Any]) -> Change:
    """e: end a record that has not started, or waits for its next attempt."""
    change = abandon(now=now, result_ttl=result_ttl, error=error)
    return Change(name="cancel", when=change.when[:1], put=change.put, remove=change.remove)


def ask_to_stop() -> Change:
    """Flag a RUNNING record: its task sees the flag, and no other attempt will follow."""
    return Change(name="ask to stop", when=((equals("status", RUNNING),),), put={"cancelled": True})


def report(*, fence: int, token: str, progress: Mapping[str, Any]) -> Change:
    """Note how far the attempt that holds the claim has come."""
    return Change(name="report", when=(held(fence, token),), put={"progress": dump(progress)})


def postpone(task_id: str, *, due_was: datetime, due_at: datetime, sent: bool) -> Change:
    """Move `due_at`, on the condition that nobody else did: of two sweepers, one sends (and extends its life)."""
    return Change(
        name="postpone",
        when=((equals("due_at", to_micros(due_was)),),),
        put={**due(task_id, due_at), **({"ttl": int((due_at + RECORD_LIFE).timestamp())} if sent else {})},
        increment={"sends": 1} if sent else {},
    )


def error_of(exc: BaseException) -> dict[str, Any]:
    """Return what a record says of an exception: its class path and the beginning of its message."""
    kind = type(exc)
    try:
        text = str(exc)
    except Exception as failure:  # Somebody's __str__ raised.
        text = f"<its message cannot be read: {type(failure).__name__}>"
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "message": text[:MESSAGE_CHARACTERS]}


def _end(now: datetime, result_ttl: timedelta) -> dict[str, Value]:
    return {
        "finished_at": to_micros(now),
        "hidden_at": to_micros(now + result_ttl),
        "ttl": int((now + max(result_ttl, RECORD_LIFE)).timestamp()),
    }
