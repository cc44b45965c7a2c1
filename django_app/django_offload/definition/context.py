"""The context of a running task: its attempt, remaining time and progress, and whether it was cancelled."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from reprlib import repr as short
from threading import Lock
from typing import Any

from asgiref.sync import sync_to_async

from ..compat import TaskContext, TaskResult, TaskResultStatus
from ..conf.aws_limits import SORT_KEY
from ..exceptions import StepTooLarge
from ..protocol.json_codec import dump, dump_returned
from ..protocol.record import PART_BYTES

# A write of progress costs one write unit, and a page reads it at most once a second.
REPORT_EVERY_SECONDS = 0.5
# Reading the flag of a cancel costs half a read unit.
ASK_EVERY_SECONDS = 1.0
# The sort key of a step's result in DynamoDB begins with "step#".
MOST_KEY_BYTES = SORT_KEY - len("step#")


class Reporter(ABC):
    """Stores the progress of a task, and reads the flag of a cancel."""

    @abstractmethod
    def send(self, progress: dict[str, Any]) -> bool:
        """Store the progress and the beginning of its message. Return True if somebody cancelled the task."""

    @abstractmethod
    def save_metadata(self, text: str) -> bool:
        """Store metadata, JSON. Return True if somebody cancelled the task."""

    @abstractmethod
    def asked_to_stop(self) -> bool:
        """Read the record, and return True if somebody cancelled the task."""

    @abstractmethod
    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline, or None if there is none."""


class Journal(ABC):
    """Stores the results of steps for later attempts."""

    @abstractmethod
    def load(self, key: str) -> str | None:
        """Return the stored JSON text of a step, or None if there is none."""

    @abstractmethod
    def save(self, key: str, text: str) -> str:
        """Store the JSON text of a step. Return the stored text, which may be that of another attempt."""

    @abstractmethod
    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        """Run a function in a transaction together with a marker of `key`. Return the marker's text."""


class Budget(ABC):
    """Counts the tasks that descend from one root, a task that no task enqueued."""

    root: str  # The id of the root.
    limit: int | None  # OPTIONS["enqueues_per_root"] of the running task. With None, nothing is counted.

    @abstractmethod
    def spend(self, wanted: int, start_at: datetime) -> int:
        """
        Count tasks that start at this time, as many of the wanted ones as the limit allows.

        Return how many that is. Raise what the store raises if it doesn't answer.
        """


class LocalJournal(Journal):
    """The journal of a task that call() runs here. It has no other attempt, and the same limits."""

    def load(self, key: str) -> str | None:
        return None

    def save(self, key: str, text: str) -> str:
        if len(text) > PART_BYTES:
            raise StepTooLarge(key, len(text), PART_BYTES)
        return text

    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        from django.db import transaction

        with transaction.atomic(using=using):
            return run()


class LocalReporter(Reporter):
    """The reporter of a task that call() runs here. Nobody can follow or cancel it."""

    def send(self, progress: dict[str, Any]) -> bool:
        return False

    def save_metadata(self, text: str) -> bool:
        return False

    def asked_to_stop(self) -> bool:
        return False

    def seconds_left(self) -> float | None:
        return None


