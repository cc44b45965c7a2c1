"""The record of a task result: its stored form, and its state as it was read."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from ..compat import TaskResultStatus
from ..conf.aws_limits import QUEUE_DELAY
from ..exceptions import OffloadError, UnreadableRecord
from .conditional_write import Attributes, Value
from .enqueued_task import FIELD_TYPES, REFERENCE_TYPES, EnqueuedTask, Reference, is_id
from .json_codec import MICROSECOND, dump, from_micros, to_micros
from .record_size import fits_inline
from .shards import FIRST_PARTITIONS, OLD_SHARDS, Band, history_partition

READY, RUNNING = TaskResultStatus.READY.value, TaskResultStatus.RUNNING.value
SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL.value, TaskResultStatus.FAILED.value
STATES = {READY, RUNNING, SUCCESSFUL, FAILED}

# Every update of a DynamoDB item bills the whole item, per started KB. A longer return value becomes a part
# beside the record.
INLINE_RESULT_BYTES = 300
MESSAGE_CHARACTERS = 200  # Of an error, within the record.
# DynamoDB allows 400 KB per item, keys included.
PART_BYTES = 300_000
ARGUMENTS_PART = "arguments"
# Attributes that never change. The indexes contain them besides their keys, so that the board can filter.
NEVER_CHANGED = ("name", "queue", "owner", "enqueued_at")
# What the indexes of new tables contain, because an index can't take more attributes later. Of the last five
# only `tenant` is written yet. `flow`, `tenant` and `tags` are for the initial item; `error_class` and
# `code_version` for the write that ends a task as FAILED. A write that creates or moves an entry pays nothing
# more for them, as long as the entry has at most 1 KB. One that changes them alone costs a unit in each index
# with it.
PROJECTED = (*NEVER_CHANGED, "flow", "tenant", "tags", "error_class", "code_version")
# The sweeper looks at a record this long after it should have started.
DUE_AFTER = timedelta(minutes=5)
# SQS keeps a message for 7 days, and then for up to 14 as a dead letter. A record outlives its messages.
MESSAGE_LIFE = timedelta(days=7)
RECORD_LIFE = timedelta(days=7 + 14 + 1)
# The lifecycle rule of the bucket deletes objects under payloads/ after this.
PAYLOAD_LIFE = timedelta(days=30)
# The sweeper, which runs every minute, sends tasks that start later.
LONGEST_DELAY = QUEUE_DELAY
SWEEP_EVERY = timedelta(minutes=1)

# What read_record() accepts: the type of each attribute and the range of each number. A `run_after` is before
# the year 9,000, so every instant can be added to and subtracted from. DynamoDB takes 1,000 writes to an item
# in a second, so no count gets to the end of COUNTS within 31 years.
RECORD_TYPES: Mapping[str, type] = {
    **FIELD_TYPES,
    **dict.fromkeys(("status", "token", "arguments", "arguments_reference", "options"), str),
    **dict.fromkeys(("error", "progress", "result", "result_part", "result_reference"), str),
    **dict.fromkeys(("duplicate_of", "supersedes", "metadata"), str),
    **dict.fromkeys(("not_before", "started_at", "attempted_at", "lease_until", "finished_at"), int),
    **dict.fromkeys(("hidden_at", "due_at", "sent_at", "fence", "sends"), int),
    **dict.fromkeys(("workers", "undone", "errors"), list),
}
NAMES_OF_TYPES: Mapping[type, str] = {str: "a text", int: "a whole number", list: "a list of texts"}
COUNTED, COUNTS = {"fence", "depth", "sends"}, (0, 10**12)
INSTANTS = (to_micros(datetime(1, 1, 2, tzinfo=UTC)), to_micros(datetime(9_100, 1, 1, tzinfo=UTC)))
# What a stored value of another type, or a text that isn't JSON, may raise.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
LONGEST_SECONDS = 36_500 * 86_400
_NONE, _NUMBER = type(None), (int, float)
ERROR_TYPES: Mapping[str, tuple[type, ...]] = {"class": (str,), "message": (str,)}
PROGRESS_TYPES: Mapping[str, tuple[type, ...]] = {
    "done": _NUMBER,
    "total": (*_NUMBER, _NONE),
    "message": (str, _NONE),
}
OPTION_TYPES: Mapping[str, tuple[type, ...]] = {
    "max_attempts": (int, _NONE),
    "timeout": (*_NUMBER, _NONE),
    "result_ttl": (*_NUMBER, _NONE),
    "backoff": (*_NUMBER, _NONE),
    "retry_on": (list, _NONE),
    "no_retry_on": (list, _NONE),
    "metadata": (dict, _NONE),
}

# The same in microseconds. With them, initial_item() takes a fifth of the time that timedelta takes.
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
    hidden_at: datetime | None  # The result can't be read from then on.
    due_at: datetime | None
    worker_ids: list[str]  # Of the attempts since the last redrive.
    undone: frozenset[int]  # The fences of claims that were undone, so that no attempt has them.
    error_parts: list[str]  # The parts with the errors of attempts, in order.
    # The latest error: "class", "message", "ended" if something else than the task ended it, and "for_staff"
    # if only staff may read the message, because a sensitive value is too short to be found in it.
    error: dict[str, Any] | None
    result: str | None  # JSON text of the return value, if it is in the record itself.
    result_part: str | None  # The name of the part with the return value, otherwise.
    result_reference: Reference | None  # Where that part is, if it is in the bucket.
    progress: dict[str, Any] | None  # "done", "total", "message".
    cancelled: bool  # Somebody asked the running task to stop.
    sends: int  # How often the sweeper sent it again.
    sent_at: datetime | None  # When the sweeper or a redrive last sent it.
    saved_metadata: dict[str, Any] | None  # As an attempt saved it; None: as the task was enqueued.
    duplicate_of: str | None  # The id of the task that did its work, because both have the same unique key.

    @property
    def attempts(self) -> int:
        return len(self.worker_ids)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the project notes about the task."""
        saved = self.saved_metadata
        return saved if saved is not None else self.enqueued.options.get("metadata") or {}

    def latest_fences(self, most: int) -> list[int]:
        """Return the fences of the latest attempts, oldest first. The last are those of `worker_ids`."""
        first = max(1, self.fence + 1 - most - len(self.undone))
        return [fence for fence in range(first, self.fence + 1) if fence not in self.undone][-most:]

    def attempt_numbers(self, fences: Iterable[int]) -> dict[int, int]:
        """Return, for each of these fences that an attempt has, how many attempts there were up to it."""
        undone = sorted(fence for fence in self.undone if fence > 0)
        return {
            fence: fence - bisect_left(undone, fence)
            for fence in fences
            if 1 <= fence <= self.fence and fence not in self.undone
        }

    @property
    def ready_at(self) -> datetime:
        """The earliest time at which it can start: as enqueued, or after the backoff of its last attempt."""
        return max(self.enqueued.start_at, self.not_before)

    @property
    def ended(self) -> bool:
        return self.status in {SUCCESSFUL, FAILED}

    def hidden(self, now: datetime) -> bool:
        """Return True if its result can't be read any more."""
        return self.hidden_at is not None and self.hidden_at <= now

    def lost(self, now: datetime) -> bool:
        """Return True if its worker died: it is RUNNING, and its lease has expired."""
        return self.status == RUNNING and self.lease_until is not None and self.lease_until <= now


