"""What a running task may ask and do: its attempt, its time left, its progress, whether it was cancelled."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.tasks import TaskContext

from ..protocol.json_codec import dump_any

# One write of progress costs one write unit; a page polls at most once a second.
REPORT_EVERY_SECONDS = 0.5
# A read of the cancel flag costs half a read unit.
ASK_EVERY_SECONDS = 1.0


class Reporter(ABC):
    """Where progress goes and the cancel flag comes from."""

    @abstractmethod
    def send(self, progress: dict[str, Any]) -> bool:
        """Store the progress; return whether somebody cancelled the task."""

    @abstractmethod
    def asked_to_stop(self) -> bool:
        """Look up whether somebody cancelled the task."""

    @abstractmethod
    def seconds_left(self) -> float | None:
        """Return the seconds to the deadline, None where there is none."""


class Journal(ABC):
    """Where results of steps are kept from one attempt to the next."""

    @abstractmethod
    def kept(self, key: str) -> str | None:
        """Return the JSON text kept for a step, None if there is none."""

    @abstractmethod
    def keep(self, key: str, text: str) -> str:
        """Keep the JSON text of a step; return what is kept, which may be another attempt's."""

    @abstractmethod
    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        """Run in a database transaction together with a marker of `key`; return what the marker keeps."""


class LocalJournal(Journal):
    """For a task called in its own process: there is no other attempt."""

    def kept(self, key: str) -> str | None:
        return None

    def keep(self, key: str, text: str) -> str:
        return text

    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        from django.db import transaction

        with transaction.atomic(using=using):
            return run()


class LocalReporter(Reporter):
    """For a task called in its own process: nobody watches, nobody cancels, nothing ends it."""

    def send(self, progress: dict[str, Any]) -> bool:
        return False

    def asked_to_stop(self) -> bool:
        return False

    def seconds_left(self) -> float | None:
        return None


class _Memory:
    """What one attempt remembers between its reports; `at` are seconds of the monotonic clock."""

    __slots__ = ("asked_at", "cancelled", "done", "sent_at")

    def __init__(self) -> None:
        self.done: float = 0
        self.sent_at = self.asked_at = float("-inf")
        self.cancelled = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadContext(TaskContext):  # type: ignore[type-arg, misc]  # The stubs forget that Django's is frozen.
    """Handed to a task that takes its context; has everything Django's TaskContext has."""

    reporter: Reporter = field(default_factory=LocalReporter)
    journal: Journal = field(default_factory=LocalJournal)
    depth: int = 0  # How many tasks stand between this one and a request.
    traceparent: str | None = None  # W3C trace context of whoever enqueued it.
    _memory: _Memory = field(default_factory=_Memory, repr=False, compare=False)

    @property
    def remaining(self) -> timedelta:
        """The time to the deadline, never negative; timedelta.max where there is none."""
        seconds = self.reporter.seconds_left()
        return timedelta.max if seconds is None else timedelta(seconds=max(0.0, seconds))

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this task to stop; looked up at most once a second."""
        memory, now = self._memory, time.monotonic()
        if not memory.cancelled and now - memory.asked_at >= ASK_EVERY_SECONDS:
            memory.asked_at = now
            memory.cancelled = self.reporter.asked_to_stop()
        return memory.cancelled

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this task, and for no other task: for APIs that take one."""
        return f"offload-{self.task_result.id}"

    def step(self, key: str, function: Callable[..., Any], *args: Any) -> Any:
        """
        Run a function, keep its return value, and hand it to later attempts instead of running it again.

        The value must be JSON (at most 300,000 bytes), and `key` name one step of the task. Two
        attempts that overlap can both run it; both go on with the value that was kept first.
        """
        text = self.journal.kept(key)
        if text is None:
            text = self.journal.keep(key, dump_any(function(*args)))
        return json.loads(text)

    def atomic(self, key: str, function: Callable[..., Any], *args: Any, using: str | None = None) -> Any:
        """
        Run a function in a database transaction together with a marker: its effects there happen once.

        A later attempt gets the kept value (JSON) instead. Needs the app django_offload.effects in
        INSTALLED_APPS, and its table in the database `using`.
        """
        return json.loads(self.journal.once(key, lambda: dump_any(function(*args)), using))

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """
        Report `done` of `total` (None: unknown) to whoever watches.

        Stored at most twice a second, the last step (`done` reaching `total`) always; never goes
        backwards within an attempt. Raise ValueError if `done` or `total` is negative.
        """
        if done < 0 or (total is not None and total < 0):
            raise ValueError("Progress cannot be negative: give done >= 0 and total >= 0, or total=None.")
        memory, now = self._memory, time.monotonic()
        memory.done = max(memory.done, done)
        last = total is not None and memory.done >= total
        if last or now - memory.sent_at >= REPORT_EVERY_SECONDS:
            memory.sent_at = memory.asked_at = now
            # The flag stays once seen, whatever a later answer says.
            memory.cancelled |= self.reporter.send(
                {"done": memory.done, "total": total, "message": message[:200]}
            )


current_context: ContextVar[OffloadContext | None] = ContextVar("django_offload_context", default=None)


# The W3C trace context of the request that is being answered.
trace: ContextVar[str | None] = ContextVar("django_offload_trace", default=None)


def current_trace() -> str | None:
    """Return the trace context of the request that is being answered, None where it sent none."""
    return trace.get()


def current() -> OffloadContext | None:
    """Return the context of the task that runs here, None outside a worker."""
    return current_context.get()


@contextmanager
def running(context: OffloadContext) -> Iterator[None]:
    """Make `context` the current one."""
    token = current_context.set(context)
    try:
        yield
    finally:
        current_context.reset(token)


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Report progress of the running task; do nothing outside a worker."""
    context = current()
    if context is not None:
        context.progress(done, total, message)


def track[T](iterable: Iterable[T], total: int | None = None, message: str = "") -> Iterator[T]:
    """Yield from `iterable`, reporting each item done; `total` is its length where it has one."""
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    for done, item in enumerate(iterable, 1):
        yield item
        progress(done, total, message)
