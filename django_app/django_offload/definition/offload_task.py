"""OffloadTask with its options, and the @task decorator."""

import os
import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from reprlib import repr as short
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Never, Self, overload

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.utils.module_loading import import_string

from ..compat import (
    DEFAULT_TASK_BACKEND_ALIAS,
    DEFAULT_TASK_PRIORITY,
    DEFAULT_TASK_QUEUE_NAME,
    InvalidTask,
    Task,
    TaskContext,
    TaskResult,
)
from .bulk_results import Arguments, AsyncBulkResults, BulkResults
from .context import OffloadContext, local_result
from .option_checks import check_options, duration_option, metadata_option

if TYPE_CHECKING:  # A worker needs none of them, unless a task has the option.
    from .backoff import Backoff
    from .schedule_option import Schedule
    from .unique_option import Unique

# Only Django's stubs let these types take arguments. At run time they don't.
type AnyTask = Task[..., Any]
type AnyResult = TaskResult[..., Any]
type Exceptions = tuple[type[BaseException], ...]

# The options that .using() can change, besides Django's own.
# `metadata` and `tenant` belong to one call, so @task doesn't take them.
CHANGING = ("max_attempts", "backoff", "retry_on", "no_retry_on", "timeout", "result_ttl")
IN_MESSAGE = (*CHANGING, "metadata")  # Among its options. The tenant is a field of its own.
USING = (*IN_MESSAGE, "tenant")
# All options of @task, besides Django's own.
DECORATING = (*CHANGING, "name", "aliases", "sensitive", "schedule", "unique", "unique_for")
# Types whose values an error may quote. The repr() of a QuerySet would query the database.
PLAIN = (str, int, float, bool, NoneType)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadTask(Task):  # type: ignore[type-arg]
    """A task with the options of django-offload. Other backends accept it and ignore these options."""

    # These have defaults from Django 6.1 on.
    priority: int = DEFAULT_TASK_PRIORITY
    backend: str = DEFAULT_TASK_BACKEND_ALIAS
    queue_name: str = DEFAULT_TASK_QUEUE_NAME
    run_after: datetime | None = None

    # How often the task may run in all, from 1 to 100; if set, exceptions are retried too, not only crashes.
    max_attempts: int | None = None
    # The longest pause before the second attempt, doubled with each attempt up to 15 minutes; or a function
    # that returns the pause, or None to end the task, from the attempt's number, or from the exception and
    # the result.
    backoff: "Backoff" = 1.0
    # Exception classes after which the task is tried again; all of them if only `max_attempts` is set.
    retry_on: Exceptions = ()
    # Exception classes after which the task is not tried again.
    no_retry_on: Exceptions = ()
    # How long one attempt may take, at most the `timeout` of the queue; None means the invocation's time.
    timeout: timedelta | None = None
    # How long the result can be read; None means as long as the queue says.
    result_ttl: timedelta | None = None
    # A name that stays the same when you move or rename the function; by default the function's path.
    name: str = ""
    # Earlier names, so that messages under way still find the task.
    aliases: tuple[str, ...] = ()
    # Names of arguments whose values are never shown.
    sensitive: tuple[str, ...] = ()
    # Whether only one task with the same arguments may wait or run: True, "queued" (may wait), or a function
    # of the arguments that returns what has to be the same.
    unique: "Unique" = False
    # How long a unique task may wait before the next call replaces it; None means as long as it takes.
    unique_for: timedelta | None = None
    # What the project notes about one call, at most 300 bytes as JSON; only `.using()` takes it.
    metadata: dict[str, Any] | None = field(default=None, hash=False)
    # When AWS enqueues the task again and again: cron(...) or every(...).
    schedule: "Schedule | None" = None
    # The tenant that the task counts for in a fair queue, or None for nobody. If `tenant` isn't given,
    # OPTIONS["tenant"] decides, or else the task that enqueues this one.
    tenant: str | None = ""
    stable_name: str = ""  # The name in messages: the name, or else the module path.

    # A template calls what can be called, but a task only says how to enqueue it.
    do_not_call_in_templates = True

    def __post_init__(self) -> None:
        if not is_plain_function(self.func):
            from .functions import invalid_function  # Imported here, because a worker's tasks are valid.

            raise invalid_function(self.func)
        set_option = object.__setattr__
        for option in ("retry_on", "no_retry_on", "aliases", "sensitive"):
            value = getattr(self, option)
            set_option(self, option, (value,) if isinstance(value, (str, type)) else tuple(value))
        for option in ("timeout", "result_ttl", "unique_for"):
            set_option(self, option, duration_option(option, getattr(self, option)))
        if not self.stable_name:
            set_option(self, "stable_name", self.name or self.module_path)
        if not self.name:
            set_option(self, "name", self.func.__name__)
        if self.metadata is not None:
            set_option(self, "metadata", metadata_option(self.metadata))
        check_options(self)
        if self.schedule is not None:
            from .schedule_option import check_schedule  # Imported here, because few tasks have a schedule.

            check_schedule(self.schedule)
        if self.tenant:
            from .tenant import check_tenant  # Imported here, because few projects have tenants.

            check_tenant(self.tenant)
        super(OffloadTask, self).__post_init__()

    @classmethod
    def _reconstruct(cls, options: dict[str, Any]) -> Self:
        try:
            func = import_string(options["func"]).func
            if "backoff_of" in options:
                options = {**options, "backoff": import_string(options["backoff_of"]).backoff}
            if "unique_of" in options:
                options = {**options, "unique": import_string(options["unique_of"]).unique}
        except (ImportError, AttributeError) as exc:
            raise ValueError(f"Expected {options['func']!r} to point to a Task instance.") from exc
        own = {name: value for name, value in options.items() if name not in {"backoff_of", "unique_of"}}
        return cls(**{**own, "func": func})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the function, and the options, as Django does from 6.1 on."""
        options = {option.name: getattr(self, option.name) for option in fields(self)}
        # A lambda can't be pickled, so the task that has it is named.
        variable = variable_with_backoff(self) if callable(self.backoff) else None
        if variable is not None:
            del options["backoff"]
            options["backoff_of"] = f"{self.func.__module__}.{variable}"
        unique = self.unique
        variable = variable_with(self, lambda other: other.unique is unique) if callable(unique) else None
        if variable is not None:
            del options["unique"]
            options["unique_of"] = f"{self.func.__module__}.{variable}"
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
        refuse_unknown_options("using()", options, USING)
        if "tenant" in options:
            from .tenant import check_tenant

            check_tenant(options["tenant"])
        attributes: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        changes = {name: value for name, value in attributes.items() if value is not None}
        return replace(self, schedule=None, **changes, **options)

    def delay(self, *args: Any, **kwargs: Any) -> AnyResult:
        """Do what enqueue() does. This is Celery's name for it."""
        return self.enqueue(*args, **kwargs)

    def enqueue_on_commit(self, *args: Any, **kwargs: Any) -> AnyResult | None:
        """
        Enqueue the task when the open transaction of the default database commits; without one, at once.

        It does so whatever the option `on_commit` says. If the transaction is rolled back, nothing is sent.
        What is wrong with the arguments is raised at once. With a backend that isn't one of django-offload,
        return None inside a transaction, because that backend makes the result at the commit.
        """
        backend = self.get_backend()
        own = getattr(backend, "enqueue_on_commit", None)
        if own is None:
            from .other_backends import enqueue_on_commit

            backend.validate_task(self)
            return enqueue_on_commit(self, args, kwargs)
        if running_loop() is not None:
            refuse_event_loop(self, "enqueue_on_commit", "await {}.aenqueue_on_commit(...)")
        result: AnyResult = own(self, args, kwargs)
        return result

    async def aenqueue_on_commit(self, *args: Any, **kwargs: Any) -> AnyResult | None:
        """Do what enqueue_on_commit() does, asynchronously."""
        return await sync_to_async(self.enqueue_on_commit)(*args, **kwargs)

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
        many = getattr(backend, "enqueue_many", None)
        if many is None:
            from .other_backends import enqueue_one_by_one

            many = enqueue_one_by_one
        return BulkResults(many(self, arguments))

    def aenqueue_many(
        self, arguments: Iterable[Arguments] | AsyncIterable[Arguments]
    ) -> AsyncBulkResults[AnyResult | Exception]:
        """Do what enqueue_many() does, for `async for`. `arguments` may be asynchronous too."""
        return AsyncBulkResults(self.enqueue_many, arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Never:
        """Raise TypeError, which says how to enqueue the task, and how to run it here."""
        name, wait = self.func.__name__, "await " if iscoroutinefunction(self.func) else ""
        enqueue, call = ("aenqueue", "acall") if wait else ("enqueue", "call")
        text = call_text(() if self.sensitive else args, {} if self.sensitive else kwargs)
        raise TypeError(
            f"{name} is a task, so {name}() doesn't run it. Use {wait}{name}.{enqueue}({text}) to run "
            f"it in a worker, or {wait}{name}.{call}({text}) to run it here."
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """
        Run the function here, and return its value. A task that takes its context gets a local one.

        Raise RuntimeError for an async function in a thread whose event loop is running.
        """
        if iscoroutinefunction(self.func) and running_loop() is not None:
            name = self.func.__name__
            raise RuntimeError(
                f"{name}.call() can't wait for an async function in a thread whose event loop is running. "
                f"Use await {name}.acall(...)."
            )
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


def is_plain_function(func: object) -> bool:
    """Return True if a worker finds a function by its name, and a call runs it."""
    return (
        isinstance(func, FunctionType)
        and func.__qualname__.isidentifier()
        and not isgeneratorfunction(func)
        and not isasyncgenfunction(func)
    )


def call_text(args: Iterable[object], kwargs: Mapping[str, object]) -> str:
    """Return arguments as one writes them in a call. Only short and plain values are shown."""
    texts = [short(value) if type(value) in PLAIN else "..." for value in args]
    texts += [f"{name}={short(value) if type(value) in PLAIN else '...'}" for name, value in kwargs.items()]
    return ", ".join(texts) or "..."


def refuse_event_loop(task: AnyTask, method: str, instead: str) -> None:
    """Raise SynchronousOnlyOperation, as Django does for its database, unless the same variable allows it."""
    if not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
        name = task.func.__name__
        raise SynchronousOnlyOperation(
            f"{name}.{method}() would block the event loop of this thread until AWS answers. "
            f"Use {instead.format(name)}, or call it in another thread, with sync_to_async()."
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
    refuse_unknown_options("@task", options, DECORATING)

    def wrap(func: Callable[..., Any]) -> OffloadTask:
        return OffloadTask(
            func=func,
            priority=priority,
            queue_name=queue_name,
            backend=backend,
            takes_context=takes_context,
            **options,
        )

    return wrap if function is None else wrap(function)


def refuse_unknown_options(place: str, options: Iterable[str], known: Sequence[str]) -> None:
    """Raise TypeError if an option isn't among those that the place takes besides Django's own."""
    unknown = set(options) - set(known)
    if unknown:
        raise TypeError(f"{place} doesn't take {', '.join(sorted(unknown))}. It takes {', '.join(known)}.")


def variable_with_backoff(task: OffloadTask) -> str | None:
    """Return the variable of the function's module that holds a task of it with the same backoff, or None."""
    return variable_with(task, lambda other: other.backoff is task.backoff)


def variable_with(task: OffloadTask, matches: Callable[[OffloadTask], bool]) -> str | None:
    """Return the variable of the function's module that holds a task of it that matches, or None."""
    for name, value in vars(sys.modules[task.func.__module__]).items():
        if isinstance(value, OffloadTask) and value.func is task.func and matches(value):
            return name
    return None


def class_paths(kinds: Iterable[type[BaseException]]) -> list[str]:
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]


def changed_options(task: AnyTask, defined: AnyTask) -> dict[str, Any]:
    """
    Return the options that .using() changed, as JSON values for the message.

    Raise InvalidTask if the backoff is another callable, because a message can't contain one.
    """
    if task is defined or not isinstance(task, OffloadTask) or not isinstance(defined, OffloadTask):
        return {}
    changed = {
        option: getattr(task, option)
        for option in IN_MESSAGE
        if getattr(task, option) != getattr(defined, option)
    }
    if callable(changed.get("backoff")):
        variable = variable_with_backoff(task)
        if variable is not None:
            raise InvalidTask(
                f"{variable} is another task of the function of {defined.module_path}, under the same name, "
                "so a worker wouldn't use its backoff. Give it a name of its own: @task(name=...)."
            )
        raise InvalidTask(
            "A message can't contain a callable backoff. Give it to the decorator, or give a number here."
        )
    return {option: json_option(value) for option, value in changed.items()}


def json_option(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return class_paths(value) if isinstance(value, tuple) else value