def initial_item(
    enqueued: EnqueuedTask, shards: int = OLD_SHARDS, *, indexed: bool = True, listed: bool = False
) -> dict[str, Value]:
    """
    Return the stored form of a new READY record, in one of `shards` of the sweeper's index.

    It is due 5 minutes after its start. If no message can wait that long, it is due as soon as one can. Only
    then is it in the index if it isn't to be `indexed`. With `listed`, it is also in the index that lists all
    records by alias and shard.
    """
    enqueued_at, run_after = (
        to_micros(enqueued.enqueued_at),
        to_micros(enqueued.run_after) if enqueued.run_after else 0,
    )
    start = max(enqueued_at, run_after)
    deferred = start - enqueued_at > _LONGEST_DELAY
    band = Band.DEFERRED if deferred else Band.RESCUE
    number = int(enqueued.id[-4:], 16) % shards
    item: dict[str, Value] = {
        "id": enqueued.id,
        "alias": enqueued.alias,
        "name": enqueued.name,
        "queue": enqueued.queue,
        "enqueued_at": enqueued_at,
        "status": READY,
        "not_before": run_after,
        "ttl": (start + _RECORD_LIFE) // 1_000_000,
        "due_at": start + (_DUE_BEFORE if deferred else _DUE_AFTER),
        "due_shard": FIRST_PARTITIONS[band][shards] + number,
    }
    if not (indexed or deferred):
        del item["due_at"], item["due_shard"]
    if listed:
        item["listed"] = history_partition(enqueued.alias, number)
    if fits_inline(enqueued, listed):
        item["arguments"] = enqueued.arguments
    elif enqueued.reference is not None:
        item["arguments_reference"] = dump(asdict(enqueued.reference))
    if enqueued.run_after is not None:
        item["run_after"] = run_after
    if enqueued.owner is not None:
        item["owner"] = enqueued.owner
    if enqueued.depth:
        item["depth"] = enqueued.depth
    if enqueued.traceparent is not None:
        item["traceparent"] = enqueued.traceparent
    if enqueued.root is not None:
        item["root"] = enqueued.root
    if enqueued.tenant is not None:
        item["tenant"] = enqueued.tenant
    if enqueued.unique is not None:
        item["unique"] = enqueued.unique
    if enqueued.options:
        item["options"] = dump(enqueued.options)
    return item


