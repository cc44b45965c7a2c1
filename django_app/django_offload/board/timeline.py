"""All that the board says of one task: where it stands, its attempts, its arguments."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..operations.describe import described, parameters
from ..operations.find import StoredTask
from ..protocol.json_codec import dump, from_micros
from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL, TaskRecord, error_part

# Of a value, this much is shown: a page is to be read.
SHOWN_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a task, or will."""

    what: str
    at: datetime | None = None
    kind: str = ""  # "good", "bad", or "" for neither.
    note: str = ""
    worker: str = ""  # Of an attempt, where it is known.
    traceback: str = ""
    last: bool = False  # The latest that raised.


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One task, for its page."""

    record: TaskRecord
    facts: Sequence[tuple[str, object]]
    arguments: Sequence[tuple[str, str]]
    lost: Sequence[str]  # What was kept elsewhere, and is gone.
    returned: str | None  # As JSON.
    events: Sequence[Event]


def detail(found: StoredTask) -> Detail:
    """Return what the page of a task shows; sensitive arguments are hidden."""
    said, record = described(found), found.record
    return Detail(
        record=record,
        facts=[fact for fact in _facts(record) if fact[1] not in {None, ""}],
        arguments=list(_arguments(said, parameters(record))),
        lost=[said[key] for key in ("lost_arguments", "lost_result") if key in said],
        returned=_json(said["return_value"]) if "return_value" in said else None,
        events=list(_events(record, found.parts)),
    )


def trace_id(record: TaskRecord) -> str:
    """Return the id of the trace that a task belongs to, empty where its caller had none."""
    return (record.enqueued.traceparent or "--").split("-")[1]


def _facts(record: TaskRecord) -> Iterator[tuple[str, object]]:
    enqueued = record.enqueued
    yield "Queue", enqueued.queue
    yield "Backend", enqueued.alias
    yield "Owner", enqueued.owner
    yield "Enqueued", enqueued.enqueued_at
    yield "Not before", enqueued.run_after
    yield "Started", record.started_at
    yield "Finished", record.finished_at
    yield "Attempts", record.attempts
    yield "Sent again by the sweeper", record.sends or None
    yield "Trace", trace_id(record)
    yield "Depth", enqueued.depth or None
    yield "Options given", dump(enqueued.options) if enqueued.options else None
    yield "Can be read until", record.hidden_at


def _arguments(said: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, value in enumerate(said.get("args", ())):
        yield names[number] if number < len(names) else f"* {number + 1}", _json(value)
    for name, value in said.get("kwargs", {}).items():
        yield name, _json(value)


def _json(value: object) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    more = len(text) - SHOWN_CHARACTERS
    return text if more <= 0 else f"{text[:SHOWN_CHARACTERS]}… ({more:,} characters more)"


def _events(record: TaskRecord, parts: Mapping[str, str]) -> Iterator[Event]:
    """Yield what happened, the first first: every attempt, also of the lives before a redrive."""
    yield Event(what="Enqueued", at=record.enqueued.enqueued_at)
    for number in range(1, record.fence):
        yield _attempt(number, record, parts)
    again = [Event(what="Sent again", at=record.sent_at)] if record.sent_at is not None else []
    if record.fence:
        claimed_since = record.sent_at and record.attempted_at and record.sent_at <= record.attempted_at
        last = [_attempt(record.fence, record, parts)]
        yield from (again + last) if claimed_since else (last + again)
    else:
        yield from again
    if record.status == RUNNING:
        yield from _goes_on(record)
    if record.status == READY and record.not_before > record.enqueued.enqueued_at:
        yield Event(what="Starts", at=record.not_before, note="At the earliest.")
    if record.ended:
        yield _ended(record)


def _goes_on(record: TaskRecord) -> Iterator[Event]:
    if record.lost(datetime.now(UTC)):
        note = "The sweeper sends it again."
        yield Event(what="Its worker is gone", at=record.lease_until, kind="bad", note=note)
    if record.cancelled:
        yield Event(what="Asked to stop", kind="bad")


def _attempt(number: int, record: TaskRecord, parts: Mapping[str, str]) -> Event:
    """Return what became of an attempt: each has the number of its claim, and leaves what it raised."""
    # A redrive forgets the workers of the lives before.
    index = number - (record.fence - len(record.worker_ids)) - 1
    worker = record.worker_ids[index] if index >= 0 else ""
    part = error_part(number)
    if part in record.error_parts:
        return _failed_attempt(number, parts.get(part), worker, last=part == record.error_parts[-1])
    if number == record.fence and record.status == RUNNING:
        return Event(what=f"Attempt {number} runs", at=record.attempted_at, worker=worker)
    if number == record.fence and record.status == SUCCESSFUL:
        return Event(what=f"Attempt {number} succeeded", at=record.finished_at, kind="good", worker=worker)
    return Event(what=f"Attempt {number} was lost", kind="bad", note="Its worker was lost.", worker=worker)


def _failed_attempt(number: int, text: str | None, worker: str, *, last: bool) -> Event:
    what = f"Attempt {number} failed"
    if text is None:
        return Event(what=what, kind="bad", note="What it raised is gone.", worker=worker)
    said = json.loads(text)
    return Event(
        what=what,
        at=from_micros(said["at"]) if "at" in said else None,
        kind="bad",
        note=f"{said['class']}: {said['message']}",
        worker=worker,
        traceback=said["traceback"],
        last=last,
    )


def _ended(record: TaskRecord) -> Event:
    if record.status != FAILED:
        return Event(what="Finished", at=record.finished_at, kind="good")
    error = record.error or {}
    note = f"{error.get('class', '')}: {error.get('message', '')}" if error.get("ended") else ""
    return Event(what="FAILED", at=record.finished_at, kind="bad", note=note)
