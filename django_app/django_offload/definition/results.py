"""Django's TaskResult, made of a record and the parts beside it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, overload

from django.conf import settings
from django.tasks import TaskResult, TaskResultStatus, task_backends
from django.tasks.base import TaskError
from django.tasks.exceptions import InvalidTask, InvalidTaskBackend
from django.tasks.signals import task_finished, task_started
from django.utils import timezone

from ..conf import duration
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import parsed
from ..protocol.record import ARGUMENTS_PART, TaskRecord
from .offload_task import AnyResult, AnyTask, OffloadTask


def result_of(record: TaskRecord, parts: Mapping[str, str], defined: AnyTask) -> AnyResult:
    """Return the result that a record and the texts of its parts tell of; `defined` is its task."""
    args, kwargs = parsed(parts.get(ARGUMENTS_PART, record.enqueued.arguments))
    instants = record.enqueued.enqueued_at, record.started_at, record.attempted_at, record.finished_at
    # Each look at Django's settings takes a call.
    enqueued_at, started_at, attempted_at, finished_at = (
        instants if settings.USE_TZ else map(django_time, instants)
    )
    result: AnyResult = TaskResult(
        task=task_of(record.enqueued, defined),
        id=record.enqueued.id,
        status=TaskResultStatus(record.status),
        enqueued_at=enqueued_at,
        started_at=started_at,
        last_attempted_at=attempted_at,
        finished_at=finished_at,
        args=args,
        kwargs=kwargs,
        backend=record.enqueued.alias,
        errors=errors_of(record, parts),
        worker_ids=list(record.worker_ids),
    )
    object.__setattr__(result, "_return_value", return_value(record, parts))
    return result


def successful(record: TaskRecord, arguments: str, defined: AnyTask, now: datetime, text: str) -> AnyResult:
    """Return the result of a record whose task has just returned what this JSON text says."""
    result = result_of(record, {ARGUMENTS_PART: arguments}, defined)
    # A record of its own, made to be read once, would take a third of the time that all of this does.
    object.__setattr__(result, "status", TaskResultStatus.SUCCESSFUL)
    object.__setattr__(result, "finished_at", django_time(now))
    object.__setattr__(result, "_return_value", parsed(text))
    return result


def announce(result: AnyResult, *, finished: bool) -> None:
    """Send task_started or task_finished with the backend's class as sender, if TASKS still has the alias."""
    try:
        sender = type(task_backends[result.backend])
    except InvalidTaskBackend:
        return
    # Robust: Django logs what a receiver raises, and nothing changes here.
    (task_finished if finished else task_started).send_robust(sender=sender, task_result=result)


def parts_of(record: TaskRecord) -> list[str]:
    """Return the names of the parts that the result of a record is made of, as far as it names them."""
    arguments = [] if record.inline else [ARGUMENTS_PART]
    return [*arguments, *record.error_parts, *([record.result_part] if record.result_part else [])]


def return_value(record: TaskRecord, parts: Mapping[str, str]) -> Any:
    """Return what the task returned, None where it did not."""
    text = parts.get(record.result_part) if record.result_part else record.result
    return None if text is None else parsed(text)


def errors_of(record: TaskRecord, parts: Mapping[str, str]) -> list[TaskError]:
    """Return the errors of all attempts, and last what ended the task from outside."""
    texts = [parsed(parts[part]) for part in record.error_parts if part in parts]
    errors = [TaskError(exception_class_path=text["class"], traceback=text["traceback"]) for text in texts]
    if record.error and record.error.get("ended"):
        path, message = record.error["class"], record.error["message"]
        errors.append(TaskError(exception_class_path=path, traceback=f"{path}: {message}\n"))
    return errors


def task_of(enqueued: EnqueuedTask, defined: AnyTask) -> AnyTask:
    """Return the task as it was enqueued; as it is defined, where its queue or backend is gone since."""
    changes: dict[str, Any] = {}
    if enqueued.queue != defined.queue_name:
        changes["queue_name"] = enqueued.queue
    if enqueued.alias != defined.backend:
        changes["backend"] = enqueued.alias
    if enqueued.run_after is not None:
        changes["run_after"] = django_time(enqueued.run_after)
    if isinstance(defined, OffloadTask):
        for option, value in enqueued.options.items():
            if option in {"timeout", "result_ttl"} and value is not None:
                changes[option] = duration(value)
            elif option in {"max_attempts", "backoff"}:
                changes[option] = value
    try:
        return replace(defined, **changes) if changes else defined
    except (InvalidTask, InvalidTaskBackend):
        return defined


@overload
def django_time(instant: datetime) -> datetime: ...
@overload
def django_time(instant: None) -> None: ...
@overload
def django_time(instant: datetime | None) -> datetime | None: ...
def django_time(instant: datetime | None) -> datetime | None:
    """Return an aware instant as the project's settings want datetimes."""
    if instant is None or settings.USE_TZ:
        return instant
    return timezone.make_naive(instant, timezone.get_default_timezone())
