"""The status of a task as JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.timezone import get_default_timezone, is_aware, make_aware

from ..definition.offload_task import AnyResult
from ..definition.results import return_value
from ..protocol.record import FAILED, SUCCESSFUL, TaskRecord

LONGEST_RETRY_AFTER_SECONDS = 10


def status_of(record: TaskRecord, parts: Mapping[str, str], *, traceback: bool = False) -> dict[str, Any]:
    """Return the status of a record; `parts` holds a return value kept beside it, and tracebacks."""
    enqueued = record.enqueued
    status: dict[str, Any] = {
        "id": enqueued.id,
        "task": enqueued.name,
        "queue": enqueued.queue,
        "status": record.status,
        "attempts": record.attempts,
        "progress": record.progress,
        "enqueued_at": iso(enqueued.enqueued_at),
        "started_at": iso(record.started_at),
        "finished_at": iso(record.finished_at),
        "run_after": iso(enqueued.run_after),
    }
    if record.status == SUCCESSFUL:
        status["return_value"] = return_value(record, parts)
    if record.status == FAILED and record.error:
        status["error"] = {"class": record.error["class"], "message": record.error["message"]}
        if traceback:
            texts = [json.loads(parts[part]) for part in record.error_parts if part in parts]
            status["error"]["traceback"] = texts[-1]["traceback"] if texts and texts[-1] else ""
    return status


def outcome(result: AnyResult) -> dict[str, Any]:
    """Return what the status says of the end of a result that ended at once, as other backends' may."""
    if result.status == SUCCESSFUL:
        return {"return_value": result.return_value}
    if result.status == FAILED and result.errors:
        error = result.errors[-1]
        last = (error.traceback.strip().splitlines() or [""])[-1]
        return {"error": {"class": error.exception_class_path, "message": last.partition(": ")[2]}}
    return {}


def retry_after(record: TaskRecord, now: datetime) -> int:
    """Return how many seconds to wait before asking again: 1, growing to 10 within two minutes."""
    age = (
        now - max(record.enqueued.enqueued_at, record.attempted_at or record.enqueued.enqueued_at)
    ).total_seconds()
    return int(min(max(1.0, age / 12), LONGEST_RETRY_AFTER_SECONDS))


def iso(instant: datetime | None) -> str | None:
    """
    Return an instant as ISO 8601 in UTC, such as "2026-01-31T12:00:00.000000Z".

    A naive one, as Django makes them without USE_TZ, is in the project's time zone.
    """
    if instant is None:
        return None
    aware = instant if is_aware(instant) else make_aware(instant, get_default_timezone())
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
