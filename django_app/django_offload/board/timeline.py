"""The page of one task: its record, its arguments, and a timeline of its attempts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..operations.describe import describe, parameter_names
from ..operations.find import StoredTask
from ..protocol.json_codec import dump, from_micros
from ..protocol.record import (
    FAILED,
    READY,
    RUNNING,
    SUCCESSFUL,
    TaskRecord,
    error_part,
    explain_unreadable,
)

# The page shows at most this much of a value, so that it stays readable.
SHOWN_CHARACTERS = 20_000
# … and at most so many attempts, the latest ones.
MOST_ATTEMPTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to a task, or will happen."""

    title: str
    instant: datetime | None = None
    kind: str = ""  # "good", "bad", or "" for neither.
    note: str = ""
    worker: str = ""  # The worker of an attempt, if it is known.
    traceback: str = ""
    is_latest_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDetail:
    """What the page of a task shows."""

    record: TaskRecord
    facts: Sequence[tuple[str, object]]
    arguments: Sequence[tuple[str, str]]
    lost: Sequence[str]  # Why the arguments or the result can't be read.
    returned: str | None  # As JSON.
    timeline: Sequence[TimelineEntry]


def task_detail(task: StoredTask) -> TaskDetail:
    """
    Return what the page of a task shows. Sensitive arguments are masked.

    Raise UnreadableRecord if a stored text isn't as django-offload writes it.
    """
    with explain_unreadable(task.record.enqueued.id):
        return detail_of(task)


def detail_of(task: StoredTask) -> TaskDetail:
    description, record = describe(task), task.record
    names = parameter_names(record)
    arguments = [
        (names[number] if number < len(names) else f"* {number + 1}", as_json(value))
        for number, value in enumerate(description.get("args", ()))
    ]
    arguments += [(name, as_json(value)) for name, value in description.get("kwargs", {}).items()]
    return TaskDetail(
        record=record,
        facts=[(label, value) for label, value in facts(record) if value not in {None, ""}],
        arguments=arguments,
        lost=[description[key] for key in ("lost_arguments", "lost_result") if key in description],
        returned=as_json(description["return_value"]) if "return_value" in description else None,
        timeline=list(timeline(record, task.parts)),
    )


def facts(record: TaskRecord) -> Iterator[tuple[str, object]]:
    """Yield the rows of the record's table."""
    enqueued = record.enqueued
    yield "Queue", enqueued.queue
    yield "Backend", enqueued.alias
    yield "Owner", enqueued.owner
    yield "Tenant", enqueued.tenant
    yield "Enqueued", enqueued.enqueued_at
    yield "Not before", enqueued.run_after
    yield "Started", record.started_at
    yield "Finished", record.finished_at
    yield "Attempts", record.attempts
    yield "Sent again by the sweeper", record.sends or None
    yield "Unique key", enqueued.unique
    yield "Trace", (enqueued.traceparent or "").partition("-")[2].partition("-")[0]
    yield "Depth", enqueued.depth or None
    given = {name: value for name, value in enqueued.options.items() if name != "metadata"}
    yield "Options given", dump(given) if given else None
    yield "Metadata", dump(record.metadata) if record.metadata else None
    yield "Can be read until", record.hidden_at


