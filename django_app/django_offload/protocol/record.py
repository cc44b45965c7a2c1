"""What is kept: one record per task, as stored and as read. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.tasks import TaskResultStatus

from .conditional_write import Attributes, Value
from .enqueued_task import EnqueuedTask, Reference
from .json_codec import MICROSECOND, dump, from_micros, to_micros
from .record_size import fits_inline

READY, RUNNING = TaskResultStatus.READY.value, TaskResultStatus.RUNNING.value
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL.value, TaskResultStatus.FAILED.value

# Every update of a DynamoDB item bills the whole item, per started KB: what is larger than this
# becomes a part of its own beside the record.
INLINE_RESULT_BYTES = 300
MESSAGE_CHARACTERS = 200  # Of an error, or of progress, within the record.
# DynamoDB keeps 400 KB in one item, keys and all.
PART_BYTES = 300_000
ARGUMENTS_PART = "arguments"
# The sparse index is spread over this many partitions by the record's id: each takes 1,000 writes a second,
# and each is a call more for the sweeper and for every page of the board.
DUE_SHARDS = 2
# In the same index, where the sweeper never looks: FAILED records, the oldest first. Those that ended from
# outside are the dead letters, in the first partitions; those whose task failed by itself follow.
DEAD_SHARDS, FAILED_SHARDS = range(-DUE_SHARDS, 0), range(-2 * DUE_SHARDS, -DUE_SHARDS)
# Of a record from its birth to its end: what the indexes hold beside their keys, for the board to choose by.
NEVER_CHANGED = ("name", "queue", "owner", "enqueued_at")
# The sweeper looks at a record this long after it should have started.
DUE_AFTER = timedelta(minutes=5)
# SQS keeps a message for 7 days and then up to 14 as a dead letter: a record outlives its messages.
MESSAGE_LIFE = timedelta(days=7)
RECORD_LIFE = timedelta(days=7 + 14 + 1)
# The lifecycle of the bucket removes what is under payloads/ after this.
PAYLOAD_LIFE = timedelta(days=30)
# SQS delays a message by this at most; the sweeper, which runs every minute, sends what starts later.
LONGEST_DELAY = timedelta(minutes=15)
SWEEP_EVERY = timedelta(minutes=1)

# The same in microseconds, which every birth reckons with: it takes a fifth of what timedelta does.
_RECORD_LIFE, _LONGEST_DELAY, _DUE_AFTER = (
    life // MICROSECOND for life in (RECORD_LIFE, LONGEST_DELAY, DUE_AFTER)
)
_DUE_BEFORE = (SWEEP_EVERY - LONGEST_DELAY) // MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """The stored state of one task result, as read at one instant."""

    enqueued: EnqueuedTask
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
    # The latest: "class", "message", and "ended" where the task did not raise it.
    error: dict[str, Any] | None
    result: str | None  # JSON text of a return value kept in the record itself.
    result_part: str | None  # The part that holds it otherwise …
    result_reference: Reference | None  # … unless it is kept here.
    progress: dict[str, Any] | None  # "done", "total", "message".
    cancelled: bool  # Somebody asked a running task to stop.
    sends: int  # How often the sweeper sent it again …
    sent_at: datetime | None  # … and when last.

    @property
    def attempts(self) -> int:
        return len(self.worker_ids)

    @property
    def ready_at(self) -> datetime:
        """Since when, or from when on, it could start: as asked for, or after its last attempt."""
        return max(self.enqueued.start_at, self.not_before)

    @property
    def ended(self) -> bool:
        return self.status in {SUCCESSFUL, FAILED}

    def hidden(self, now: datetime) -> bool:
        """Tell whether its result can no longer be read."""
        return self.hidden_at is not None and self.hidden_at <= now

    def lost(self, now: datetime) -> bool:
        """Tell whether its worker died: RUNNING, and the lease has run out."""
        return self.status == RUNNING and self.lease_until is not None and self.lease_until <= now


def initial_item(enqueued: EnqueuedTask) -> dict[str, Value]:
    """
    Return the stored form of a READY record.

    It is due 5 minutes after it may start, or, where no message can wait that long, as soon as one can.
    """
    enqueued_at, run_after = (
        to_micros(enqueued.enqueued_at),
        to_micros(enqueued.run_after) if enqueued.run_after else 0,
    )
    start = max(enqueued_at, run_after)
    found: dict[str, Value] = {
        "id": enqueued.id,
        "alias": enqueued.alias,
        "name": enqueued.name,
        "queue": enqueued.queue,
        "enqueued_at": enqueued_at,
        "status": READY,
        "not_before": run_after,
        "ttl": (start + _RECORD_LIFE) // 1_000_000,
        "due_at": start + (_DUE_BEFORE if start - enqueued_at > _LONGEST_DELAY else _DUE_AFTER),
        "due_shard": shard_of(enqueued.id),
    }
    if fits_inline(enqueued):
        found["arguments"] = enqueued.arguments
    elif enqueued.reference is not None:
        found["arguments_reference"] = dump(asdict(enqueued.reference))
    if enqueued.run_after is not None:
        found["run_after"] = run_after
    if enqueued.owner is not None:
        found["owner"] = enqueued.owner
    if enqueued.depth:
        found["depth"] = enqueued.depth
    if enqueued.traceparent is not None:
        found["traceparent"] = enqueued.traceparent
    if enqueued.options:
        found["options"] = dump(enqueued.options)
    return found


def due(task_id: str, due_at: datetime) -> dict[str, Value]:
    """Return the attributes that put a record into the sweeper's index."""
    return {"due_at": to_micros(due_at), "due_shard": shard_of(task_id)}


