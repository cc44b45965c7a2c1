"""The status of a task as JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.timezone import get_default_timezone, is_aware, make_aware

from ..definition.offload_task import AnyResult
from ..definition.registry import mask_of_task
from ..definition.results import return_value
from ..protocol.record import FAILED, SUCCESSFUL, TaskRecord, explain_unreadable, fence_of

LONGEST_RETRY_AFTER_SECONDS = 10


def status_of(
    record: TaskRecord, parts: Mapping[str, str], *, traceback: bool = False, error_text: bool = True
) -> dict[str, Any]:
    """
    Return the status of a record. Its return value and traceback may be in `parts`, stored beside it.

    Without `error_text`, the message of its error is empty. Raise UnreadableRecord if a stored text isn't as
    django-offload writes it.
    """
    with explain_unreadable(record.enqueued.id):
        return status_fields(record, parts, traceback, error_text)


def status_fields(
    record: TaskRecord, parts: Mapping[str, str], traceback: bool, error_text: bool
) -> dict[str, Any]:
    enqueued = record.enqueued
    status: dict[str, Any] = {
        # The id of the task, 32 hexadecimal digits.
        "id": enqueued.id,
        # The name of the task.
        "task": enqueued.name,
        # The queue that the task was enqueued on.
        "queue": enqueued.queue,
        # The state of the task: READY, RUNNING, SUCCESSFUL or FAILED.
        "status": record.status,
        # How many attempts have begun.
        "attempts": record.attempts,
        # The last progress as `done`, `total` and `message`, or null.
        "progress": record.progress,
        # When the task was enqueued, in ISO 8601 and UTC.
        "enqueued_at": iso(enqueued.enqueued_at),
        # When the first attempt began, or null.
        "started_at": iso(record.started_at),
        # When the task ended, or null.
        "finished_at": iso(record.finished_at),
        # The time before which the task doesn't start, or null.
        "run_after": iso(enqueued.run_after),
    }
    if record.metadata:
        # What the project notes about the task, only if there is any.
        status["metadata"] = record.metadata
    if record.status == SUCCESSFUL:
        # The value that the task returned, only if it was SUCCESSFUL.
        status["return_value"] = return_value(record, parts)
    if record.status == FAILED and record.error:
        # The last error, only if the task has FAILED.
        status["error"] = {
            # The path of the exception's class.
            "class": record.error["class"],
            # The text of the exception, empty for everybody who may not read it.
            "message": record.error["message"] if error_text else "",
        }
        if traceback:
            errors = attempt_errors(record, parts)
            # The traceback, for staff only.
            status["error"]["traceback"] = errors[-1]["traceback"] if has_own_error(record, errors) else ""
    if record.duplicate_of is not None:
        # The id of the task that does the work, only if this one is its duplicate.
        status["duplicate_of"] = record.duplicate_of
    return status


def attempt_errors(record: TaskRecord, parts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the errors of the attempts that are stored in `parts`, oldest first, as a status has them."""
    fences = [fence_of(part) for part in record.error_parts]
    numbers = record.attempt_numbers(fence for fence in fences if fence)
    stored = (
        (numbers.get(fence or 0), json.loads(parts.get(part, "null")))
        for fence, part in zip(fences, record.error_parts, strict=True)
    )
    names = ("class", "message", "traceback")
    return [{"attempt": number, **{name: error[name] for name in names}} for number, error in stored if error]


def has_own_error(record: TaskRecord, errors: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if the last of these errors ended the task, and not something else, such as a cancel."""
    if not errors or record.status != FAILED or not record.error or record.error.get("ended"):
        return False
    latest = record.attempt_numbers(record.latest_fences(1)).values()
    return errors[-1]["attempt"] in latest


def outcome(result: AnyResult, *, error_text: bool = True) -> dict[str, Any]:
    """
    Return the return value or the error of a result, as a status has them.

    Results of other backends need this, because they may end at once. Without `error_text`, the message of
    the error is empty.
    """
    if result.status == SUCCESSFUL:
        return {"return_value": result.return_value}
    if result.status == FAILED and result.errors:
        error = result.errors[-1]
        # Another backend stores the text as it is. The whole of it is masked, because a value may have lines.
        mask = mask_of_task(result.task, lambda: [result.args, result.kwargs])
        traceback = error.traceback if mask is None else mask(error.traceback) if mask.complete else ""
        last_line = (traceback.strip().splitlines() or [""])[-1]
        message = last_line.partition(": ")[2]
        return {"error": {"class": error.exception_class_path, "message": message if error_text else ""}}
    return {}


def retry_after(record: TaskRecord, now: datetime) -> int:
    """Return how many seconds to wait before asking again. They grow from 1 to 10 within two minutes."""
    enqueued_at = record.enqueued.enqueued_at
    age_seconds = (now - max(enqueued_at, record.attempted_at or enqueued_at)).total_seconds()
    return int(min(max(1.0, age_seconds / 12), LONGEST_RETRY_AFTER_SECONDS))


def iso(instant: datetime | None) -> str | None:
    """
    Return an instant as ISO 8601 in UTC, such as "2026-01-31T12:00:00.000000Z".

    A naive instant is in the project's time zone. Django makes naive instants without USE_TZ.
    """
    if instant is None:
        return None
    aware = instant if is_aware(instant) else make_aware(instant, get_default_timezone())
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