def as_json(value: object) -> str:
    """Return a value as JSON, and cut it if it is too long for the page."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:  # Python 3.12 indents with calls for each level. Without, it is written in C.
        text = json.dumps(value, ensure_ascii=False)
    more = len(text) - SHOWN_CHARACTERS
    return text if more <= 0 else f"{text[:SHOWN_CHARACTERS]}… ({more:,} characters more)"


def timeline(record: TaskRecord, parts: Mapping[str, str]) -> Iterator[TimelineEntry]:
    """Yield what happened, oldest first, with every attempt, also those before a redrive."""
    yield TimelineEntry(title="Enqueued", instant=record.enqueued.enqueued_at)
    yield from attempts_and_send(record, parts)
    if record.status == RUNNING and record.cancelled:
        yield TimelineEntry(title="Asked to stop", kind="bad")
    if record.status == READY and record.not_before > record.enqueued.enqueued_at:
        yield TimelineEntry(title="Starts no earlier than", instant=record.not_before)
    if record.duplicate_of is not None:
        note = f"It didn't run, because task {record.duplicate_of} has the same unique key and does its work."
        yield TimelineEntry(title="Ended as a duplicate", instant=record.finished_at, note=note)
    elif record.status == FAILED:
        error = record.error or {}
        note = f"{error.get('class', '')}: {error.get('message', '')}" if error.get("ended") else ""
        yield TimelineEntry(title="FAILED", instant=record.finished_at, kind="bad", note=note)
    elif record.ended:
        yield TimelineEntry(title="Finished", instant=record.finished_at, kind="good")


def attempts_and_send(record: TaskRecord, parts: Mapping[str, str]) -> list[TimelineEntry]:
    """Return the attempts, oldest first, and where it belongs among them, the last send by the sweeper."""
    entries = attempt_entries(record, parts)
    latest = entries[-1] if entries else None
    if record.status == RUNNING and record.lost(datetime.now(UTC)):
        note = "The sweeper ends the task." if record.cancelled else "The sweeper sends the task again."
        lost = TimelineEntry(title="Its worker was lost", instant=record.lease_until, kind="bad", note=note)
        entries.append(lost)
    if record.sent_at is None:
        return entries
    # It isn't known when an earlier attempt was lost.
    instants = [entry.instant or (record.attempted_at if entry is latest else None) for entry in entries]
    later = (number for number, instant in enumerate(instants) if instant and instant >= record.sent_at)
    position = next(later, len(entries))
    entries.insert(position, TimelineEntry(title="Sent again", instant=record.sent_at))
    return entries


def attempt_entries(record: TaskRecord, parts: Mapping[str, str]) -> list[TimelineEntry]:
    """Return the outcome of the latest attempts, oldest first. Claims that were undone are no attempts."""
    fences = record.latest_fences(MOST_ATTEMPTS)
    # A redrive clears the workers of earlier attempts.
    workers = ["" for _ in fences[len(record.worker_ids) :]] + record.worker_ids[-MOST_ATTEMPTS:]
    return [
        attempt_entry(number, fence, worker, record, parts, is_latest=fence == fences[-1])
        for (fence, number), worker in zip(record.attempt_numbers(fences).items(), workers, strict=False)
    ]


def attempt_entry(
    number: int,
    fence: int,
    worker: str,
    record: TaskRecord,
    parts: Mapping[str, str],
    *,
    is_latest: bool,
) -> TimelineEntry:
    """Return the outcome of an attempt. The fence of its claim names its stored error."""
    part = error_part(fence)
    if part in record.error_parts:
        title = f"Attempt {number} failed"
        if part not in parts:
            note = "Its error is no longer stored."
            return TimelineEntry(title=title, kind="bad", note=note, worker=worker)
        error = json.loads(parts[part])
        return TimelineEntry(
            title=title,
            instant=from_micros(error["at"]) if "at" in error else None,
            kind="bad",
            note=f"{error['class']}: {error['message']}",
            worker=worker,
            traceback=error["traceback"],
            is_latest_error=part == record.error_parts[-1],
        )
    if is_latest and record.status == RUNNING:
        return TimelineEntry(title=f"Attempt {number} runs", instant=record.attempted_at, worker=worker)
    if is_latest and record.status == SUCCESSFUL:
        title = f"Attempt {number} succeeded"
        return TimelineEntry(title=title, instant=record.finished_at, kind="good", worker=worker)
    note = "Its worker was lost."
    return TimelineEntry(title=f"Attempt {number} was lost", kind="bad", note=note, worker=worker)
