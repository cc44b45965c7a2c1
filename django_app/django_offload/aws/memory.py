"""
The memory that stands in for AWS in Django's test environment, as `mail.outbox` stands in for a mail server.

It holds everything that one test enqueues. Neither production nor a worker imports this module.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any
from unittest import TestCase

import asgiref
import django

from .. import compat
from ..compat import in_test_environment
from ..conf import MEMORY, Options
from .clients import has_lean_clients, reset_clients
from .lean.endpoint import mocked_by_moto
from .stand_ins import StandIns

# The warning names the line of the project that enqueued.
OUTSIDE_OF_TESTS = tuple(str(Path(str(module.__file__)).parent) for module in (django, asgiref, compat))


class TasksKeptInMemory(UserWarning):
    """A test enqueued a task, which was kept in memory."""

    TEXT = (
        "Tasks that tests enqueue are kept in memory, and nothing is sent. To run them, use the fixture "
        "`offload` or OffloadTestMixin of django_offload.testing. To send them, set OPTIONS['in_tests'] to "
        "'send'; to end this warning, set it to 'memory'."
    )

    def __init__(self, text: str = TEXT) -> None:
        super().__init__(text)


class VirtualClock:
    """The real time plus everything that was skipped."""

    def __init__(self) -> None:
        self.skipped = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def now(self, zone: object = None) -> datetime:
        """Return the current time, as `datetime.now(UTC)` does."""
        return self()

    def skip(self, duration: timedelta) -> None:
        """Move the clock ahead by `duration`."""
        self.skipped += max(duration, timedelta(0))

    def skip_to(self, instant: datetime) -> None:
        """Move the clock ahead to `instant`. Do nothing if it has passed."""
        self.skip(instant - self())


class Memory:
    """The store, transport and payloads of every stack, for one test."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.is_run = False  # Somebody runs its tasks, and keeps it until the end.
        self._seams: dict[tuple[StandIns[Any], str], Any] = {}
        self._lock = Lock()

    def seam[Seam](self, kind: StandIns[Seam], stack: str) -> Seam:
        with self._lock:
            if (kind, stack) not in self._seams:
                self._seams[kind, stack] = kind.in_memory(self.clock)
            seam: Seam = self._seams[kind, stack]
            return seam


class State:
    """What this process remembers between two tests."""

    memory: Memory | None = None  # Of the current test, from its first use.
    sends = 0  # How many blocks of sending() are open.
    isolated = False  # True if pytest's plugin begins each test.
    patched = False
    warned = False
    followed = (False, False)  # In memory, and mocked by moto, when follow() looked last.


_lock = Lock()


def keeps(options: Options) -> bool:
    """Return True if what this process enqueues now on a stack stays in its memory."""
    if State.sends or options.in_tests not in (None, MEMORY):
        return False
    return in_test_environment() and not mocked_by_moto()


def stand_in[Seam](kind: StandIns[Seam], options: Options) -> Seam | None:
    """Return what a stack uses instead of AWS, or None if it uses AWS."""
    return current().seam(kind, options.stack) if keeps(options) else None


def current() -> Memory:
    """Return the memory of the current test."""
    with _lock:  # A test and its live server may need it at the same time.
        if State.memory is None:
            begin_at_each_test()
            State.memory = Memory()
        return State.memory


def follow(options: Options, *, enqueues: bool) -> None:
    """Drop what is cached if the process has entered or left the test environment since the last look."""
    if in_test_environment():
        begin_at_each_test()
    now = keeps(options), mocked_by_moto()
    if now[1] != State.followed[1] or (now[1] and has_lean_clients()):
        reset_clients()  # moto answers only clients that boto3 makes while it mocks.
    if now != State.followed:
        State.followed = now
        forget()
    asked = options.in_tests is not None or any(kind.replaces(options.stack) for kind in StandIns.every)
    if enqueues and now[0] and not asked:
        warn_once()


def warn_once() -> None:
    """Warn once in a process that nothing is sent. Never raise, because the test is not at fault."""
    if State.warned:
        return
    State.warned = True
    try:
        warnings.warn(TasksKeptInMemory(), skip_file_prefixes=OUTSIDE_OF_TESTS)
    except TasksKeptInMemory as warning:  # With "error" as the filter, the first test would fail.
        with warnings.catch_warnings():
            warnings.simplefilter("always", TasksKeptInMemory)
            warnings.warn(warning, skip_file_prefixes=OUTSIDE_OF_TESTS)


def forget() -> None:
    """Have the next use of any stack look anew for what it uses."""
    for kind in StandIns.every:
        kind.changed()


@contextmanager
def sending() -> Iterator[None]:
    """Let tests send until the block ends, because they asked for it."""
    State.sends += 1
    forget()
    try:
        yield
    finally:
        State.sends -= 1
        forget()


@contextmanager
def running(memory: Memory) -> Iterator[None]:
    """Keep a memory over the beginnings of tests until the block ends, and drop it then."""
    memory.is_run = True
    try:
        yield
    finally:
        memory.is_run = False
        begin_test()


def to_run() -> Memory:
    """Return the memory of the current test, or a new one if nothing is kept, or somebody runs it already."""
    if in_test_environment() and not current().is_run:
        return current()
    return Memory()


def begin_test() -> None:
    """Begin a test that sees nothing of what others enqueued, and calls nothing that others mocked."""
    if State.memory is not None and State.memory.is_run:
        return
    State.memory = None
    if State.followed[1] and not mocked_by_moto():
        reset_clients()  # Outside mock_aws, the clients that were made inside it call AWS.
        State.followed = (False, False)
    forget()


def begin_at_each_test() -> None:
    """
    Have tests of unittest begin with an empty memory, where Django empties `mail.outbox`.

    Neither unittest nor Django calls anybody at the begin of a test, so two of their methods are wrapped.
    """
    from django.test import SimpleTestCase

    if State.patched:
        return
    State.patched = True
    pre_setup, call = SimpleTestCase.__dict__["_pre_setup"].__func__, TestCase.__call__

    @wraps(pre_setup)
    def begin_in_django(cls: type[TestCase]) -> None:
        begin_unless_isolated()
        pre_setup(cls)  # It may load fixtures, which belong to the test.

    @wraps(call)
    def begin_in_unittest(self: TestCase, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, SimpleTestCase):
            begin_unless_isolated()
        return call(self, *args, **kwargs)

    SimpleTestCase._pre_setup = classmethod(begin_in_django)  # type: ignore[attr-defined]
    TestCase.__call__ = begin_in_unittest  # type: ignore[method-assign]


def begin_unless_isolated() -> None:
    if not State.isolated:
        begin_test()