class ReportState:
    """What an attempt remembers between its reports. Times are seconds of the monotonic clock."""

    done: float = 0
    sent_at = asked_at = float("-inf")
    cancelled = False
    metadata: dict[str, Any] | None = None  # As the task has it by now, once it has looked at it.
    metadata_was: str | None = None  # As the record has it for sure, JSON.
    ended = False  # The function has returned. Only threads that it left still have this context.


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadContext(TaskContext):  # type: ignore[type-arg, misc]  # The stubs forget that Django's is frozen.
    """The context of a task with takes_context=True. It extends Django's TaskContext."""

    reporter: Reporter = field(default_factory=LocalReporter)
    journal: Journal = field(default_factory=LocalJournal)
    # Who may see the task, and so the tasks that it enqueues.
    owner: str | None = None
    tenant: str | None = None  # Whose share of a fair queue it counts as, and the tasks that it enqueues.
    depth: int = 0  # How many tasks there are between a request and this task.
    traceparent: str | None = None  # The W3C trace context of the caller that enqueued it.
    most_enqueues: int | None = None  # How often the attempt may call enqueue(), or None for any number.
    # Each call takes a number, from 0. That is a single step of C code, so no thread needs a lock.
    enqueues: Iterator[int] = field(default_factory=count, repr=False, compare=False)
    budget: Budget | None = None  # Of its root, if a stack on the way from there counts.
    state: ReportState = field(default_factory=ReportState, repr=False, compare=False)
    # A task's threads report through one context.
    _lock: AbstractContextManager[bool] = field(default_factory=Lock, repr=False, compare=False)

    @property
    def remaining(self) -> timedelta:
        """The time until the deadline, never negative; timedelta.max if there is no deadline."""
        seconds = self.reporter.seconds_left()
        return timedelta.max if seconds is None else timedelta(seconds=max(0.0, seconds))

    @property
    def cancelled(self) -> bool:
        """True if somebody cancelled this task. The record is read at most once a second."""
        state, now = self.state, time.monotonic()
        if not state.cancelled and now - state.asked_at >= ASK_EVERY_SECONDS:
            state.asked_at = now
            state.cancelled = self.reporter.asked_to_stop()
        return state.cancelled

    @property
    def metadata(self) -> dict[str, Any]:
        """
        What the project notes about this task: the dictionary that .using(metadata=...) gave it.

        Changes are stored when the attempt ends, however it ends, and at once by save_metadata().
        """
        state = self.state
        if state.metadata is None:
            from .metadata import metadata_of  # Imported here, because few tasks have any.

            metadata = metadata_of(self.task_result)
            state.metadata_was, state.metadata = dump(metadata), metadata
        return state.metadata

    def save_metadata(self) -> None:
        """
        Store the metadata now. Raise ValueError if it isn't JSON of at most 300 bytes.

        If AWS doesn't take it, a line in the log says so, and the end of the attempt stores it. Raise
        RuntimeError if the attempt has ended.
        """
        from .metadata import metadata_text

        state = self.state
        text = metadata_text(self.metadata)
        if state.ended:
            raise RuntimeError(
                f"Task id={self.task_result.id} has ended, so its metadata can't be saved any more. Save it "
                "before the function returns."
            )
        with self._lock:
            state.metadata_was = None  # Whether a write that fails was made, nobody knows.
            state.cancelled |= self.reporter.save_metadata(text)

    async def asave_metadata(self) -> None:
        """Do what save_metadata() does, asynchronously."""
        await sync_to_async(self.save_metadata, thread_sensitive=False)()

    @property
    def owner_of_children(self) -> str | None:
        """The owner, unless the task has ended: a thread that it left may work for others by now."""
        return None if self.state.ended else self.owner

    @property
    def tenant_of_children(self) -> str | None:
        """The tenant, unless the task has ended."""
        return None if self.state.ended else self.tenant

    @property
    def idempotency_key(self) -> str:
        """A text that is the same for every attempt of this task, and for no other task."""
        return f"offload-{self.task_result.id}"

    def step(self, key: str, function: Callable[..., Any], *args: Any) -> Any:
        """
        Run a function and store its return value. A later attempt returns that value instead of running it.

        The value must be JSON of at most 300,000 bytes, and each step of the task needs its own `key`, a text
        of at most 1,019 bytes. Two attempts that overlap may both run the function, but both return the value
        that was stored first. Raise ValueError or TypeError, before the function runs, for any other key.
        """
        check_step_key(key)
        text = self.journal.load(key)
        if text is None:
            text = self.journal.save(key, dump_returned(function(*args), f"Step '{key}'"))
        return json.loads(text)

    def atomic(self, key: str, function: Callable[..., Any], *args: Any, using: str | None = None) -> Any:
        """
        Run a function in a database transaction together with a marker, so that its effects happen once.

        A later attempt returns the stored value (JSON) instead. This needs the app django_offload.effects in
        INSTALLED_APPS, and its table in the database `using`.
        """
        as_utf8(key)  # Raises for a key that a database can't store.

        def run() -> str:
            return dump_returned(function(*args), f"context.atomic('{key}')")

        return json.loads(self.journal.once(key, run, using))

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """
        Report that `done` of `total` (None: unknown) is done.

        Progress is stored at most twice a second, except that the last step is always stored. It never goes
        backwards within an attempt. Raise ValueError if `done` or `total` is negative.
        """
        if done < 0 or (total is not None and total < 0):
            raise ValueError("Progress can't be negative. Give done >= 0 and total >= 0, or total=None.")
        state = self.state
        if state.ended:
            return
        with self._lock:  # Otherwise the later of two threads might store the smaller number.
            now = time.monotonic()
            state.done = max(state.done, done)
            is_last = total is not None and state.done >= total
            if is_last or now - state.sent_at >= REPORT_EVERY_SECONDS:
                state.sent_at = state.asked_at = now
                sent = self.reporter.send({"done": state.done, "total": total, "message": message})
                # Once the flag was seen, it stays, whatever a later answer says.
                state.cancelled |= sent


def check_step_key(key: str) -> None:
    """Raise ValueError if the store can't keep the result of a step under this key."""
    size = len(as_utf8(key))
    if size > MOST_KEY_BYTES:
        raise ValueError(
            f"The key {short(key)} of a step has {size:,} bytes, and the limit is {MOST_KEY_BYTES:,}. Give a "
            "shorter key, such as the primary key of what the step works on."
        )


def as_utf8(key: str) -> bytes:
    """Return the bytes of a key. Raise TypeError if it isn't text, ValueError if it has half a character."""
    if not isinstance(key, str):
        raise TypeError(
            f"The key {short(key)} is of type {type(key).__name__}, and as text it could be another key. "
            "Give a text, such as str(order.pk)."
        )
    try:
        return str(key).encode()
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"The key {key[:40]!a} can't be stored, because character {exc.start + 1} of it is half of a "
            "surrogate pair. Give a key that text.encode() accepts."
        ) from None


current_context: ContextVar[OffloadContext | None] = ContextVar("django_offload_context", default=None)
# The W3C trace context of the current request.
trace: ContextVar[str | None] = ContextVar("django_offload_trace", default=None)


def current_trace() -> str | None:
    """Return the trace context of the current request, or None if it sent none."""
    return trace.get()


def current() -> OffloadContext | None:
    """Return the context of the running task, or None outside a worker."""
    return current_context.get()


@contextmanager
def running(context: OffloadContext) -> Iterator[None]:
    """Make `context` the current context."""
    token = current_context.set(context)
    try:
        yield
    finally:
        current_context.reset(token)


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Report the progress of the running task. Outside a worker, do nothing."""
    context = current()
    if context is not None:
        context.progress(done, total, message)


def track[T](iterable: Iterable[T], total: int | None = None, message: str = "") -> Iterator[T]:
    """Yield from `iterable`, and report each item. The default of `total` is its length, if it has one."""
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    for done, item in enumerate(iterable, 1):
        yield item
        progress(done, total, message)


def local_result(task: Any) -> Any:
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
