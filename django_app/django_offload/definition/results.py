"""Django's TaskResult, built from a record and its parts."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import ModuleType
from typing import Any, overload

from django.conf import settings
from django.utils import timezone

from ..compat import SIGNALS, InvalidTask, InvalidTaskBackend, TaskResult, TaskResultStatus, task_backends
from ..compat import TaskError as DjangoTaskError
from ..conf import duration
from ..exceptions import CallFailed, ClassNotImported
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import dump, load
from ..protocol.record import ARGUMENTS_PART, TaskRecord
from .context import OffloadContext, current_context
from .offload_task import AnyResult, AnyTask, OffloadTask

# The package that had the errors of calls to AWS until version 0.1.0.
MOVED = "django_offload.wire."
# Modules and classes may be nested so deep. No real path is longer.
MOST_NAMES = 50
# What stays when a result is read again: Django's refresh() keeps the same.
KEPT = frozenset({"task", "id", "args", "kwargs", "backend"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadResult(TaskResult):  # type: ignore[type-arg, misc]
    """Django's TaskResult, which also knows whether another task does the work."""

    # The id of the task that does the work, because it had the same unique key; else None.
    duplicate_of: str | None = field(init=False, default=None)

    # What the task saved. Until then, its metadata is that of `task`.
    saved_metadata: dict[str, Any] | None = field(init=False, default=None, repr=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the project notes about this task: what .using() gave it, or its attempts saved."""
        if self.saved_metadata is None:
            given = getattr(self.task, "metadata", None) or {}
            object.__setattr__(self, "saved_metadata", load(dump(given)))
        return self.saved_metadata  # type: ignore[return-value]

    @property
    def duplicate(self) -> bool:
        """True if nothing was enqueued, because another task had the unique key and does the work."""
        return self.duplicate_of is not None

    def refresh(self) -> None:
        """Read the result again. That the call was a duplicate stays so."""
        show(self.task.get_backend().get_result(self.id), self, kept=self.kept())

    async def arefresh(self) -> None:
        """Do what refresh() does, asynchronously."""
        show(await self.task.get_backend().aget_result(self.id), self, kept=self.kept())

    def kept(self) -> Collection[str]:
        """Return the fields that a new look doesn't change. Nothing but this result knows of its call."""
        return {*KEPT, "duplicate_of"} if self.duplicate_of == self.id else KEPT


def show(source: AnyResult, result: AnyResult, *, kept: Collection[str] = KEPT) -> None:
    """Have a result show what another one does, except for some fields."""
    for each in fields(result):
        if each.name not in kept:
            object.__setattr__(result, each.name, getattr(source, each.name, None))


class TaskError(DjangoTaskError):
    """Django's TaskError, and equal to it. But a stored text never decides what is imported."""

    __slots__ = ()

    @property
    def exception_class(self) -> type[BaseException]:
        """The class of the exception. Raise ClassNotImported if this process hasn't imported it."""
        return imported_exception(self.exception_class_path)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DjangoTaskError):
            return NotImplemented
        own, others = (
            (self.exception_class_path, self.traceback),
            (other.exception_class_path, other.traceback),
        )
        return own == others

    __hash__ = DjangoTaskError.__hash__


def imported_exception(path: str) -> type[BaseException]:
    """
    Return the exception class with this path, from a module that is already imported.

    Raise ClassNotImported if there is none. This runs no code of a module or class, such as __getattr__().
    """
    names = current_path(path).split(".") if isinstance(path, str) else []
    for count in range(len(names) - 1 if len(names) <= MOST_NAMES else 0, 0, -1):
        value: Any = sys.modules.get(".".join(names[:count]))
        for name in names[count:]:
            value = namespace(value).get(name)
        if issubclass(type(value), type) and BaseException in type.__getattribute__(value, "__mro__"):
            return value  # type: ignore[no-any-return]
    raise ClassNotImported(path)


def current_path(path: str) -> str:
    """Return a class path, or the current one of an error that was under django_offload.wire until 0.1.0."""
    return f"{CallFailed.__module__}.{path.rpartition('.')[2]}" if path.startswith(MOVED) else path


def namespace(value: Any) -> Mapping[str, Any]:
    """Return the names in a module or class. A lazy module or a metaclass isn't asked, so none runs code."""
    for kind in (ModuleType, type):
        if issubclass(type(value), kind):
            names: Mapping[str, Any] = kind.__getattribute__(value, "__dict__")
            return names
    return {}


