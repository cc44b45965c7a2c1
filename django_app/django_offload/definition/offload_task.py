"""Tasks as we know them: OffloadTask with its options, and the portable @task."""

from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import Any, overload

from asgiref.sync import sync_to_async
from django.tasks import DEFAULT_TASK_BACKEND_ALIAS, DEFAULT_TASK_QUEUE_NAME, Task, TaskContext, TaskResult
from django.tasks.base import DEFAULT_TASK_PRIORITY
from django.tasks.exceptions import InvalidTask
from django.utils.inspect import get_func_args

from ..conf import LONGEST_RESULT_TTL, MOST_ATTEMPTS, duration
from .bulk_results import Arguments, AsyncBulkResults, BulkResults, split_arguments
from .context import OffloadContext

type Backoff = float | timedelta | Callable[[int], float | timedelta]
# The types take arguments in Django's stubs alone, not at run time.
type AnyTask = Task[..., Any]
type AnyResult = TaskResult[..., Any]
type Exceptions = tuple[type[BaseException], ...]

# What .using() may change beyond Django's own.
USING = ("max_attempts", "backoff", "retry_on", "no_retry_on", "timeout", "result_ttl")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadTask(Task):  # type: ignore[type-arg]
    """A task with options of ours; any backend accepts it, and others ignore the options."""

    max_attempts: int | None = None  # Given: exceptions are retried too, not crashes alone.
    backoff: Backoff = 1.0  # Seconds before the second attempt, doubling; or a callable of the attempt.
    retry_on: Exceptions = ()  # Empty: Exception, where max_attempts is given.
    no_retry_on: Exceptions = ()
    timeout: timedelta | None = None  # Seconds or timedelta; None: what the invocation leaves.
    result_ttl: timedelta | None = None  # Seconds or timedelta; None: the queue's.
    name: str = ""  # Stable across renames; empty: the function's.
    aliases: tuple[str, ...] = ()  # Older names, of which messages may be under way.
    sensitive: tuple[str, ...] = ()  # Names of arguments never to show.
    stable_name: str = ""  # What messages say: the name given, else the module path.

    def __post_init__(self) -> None:
        keep = object.__setattr__
        for option in ("retry_on", "no_retry_on", "aliases", "sensitive"):
            keep(self, option, _as_tuple(getattr(self, option)))
        for option in ("timeout", "result_ttl"):
            keep(self, option, _as_duration(option, getattr(self, option)))
        if not self.stable_name:
            keep(self, "stable_name", self.name or self.module_path)
        if not self.name:
            keep(self, "name", self.func.__name__)
        self._check_options()
        super(OffloadTask, self).__post_init__()

    def _check_options(self) -> None:
        """Raise InvalidTask if an option has a value that cannot work."""
        attempts = self.max_attempts
        if self.result_ttl is not None and self.result_ttl > LONGEST_RESULT_TTL:
            raise InvalidTask(
                f"result_ttl is {self.result_ttl}: give {LONGEST_RESULT_TTL.days} days or less."
            )
        whole = isinstance(attempts, int) and not isinstance(attempts, bool)
        if attempts is not None and not (whole and 1 <= attempts <= MOST_ATTEMPTS):
            raise InvalidTask(f"max_attempts is {attempts!r}: give a whole number from 1 to {MOST_ATTEMPTS}.")
        for kind in (*self.retry_on, *self.no_retry_on):
            if not isinstance(kind, type) or not issubclass(kind, BaseException):
                raise InvalidTask(f"retry_on and no_retry_on take exception classes, not {kind!r}.")
        if not callable(self.backoff):
            _as_duration("backoff", self.backoff)
        if self.timeout is not None and not self.timeout:
            raise InvalidTask("timeout is 0: give seconds or a timedelta above 0.")
        missing = set(self.sensitive) - set(get_func_args(self.func))
        if missing:
            raise InvalidTask(
                f"sensitive names {', '.join(sorted(missing))}, which {self.module_path} does not take: "
                "give names of its parameters."
            )

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
        **options: Any,
    ) -> "OffloadTask":
        """Create a new task with modified defaults, options of ours among them."""
        unknown = set(options) - set(USING)
        if unknown:
            raise TypeError(
                f"using() does not take {', '.join(sorted(unknown))}; it takes {', '.join(USING)}."
            )
        given: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        return replace(self, **{key: value for key, value in given.items() if value is not None}, **options)

    def delay(self, *args: Any, **kwargs: Any) -> AnyResult:
        """Do what enqueue() does, under the name that Celery gives it."""
        return self.enqueue(*args, **kwargs)

    def enqueue_many(self, arguments: Iterable[Arguments]) -> BulkResults[AnyResult | Exception]:
        """
        Enqueue a task per item of `arguments`, in bulk, and return an iterator over an answer for each.

        An item is a tuple of positional or a dictionary of keyword arguments; an answer is the task's result,
        or the exception that enqueue() would have raised. Tasks leave by the hundred as their answers are
        asked for, so that neither the arguments nor the answers need to fit into memory. What iterating over
        `arguments` raises is raised once what came before is enqueued and answered.

        Raise InvalidTask if the task cannot be enqueued at all, TypeError for an item that is neither, and
        ResourceMissing if AWS says that its queue is not there.
        """
        backend = self.get_backend()
        backend.validate_task(self)
        many = getattr(backend, "enqueue_many", None)
        return BulkResults(many(self, arguments) if many else self._one_by_one(arguments))

    def aenqueue_many(
        self, arguments: Iterable[Arguments] | AsyncIterable[Arguments]
    ) -> AsyncBulkResults[AnyResult | Exception]:
        """Do what enqueue_many() does, for `async for`; `arguments` may be asynchronous too."""
        return AsyncBulkResults(self.enqueue_many, arguments)

    def _one_by_one(self, arguments: Iterable[Arguments]) -> Iterator[AnyResult | Exception]:
        """Enqueue through a backend that knows nothing of bulk."""
        for given in arguments:
            args, kwargs = split_arguments(given)
            try:
                answer = self.enqueue(*args, **kwargs)
            except Exception as exc:  # noqa: BLE001, it is the answer
                yield exc
            else:
                yield answer

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function here and return its value; a task that takes its context gets a local one."""
        return super(OffloadTask, self).call(*self._with_context(args), **kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """See call()."""
        args = self._with_context(args)
        if iscoroutinefunction(self.func):
            return await self.func(*args, **kwargs)
        return await sync_to_async(self.func)(*args, **kwargs)

    def _with_context(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put an OffloadContext first, made of Django's own where a backend handed that over."""
        if not self.takes_context or (args and isinstance(args[0], OffloadContext)):
            return args
        if args and isinstance(args[0], TaskContext):
            return (OffloadContext(task_result=args[0].task_result), *args[1:])
        return (OffloadContext(task_result=_local_result(self)), *args)


def _local_result(task: AnyTask) -> AnyResult:
    from django.tasks import TaskResultStatus
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


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, (str, type)) else tuple(value)


def _as_duration(option: str, value: Any) -> timedelta | None:
    try:
        return None if value is None else duration(value)
    except ValueError as exc:
        raise InvalidTask(f"{option}: {exc}. Give seconds or a timedelta.") from exc


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
    """Make an OffloadTask of a function, whatever backend the alias names: one task module runs anywhere."""
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
    Return, as JSON values, what .using() changed of `defined`: it travels with the message.

    Raise InvalidTask if the backoff became another callable, which no message can carry.
    """
    if task is defined or not isinstance(task, OffloadTask) or not isinstance(defined, OffloadTask):
        return {}
    changed = {
        option: getattr(task, option) for option in USING if getattr(task, option) != getattr(defined, option)
    }
    if callable(changed.get("backoff")):
        raise InvalidTask(
            "A callable backoff cannot travel in a message: give it to the decorator, or a number here."
        )
    return {option: _as_json(value) for option, value in changed.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return class_paths(value) if isinstance(value, tuple) else value