def shard_of(task_id: str) -> int:
    """Return the partition of the sweeper's index that a record is in."""
    return int(task_id[-4:], 16) % DUE_SHARDS


def failed_index(shards: range, now: datetime) -> dict[str, Value]:
    """Return the attributes that put a record which ends now into the index of FAILED records."""
    micros = to_micros(now)
    # The last digit of an instant spreads as well as one of the id, and every transition has it.
    return {"due_at": micros, "due_shard": shards[micros % len(shards)]}


def _instant(at: Mapping[str, Any], name: str) -> datetime | None:
    micros = at.get(name)
    return None if micros is None else from_micros(int(micros))


def _parsed(at: Mapping[str, Any], name: str) -> Any:
    text = at.get(name)
    return None if text is None else json.loads(text)


def _reference(at: Mapping[str, Any], name: str) -> Reference | None:
    return Reference(**json.loads(at[name])) if name in at else None


def _birth(at: Mapping[str, Any]) -> EnqueuedTask:
    return EnqueuedTask(
        id=at["id"],
        alias=at["alias"],
        name=at["name"],
        queue=at["queue"],
        arguments=at.get("arguments", "[[],{}]"),
        reference=_reference(at, "arguments_reference"),
        enqueued_at=from_micros(int(at["enqueued_at"])),
        run_after=_instant(at, "run_after"),
        owner=at.get("owner"),
        depth=int(at.get("depth", 0)),
        traceparent=at.get("traceparent"),
        options=_parsed(at, "options") or {},
    )


def read_record(attributes: Attributes) -> TaskRecord:
    """Return the record of its stored form."""
    at: Mapping[str, Any] = attributes
    enqueued = _birth(at)
    return TaskRecord(
        enqueued=enqueued,
        inline="arguments" in at,
        status=at["status"],
        not_before=_instant(at, "not_before") or enqueued.not_before,
        fence=int(at.get("fence", 0)),
        token=at.get("token"),
        lease_until=_instant(at, "lease_until"),
        started_at=_instant(at, "started_at"),
        attempted_at=_instant(at, "attempted_at"),
        finished_at=_instant(at, "finished_at"),
        hidden_at=_instant(at, "hidden_at"),
        due_at=_instant(at, "due_at"),
        worker_ids=list(at.get("workers", [])),
        error_parts=list(at.get("errors", [])),
        error=_parsed(at, "error"),
        result=at.get("result"),
        result_part=at.get("result_part"),
        result_reference=_reference(at, "result_reference"),
        progress=_parsed(at, "progress"),
        cancelled=bool(at.get("cancelled", False)),
        sends=int(at.get("sends", 0)),
        sent_at=_instant(at, "sent_at"),
    )


def error_part(fence: int) -> str:
    """Return the name of the part that holds the error of the attempt with this fence."""
    return f"error#{fence:04d}"


def error_of(exc: BaseException) -> dict[str, Any]:
    """Return what a record says of an exception: its class path and the beginning of its message."""
    kind = type(exc)
    try:
        text = str(exc)
    except Exception as failure:  # noqa: BLE001, somebody's __str__ raised
        text = f"<its message cannot be read: {type(failure).__name__}>"
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "message": text[:MESSAGE_CHARACTERS]}