def read_record(attributes: Attributes) -> TaskRecord:
    """
    Return the record that is stored as these attributes.

    Raise UnreadableRecord if one of them has a type or a number that this library never writes, so that
    nothing computes with it.
    """
    try:
        check_values(attributes)
        return record_of(attributes)
    except UNREADABLE as exc:
        raise unreadable(str(attributes.get("id")), exc) from exc


@contextmanager
def explain_unreadable(task_id: str) -> Iterator[None]:
    """Raise UnreadableRecord for whatever is wrong with the stored values that are read inside the block."""
    try:
        yield
    except OffloadError:
        raise
    except UNREADABLE as exc:
        raise unreadable(task_id, exc) from exc


def unreadable(task_id: str, exc: Exception) -> UnreadableRecord:
    # The text of another exception may quote a value.
    problem = str(exc) if type(exc) is OddValue else f"a value in it raises {type(exc).__name__}"
    return UnreadableRecord(task_id, problem)


class OddValue(ValueError):
    """An attribute of a record is not as this library writes it."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"its attribute '{name}' is not {expected}")


def check_values(item: Mapping[str, Any]) -> None:
    """Raise OddValue if a value has another type than this library writes, or is a number out of range."""
    for name, value in item.items():
        kind = RECORD_TYPES.get(name)  # Newer code may write more.
        if kind is not None and not (type(value) is kind or is_of_subclass(value, kind)):
            raise OddValue(name, NAMES_OF_TYPES[kind])
        if kind is int:
            low, high = COUNTS if name in COUNTED else INSTANTS
            if not low <= value <= high:
                raise OddValue(name, f"a number from {low} to {high}")
        elif kind is list and not all(isinstance(entry, str) for entry in value):
            raise OddValue(name, NAMES_OF_TYPES[kind])


def is_of_subclass(value: object, kind: type) -> bool:
    """Return True if a value is of a class of the project that is derived from `kind`, such as SafeString."""
    return isinstance(value, kind) and not isinstance(value, bool)


def record_of(item: Mapping[str, Any]) -> TaskRecord:
    enqueued = EnqueuedTask(
        id=item["id"],
        alias=item["alias"],
        name=item["name"],
        queue=item["queue"],
        arguments=item.get("arguments", "[[],{}]"),
        reference=reference(item, "arguments_reference") if "arguments_reference" in item else None,
        enqueued_at=from_micros(item["enqueued_at"]),
        run_after=instant(item, "run_after"),
        owner=item.get("owner"),
        depth=item.get("depth", 0),
        traceparent=item.get("traceparent"),
        root=item.get("root"),
        tenant=item.get("tenant"),
        unique=item.get("unique"),
        options=task_options(item) if "options" in item else {},
    )
    for name in ("id", "unique", "duplicate_of"):
        # They become keys of the table, of which it takes some alone.
        if name in item and not is_id(item[name]):
            raise OddValue(name, "32 hexadecimal digits")
    if item["status"] not in STATES:
        raise OddValue("status", "a state of a task")
    return TaskRecord(
        enqueued=enqueued,
        inline="arguments" in item,
        status=item["status"],
        not_before=instant(item, "not_before") or enqueued.not_before,
        fence=item.get("fence", 0),
        token=item.get("token"),
        lease_until=instant(item, "lease_until"),
        started_at=instant(item, "started_at"),
        attempted_at=instant(item, "attempted_at"),
        finished_at=instant(item, "finished_at"),
        hidden_at=instant(item, "hidden_at"),
        due_at=instant(item, "due_at"),
        worker_ids=list(item.get("workers", [])),
        undone=frozenset(map(int, item.get("undone", ()))),
        error_parts=list(item.get("errors", [])),
        error=json_fields(item, "error", ERROR_TYPES) if "error" in item else None,
        result=item.get("result"),
        result_part=item.get("result_part"),
        result_reference=reference(item, "result_reference") if "result_reference" in item else None,
        progress=json_fields(item, "progress", PROGRESS_TYPES) if "progress" in item else None,
        cancelled=bool(item.get("cancelled", False)),
        sends=item.get("sends", 0),
        sent_at=instant(item, "sent_at"),
        saved_metadata=plain(json_fields(item, "metadata", {})) if "metadata" in item else None,
        duplicate_of=item.get("duplicate_of"),
    )


def instant(item: Mapping[str, Any], name: str) -> datetime | None:
    micros = item.get(name)
    return None if micros is None else from_micros(micros)


def json_fields(item: Mapping[str, Any], name: str, types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """Return the object in a JSON text, of which these fields have these types. Others may be there too."""
    fields = json.loads(item[name])
    if not isinstance(fields, dict):
        raise OddValue(name, "an object in JSON")
    for field, allowed in types.items():
        value = fields.get(field)
        if type(value) not in allowed or (isinstance(value, float) and not isfinite(value)):
            raise OddValue(name, f"an object with a valid '{field}'")
    return fields


def plain(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata. Raise ValueError or RecursionError if no JSON can show it, such as that with NaN."""
    dump(metadata)
    return metadata


