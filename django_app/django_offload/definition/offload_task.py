"""OffloadTask with its options, and the @task decorator."""

from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from inspect import iscoroutinefunction, signature
from typing import Any, Self, overload

from asgiref.sync import sync_to_async
from django.utils.module_loading import import_string

from ..compat import (
    DEFAULT_TASK_BACKEND_ALIAS,
    DEFAULT_TASK_PRIORITY,
    DEFAULT_TASK_QUEUE_NAME,
    InvalidTask,
    Task,
    TaskContext,
    TaskResult,
    TaskResultStatus,
)
from ..conf import LONGEST_RESULT_TTL, MOST_ATTEMPTS, duration
from .bulk_results import Arguments, AsyncBulkResults, BulkResults, split_arguments
from .context import OffloadContext

type Backoff = float | timedelta | Callable[[int], float | timedelta]
# Only Django's stubs let these types take arguments. At run time they don't.
type AnyTask = Task[..., Any]
type AnyResult = TaskResult[..., Any]
type Exceptions = tuple[type[BaseException], ...]

# The options that .using() can change, besides Django's own.
USING = ("max_attempts", "backoff", "retry_on", "no_retry_on", "timeout", "result_ttl")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadTask(Task):  # type: ignore[type-arg]
    """A task with the options of django-offload. Other backends accept it and ignore these options."""

    # These have defaults from Django 6.1 on.
    priority: int = DEFAULT_TASK_PRIORITY
    backend: str = DEFAULT_TASK_BACKEND_ALIAS
    queue_name: str = DEFAULT_TASK_QUEUE_NAME
    run_after: datetime | None = None

    max_attempts: int | None = None  # If set, exceptions are retried too, not only crashes.
    backoff: Backoff = 1.0  # Seconds before the second attempt, which double; or a function of the attempt.
    retry_on: Exceptions = ()  # Empty means Exception if max_attempts is set, and no class otherwise.
    no_retry_on: Exceptions = ()
    timeout: timedelta | None = None  # Seconds or timedelta. None means the time of the invocation.
    result_ttl: timedelta | None = None  # Seconds or timedelta. None means the queue's.
    name: str = ""  # Stays the same if the function is renamed. Empty means the function's.
    aliases: tuple[str, ...] = ()  # Earlier names, because messages under way may use them.
    sensitive: tuple[str, ...] = ()  # Names of arguments whose values are never shown.
    stable_name: str = ""  # The name in messages: the name, or else the module path.

    def __post_init__(self) -> None:
        set_option = object.__setattr__
        for option in ("retry_on", "no_retry_on", "aliases", "sensitive"):
            value = getattr(self, option)
            set_option(self, option, (value,) if isinstance(value, (str, type)) else tuple(value))
        for option in ("timeout", "result_ttl"):
            set_option(self, option, duration_option(option, getattr(self, option)))
        if not self.stable_name:
            set_option(self, "stable_name", self.name or self.module_path)
        if not self.name:
            set_option(self, "name", self.func.__name__)
        check_options(self)
        super(OffloadTask, self).__post_init__()

    @classmethod
    def _reconstruct(cls, options: dict[str, Any]) -> Self:
        try:
            func = import_string(options["func"]).func
        except (ImportError, AttributeError) as exc:
            raise ValueError(f"Expected {options['func']!r} to point to a Task instance.") from exc
        return cls(**{**options, "func": func})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the function, and the options, as Django does from 6.1 on."""
        options = {option.name: getattr(self, option.name) for option in fields(self)}
        return self._reconstruct, ({**options, "func": self.module_path},)

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
        **options: Any,
    ) -> "OffloadTask":
        """Return a copy of the task with other options."""
        unknown = set(options) - set(USING)
        if unknown:
            raise TypeError(
                f"using() doesn't take {', '.join(sorted(unknown))}. It takes {', '.join(USING)}."
            )
        attributes: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        changes = {name: value for name, value in attributes.items() if value is not None}
        return replace(self, **changes, **options)

    def delay(self, *args: Any, **kwargs: Any) -> AnyResult:
        """Do what enqueue() does. This is Celery's name for it."""
        return self.enqueue(*args, **kwargs)

    def enqueue_many(self, arguments: Iterable[Arguments]) -> BulkResults[AnyResult | Exception]:
        """
        Enqueue one task per item of `arguments`, in bulk, and return an iterator over their answers.

        An item is a tuple of positional arguments or a dictionary of keyword arguments. An answer is the
        task's result, or the exception that enqueue() would have raised. Iterating over the answers sends
        the tasks by the hundred, so neither the arguments nor the answers need to fit into memory. If
        iterating over `arguments` raises an exception, it is raised after the answers to all items before it.

        Raise InvalidTask if the task itself can't be enqueued, TypeError for an item of another type, and
        ResourceMissing if AWS says that the queue doesn't exist.
        """
        backend = self.get_backend()
        backend.validate_task(self)
        many = getattr(backend, "enqueue_many", enqueue_one_by_one)
        return BulkResults(many(self, arguments))

    def aenqueue_many(
        self, arguments: Iterable[Arguments] | AsyncIterable[Arguments]
    ) -> AsyncBulkResults[AnyResult | Exception]:
        """Do what enqueue_many() does, for `async for`. `arguments` may be asynchronous too."""
        return AsyncBulkResults(self.enqueue_many, arguments)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function here, and return its value. A task that takes its context gets a local one."""
        return super(OffloadTask, self).call(*self._with_context(args), **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Do what call() does, asynchronously."""
        args = self._with_context(args)
        if iscoroutinefunction(self.func):
            return await self.func(*args, **kwargs)
        return await sync_to_async(self.func)(*args, **kwargs)

    def _with_context(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments with an OffloadContext first, built from Django's if a backend passed one."""
        if not self.takes_context or (args and isinstance(args[0], OffloadContext)):
            return args
        if args and isinstance(args[0], TaskContext):
            return (OffloadContext(task_result=args[0].task_result), *args[1:])
        return (OffloadContext(task_result=local_result(self)), *args)


def check_options(task: OffloadTask) -> None:
    """Raise InvalidTask if an option has an invalid value."""
    attempts = task.max_attempts
    if task.result_ttl is not None and task.result_ttl > LONGEST_RESULT_TTL:
        raise InvalidTask(f"result_ttl is {task.result_ttl}. Give {LONGEST_RESULT_TTL.days} days or less.")
    is_whole = isinstance(attempts, int) and not isinstance(attempts, bool)
    if attempts is not None and not (is_whole and 1 <= attempts <= MOST_ATTEMPTS):
        raise InvalidTask(f"max_attempts is {attempts!r}. Give a whole number from 1 to {MOST_ATTEMPTS}.")
    for kind in (*task.retry_on, *task.no_retry_on):
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise InvalidTask(f"retry_on and no_retry_on take exception classes, not {kind!r}.")
    if not callable(task.backoff):
        duration_option("backoff", task.backoff)
    if task.timeout is not None and not task.timeout:
        raise InvalidTask("timeout is 0. Give seconds or a timedelta above 0.")
    missing = set(task.sensitive) - set(signature(task.func).parameters) if task.sensitive else None
    if missing:
        raise InvalidTask(
            f"sensitive names {', '.join(sorted(missing))}, but {task.module_path} has no such parameters. "
            "Give names of its parameters."
        )


def duration_option(option: str, value: Any) -> timedelta | None:
    try:
        return None if value is None else duration(value)
    except ValueError as exc:
        raise InvalidTask(f"{option}: {exc}. Give seconds or a timedelta.") from exc


def enqueue_one_by_one(task: AnyTask, arguments: Iterable[Arguments]) -> Iterator[AnyResult | Exception]:
    """Do what enqueue_many() does, for a backend that has no bulk."""
    for item in arguments:
        args, kwargs = split_arguments(item)
        try:
            answer = task.enqueue(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001, the exception is the answer
            yield exc
        else:
            yield answer


def local_result(task: AnyTask) -> AnyResult:
    """Return a result for a task that call() runs here."""
    from django.utils import timezone

    now = timezone.now()
    return TaskResult(
        task=task,
        id="local",
        status=TaskResultStatus.RUNNING,
        enqueued_at=now,
        started_at=now,
        last_attempted_at=now,
        finished_at=None,
        args=[],
        kwargs={},
        backend=task.backend,
        errors=[],
        worker_ids=["local"],
    )


@overload
def task(function: Callable[..., Any], /) -> OffloadTask: ...
@overload
def task(
    function: None = None,
    /,
    *,
    priority: int = ...,
    queue_name: str = ...,
    backend: str = ...,
    takes_context: bool = ...,
    **options: Any,
) -> Callable[[Callable[..., Any]], OffloadTask]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    priority: int = DEFAULT_TASK_PRIORITY,
    queue_name: str = DEFAULT_TASK_QUEUE_NAME,
    backend: str = DEFAULT_TASK_BACKEND_ALIAS,
    takes_context: bool = False,
    **options: Any,
) -> Any:
    """Make an OffloadTask of a function. It works with any backend, also with Django's own."""
    if "run_after" in options:
        raise TypeError(
            "run_after cannot be defined statically with the @task decorator. "
            "Use .using(run_after=...) to set it dynamically."
        )

    def wrap(func: Callable[..., Any]) -> OffloadTask:
        return OffloadTask(
            func=func,
            priority=priority,
            queue_name=queue_name,
            backend=backend,
            takes_context=takes_context,
            **options,
        )

    return wrap(function) if function else wrap


def class_paths(kinds: Iterable[type[BaseException]]) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]


def changed_options(task: AnyTask, defined: AnyTask) -> dict[str, Any]:
    """
    Return the options that .using() changed, as JSON values for the message.

    Raise InvalidTask if the backoff was changed to a callable, because a message can't contain one.
    """
    if task is defined or not isinstance(task, OffloadTask) or not isinstance(defined, OffloadTask):
        return {}
    changed = {
        option: getattr(task, option) for option in USING if getattr(task, option) != getattr(defined, option)
    }
    if callable(changed.get("backoff")):
        raise InvalidTask(
            "A message can't contain a callable backoff. Give it to the decorator, or give a number here."
        )
    return {option: json_option(value) for option, value in changed.items()}


def json_option(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return class_paths(value) if isinstance(value, tuple) else value