def result_of(record: TaskRecord, parts: Mapping[str, str], defined: AnyTask) -> AnyResult:
    """Return the result of a record. `parts` are the texts of its parts, and `defined` is its task."""
    args, kwargs = load(parts.get(ARGUMENTS_PART, record.enqueued.arguments))
    instants = record.enqueued.enqueued_at, record.started_at, record.attempted_at, record.finished_at
    # Reading a setting takes a call, so read it once for all four.
    enqueued_at, started_at, attempted_at, finished_at = (
        instants if settings.USE_TZ else map(in_django_time, instants)
    )
    result: AnyResult = OffloadResult(
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
    if record.saved_metadata is not None:
        object.__setattr__(result, "saved_metadata", record.saved_metadata)
    return result


def successful(
    record: TaskRecord,
    parts: Mapping[str, str],
    defined: AnyTask,
    now: datetime,
    text: str,
    metadata: str | None = None,
) -> AnyResult:
    """Return the result of a record whose task has just returned the JSON `text` and saved `metadata`."""
    result = result_of(record, parts, defined)
    # Building a new record only to read it would take a third of the time of this function.
    object.__setattr__(result, "status", TaskResultStatus.SUCCESSFUL)
    object.__setattr__(result, "finished_at", in_django_time(now))
    object.__setattr__(result, "_return_value", load(text))
    if metadata is not None:
        object.__setattr__(result, "saved_metadata", load(metadata))
    return result


def announce(result: AnyResult, context: OffloadContext, *, finished: bool) -> None:
    """
    Send task_started or task_finished, with the backend's class as sender. Do nothing if TASKS lost it.

    Do nothing either for a probe, which is no task of the project.

    What the receivers enqueue are children of the task with this context.
    """
    if getattr(result.task, "is_silent", False):
        return
    try:
        sender = type(task_backends[result.backend])
    except InvalidTaskBackend:
        return
    acting = for_receivers(context) if context.state.ended else context
    token = current_context.set(acting)
    try:
        # With send_robust(), Django logs what a receiver raises, and the attempt goes on.
        for name in SIGNALS:
            if (module := sys.modules.get(name)) is not None:
                signal = module.task_finished if finished else module.task_started
                signal.send_robust(sender=sender, task_result=result)
    finally:
        current_context.reset(token)


def for_receivers(context: OffloadContext) -> OffloadContext:
    """Return a context for the receivers of task_finished: the function has ended, but not they."""
    # dataclasses.replace() would take twice as long.
    acting = OffloadContext(
        task_result=context.task_result,
        reporter=context.reporter,
        journal=context.journal,
        owner=context.owner,
        tenant=context.tenant,
        depth=context.depth,
        traceparent=context.traceparent,
        most_enqueues=context.most_enqueues,
        enqueues=context.enqueues,
        budget=context.budget,
        _lock=context._lock,
    )
    acting.state.metadata = context.state.metadata
    return acting


def parts_of(record: TaskRecord) -> list[str]:
    """Return the names of the parts that the result of a record needs."""
    arguments = [] if record.inline else [ARGUMENTS_PART]
    return [*arguments, *record.error_parts, *([record.result_part] if record.result_part else [])]


def return_value(record: TaskRecord, parts: Mapping[str, str]) -> Any:
    """Return the return value of the task, or None if it has none."""
    text = parts.get(record.result_part) if record.result_part else record.result
    return None if text is None else load(text)


def errors_of(record: TaskRecord, parts: Mapping[str, str]) -> list[DjangoTaskError]:
    """Return the errors of all attempts, and then the error that ended the task from outside, if any."""
    texts = [load(parts[part]) for part in record.error_parts if part in parts]
    errors: list[DjangoTaskError]
    errors = [TaskError(exception_class_path=text["class"], traceback=text["traceback"]) for text in texts]
    if record.error and record.error.get("ended"):
        path, message = record.error["class"], record.error["message"]
        errors.append(TaskError(exception_class_path=path, traceback=f"{path}: {message}\n"))
    return errors


def task_of(enqueued: EnqueuedTask, defined: AnyTask) -> AnyTask:
    """Return the task as it was enqueued, or as it is defined if its queue or backend no longer exists."""
    changes: dict[str, Any] = {}
    if enqueued.queue != defined.queue_name:
        changes["queue_name"] = enqueued.queue
    if enqueued.alias != defined.backend:
        changes["backend"] = enqueued.alias
    if enqueued.run_after is not None:
        changes["run_after"] = in_django_time(enqueued.run_after)
    if isinstance(defined, OffloadTask):
        for option, value in enqueued.options.items():
            if option in {"timeout", "result_ttl"} and value is not None:
                changes[option] = duration(value)
            elif option in {"max_attempts", "backoff", "metadata"}:
                changes[option] = value
        if enqueued.tenant is not None:
            changes["tenant"] = enqueued.tenant
    try:
        return replace(defined, **changes) if changes else defined
    except (InvalidTask, InvalidTaskBackend):
        return defined


@overload
def in_django_time(instant: datetime) -> datetime: ...
@overload
def in_django_time(instant: None) -> None: ...
@overload
def in_django_time(instant: datetime | None) -> datetime | None: ...
def in_django_time(instant: datetime | None) -> datetime | None:
    """Return an aware datetime as it is, or naive if the project has USE_TZ = False."""
    if instant is None or settings.USE_TZ:
        return instant
    return timezone.make_naive(instant, timezone.get_default_timezone())