def reference(item: Mapping[str, Any], name: str) -> Reference:
    return Reference(**json_fields(item, name, REFERENCE_TYPES))


def task_options(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that .using() changed. No duration is longer than OffloadTask accepts."""
    options = json_fields(item, "options", OPTION_TYPES)
    plain(options.get("metadata") or {})
    for name in ("timeout", "result_ttl", "backoff"):
        if not 0 <= (options.get(name) or 0) <= LONGEST_SECONDS:
            raise OddValue("options", f"an object with a valid '{name}'")
    if (options.get("max_attempts") or 0) < 0 or not all(
        isinstance(path, str) for name in ("retry_on", "no_retry_on") for path in options.get(name) or ()
    ):
        raise OddValue("options", "an object with valid options")
    return options


def error_part(fence: int) -> str:
    """Return the name of the part with the error of the attempt that has this fence."""
    return f"error#{fence:04d}"


def fence_of(part: str) -> int | None:
    """Return the fence in the name that error_part() made, or None if it made no such name."""
    found = re.fullmatch("error#([0-9]{4,13})", part)
    return int(found[1]) if found else None


def error_of(exc: BaseException, mask: Callable[[str], str] | None = None) -> dict[str, Any]:
    """
    Return an exception as a record contains it: its class path, and the beginning of its message.

    `mask` hides values in the whole message, before it is cut.
    """
    kind = type(exc)
    try:
        text = str(exc)
    except BaseException as failure:  # noqa: BLE001, the project's own __str__ may even raise SystemExit
        text = f"<its message can't be read: {type(failure).__name__}>"
    if mask is not None:
        text = mask(text)
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "message": text[:MESSAGE_CHARACTERS]}
