"""All that the board says of one task: where it stands, its attempts its arguments."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..birth import dump, from_micros
from ..record import FAILED, READY, RUNNING, TaskRecord
from .shown import Found, described, parameters

# Of a value, this much is shown: a page is to be read.
SHOWN_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a task, or will."""

    what: str
    at: datetime | None = None
    kind: str = ""  # "good", "bad", or "" for neither.
    note: str = ""
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


def detail(found: Found) -> Detail:
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
    return (record.birth.traceparent or "--").split("-")[1]


def _facts(record: TaskRecord) -> Iterator[tuple[str, object]]:
    birth = record.birth
    yield "Queue", birth.queue
    yield "Backend", birth.alias
    yield "Owner", birth.owner
    yield "Enqueued", birth.enqueued_at
    yield "Not before", birth.run_after
    yield "Started", record.started_at
    yield "Finished", record.finished_at
    yield "Attempts", record.attempts
    yield "Sent again by the sweeper", record.sends or None
    yield "Trace", trace_id(record)
    yield "Depth", birth.depth or None
    yield "Options given", dump(birth.options) if birth.options else None
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
    """Yield what happened, the first first; a redrive begins another life, of which this tells."""
    yield Event(what="Enqueued", at=record.birth.enqueued_at)
    for part in record.error_parts:
        yield _failed_attempt(part, parts.get(part), last=part == record.error_parts[-1])
    if record.sent_at is not None:
        yield Event(what="Sent again", at=record.sent_at)
    if record.status == RUNNING:
        worker = record.worker_ids[-1] if record.worker_ids else ""
        yield Event(what=f"Attempt {record.fence} runs", at=record.attempted_at, note=worker)
        if record.lost(datetime.now(UTC)):
            note = "The sweeper sends it again."
            yield Event(what="Its worker is gone", at=record.lease_until, kind="bad", note=note)
        if record.cancelled:
            yield Event(what="Asked to stop", kind="bad")
    if record.status == READY and record.not_before > record.birth.enqueued_at:
        yield Event(what="Starts", at=record.not_before, note="At the earliest.")
    if record.ended:
        yield _ended(record)


def _failed_attempt(part: str, text: str | None, *, last: bool) -> Event:
    number = int(part.removeprefix("error#"))
    if text is None:
        return Event(what=f"Attempt {number} failed", kind="bad", note="What it raised is gone.")
    said = json.loads(text)
    return Event(
        what=f"Attempt {number} failed",
        at=from_micros(said["at"]) if "at" in said else None,
        kind="bad",
        note=f"{said['class']}: {said['message']}",
        traceback=said["traceback"],
        last=last,
    )


def _ended(record: TaskRecord) -> Event:
    if record.status != FAILED:
        return Event(what="Finished", at=record.finished_at, kind="good")
    error = record.error or {}
    note = f"{error.get('class', '')}: {error.get('message', '')}" if error.get("ended") else ""
    return Event(what="FAILED", at=record.finished_at, kind="bad", note=note)
