"""What a task changes in its process for everybody, put back before the next task."""

import asyncio
import gc
import logging
import os
import random
import signal
import socket
import sys
import time
import warnings

# The one of `signal` makes enums, which takes eight times as long.
from _signal import getsignal  # type: ignore[import-not-found]
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from threading import current_thread, main_thread
from typing import Any, ClassVar, NamedTuple

from .deadline import OwnTimer, timer

logger = logging.getLogger("django_offload")

# What programs use, and the signal of the time limit.
NAMES = ("ALRM", "CHLD", "HUP", "INT", "PIPE", "PROF", "QUIT", "TERM", "USR1", "USR2", "VTALRM")
SIGNALS = (
    *(getattr(signal, f"SIG{name}") for name in NAMES if hasattr(signal, f"SIG{name}")),
    *((OwnTimer.SIGNAL,) if hasattr(signal, "SIGRTMIN") else ()),
)


# What os.environ holds. A copy of the mapping itself would decode every name, in a hundred times as long.
ENVIRONMENT: dict[Any, Any] = vars(os.environ)["_data"]
# The generator behind random.random().
GENERATOR: Any = random.seed.__self__  # type: ignore[attr-defined]


class ProcessState(NamedTuple):
    """What tasks change for everybody. Two states are equal if nobody has changed anything between them."""

    environment: dict[Any, Any]
    import_path: list[str]
    import_entries: list[str]
    filters: Any
    filter_entries: list[Any]
    show_warning: Any
    record_warning: Any  # What catch_warnings(record=True) replaces.
    working_directory: str | None
    alarm: "Alarm | None"
    handlers: tuple[Any, ...]
    stdout: Any
    stderr: Any
    recursion_limit: int
    socket_timeout: float | None
    collector: bool


def read() -> ProcessState:
    seconds = signal.getitimer(signal.ITIMER_REAL)[0]
    return ProcessState(
        ENVIRONMENT.copy(),
        sys.path,
        sys.path.copy(),
        warnings.filters,
        warnings.filters[:],  # type: ignore[arg-type]
        warnings.showwarning,
        getattr(warnings, "_showwarnmsg_impl", None),
        working_directory(),
        Alarm(time.monotonic() + seconds) if seconds else None,
        tuple(map(getsignal, SIGNALS)),
        sys.stdout,
        sys.stderr,
        sys.getrecursionlimit(),
        socket.getdefaulttimeout(),
        gc.isenabled(),
    )


class OneInvocation(AbstractContextManager[None]):
    """
    A block whose tasks follow each other, with nothing but the worker between them.

    The state is read before its first task alone: after each task it is the same again.
    """

    current: "ClassVar[OneInvocation | None]" = None
    state: ProcessState | None = None

    def __enter__(self) -> None:
        if current_thread() is main_thread():
            OneInvocation.current = self

    def __exit__(self, *exc: object) -> None:
        if current_thread() is main_thread():
            OneInvocation.current = None


def process_state() -> ProcessState | None:
    """
    Return the state of the process before a task.

    Return None in a thread, because other tasks may run beside it, and on systems without SIGALRM.
    """
    if current_thread() is not main_thread() or not hasattr(signal, "SIGALRM"):
        return None
    invocation = OneInvocation.current
    if invocation is not None and invocation.state is not None:
        return invocation.state
    timer()  # Its signal gets its handler now, and not within the task.
    state = read()
    if invocation is not None:
        invocation.state = state
    return state


def put_back(before: ProcessState | None, who: Callable[[], str]) -> None:
    """Put back what differs from process_state() before, and log once who changed it."""
    if before is None:
        return
    now = read()
    if now == before:
        return
    for what, is_changed, restore in (
        ("os.environ", now.environment != before.environment, put_back_environment),
        ("sys.path", now[1:3] != before[1:3], put_back_import_path),
        ("warnings.filters", now[3:7] != before[3:7], put_back_filters),
        ("the working directory", now.working_directory != before.working_directory, put_back_directory),
        ("the timer of SIGALRM", now.alarm != before.alarm, put_back_alarm),
        ("signal handlers", now.handlers != before.handlers, put_back_handlers),
        ("sys.stdout or sys.stderr", now[10:12] != before[10:12], put_back_streams),
        ("the recursion limit", now.recursion_limit != before.recursion_limit, put_back_recursion_limit),
        ("the timeout of sockets", now.socket_timeout != before.socket_timeout, put_back_socket_timeout),
        ("the garbage collector", now.collector != before.collector, put_back_collector),
    ):
        if not is_changed:
            continue
        try:
            detail = restore(before)
        except Exception as exc:  # noqa: BLE001, the others are put back all the same
            logger.error("%s changed %s, which couldn't be put back: %s", who(), what, exc)
        else:
            warn(who(), f"{what} ({detail})" if detail else what)


@lru_cache(maxsize=1_000)
def warn(who: str, what: str) -> None:
    """Warn of a change, once. A task that relied on it would find it gone in the next run."""
    logger.warning("%s changed %s of its process. It was put back, so that no other task sees it", who, what)


@dataclass(slots=True, eq=False)
class Alarm:
    """The timer of SIGALRM. Two readings of one timer differ a little."""

    ends_at: float  # By the monotonic clock.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alarm) and abs(self.ends_at - other.ends_at) < 0.1

    __hash__ = None  # type: ignore[assignment]


def working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # A temporary one, deleted since.
        return None


def put_back_environment(before: ProcessState) -> str:
    """Return the names of the variables, and never their values, which may be secrets."""
    names = ENVIRONMENT.keys() | before.environment.keys()
    changed = [name for name in names if ENVIRONMENT.get(name) != before.environment.get(name)]
    for name in changed:
        key = os.fsdecode(name)
        if name in before.environment:
            os.environ[key] = os.fsdecode(before.environment[name])
        else:
            del os.environ[key]
    keys = sorted(map(os.fsdecode, changed))
    if "TZ" in keys:
        time.tzset()
    return ", ".join(keys)


def put_back_import_path(before: ProcessState) -> None:
    sys.path = before.import_path
    sys.path[:] = before.import_entries


def put_back_filters(before: ProcessState) -> None:
    warnings.filters, warnings.showwarning = before.filters, before.show_warning
    if before.record_warning is not None:
        warnings._showwarnmsg_impl = before.record_warning  # type: ignore[attr-defined]
    warnings.resetwarnings()  # Shows again what a filter of the task hid once.
    warnings.filters[:] = before.filter_entries  # type: ignore[index]


def put_back_directory(before: ProcessState) -> None:
    if before.working_directory is not None:
        os.chdir(before.working_directory)


def put_back_alarm(before: ProcessState) -> None:
    left = 0.0 if before.alarm is None else max(before.alarm.ends_at - time.monotonic(), 0.001)
    signal.setitimer(signal.ITIMER_REAL, left)


def put_back_handlers(before: ProcessState) -> None:
    for number, handler in zip(SIGNALS, before.handlers, strict=True):
        if handler is not None:  # Otherwise it wasn't set by Python, which can't set it either.
            signal.signal(number, handler)


def put_back_streams(before: ProcessState) -> None:
    sys.stdout, sys.stderr = before.stdout, before.stderr


def put_back_recursion_limit(before: ProcessState) -> None:
    sys.setrecursionlimit(before.recursion_limit)


def put_back_socket_timeout(before: ProcessState) -> None:
    socket.setdefaulttimeout(before.socket_timeout)


def put_back_collector(before: ProcessState) -> None:
    (gc.enable if before.collector else gc.disable)()


class Unseeded(float):
    """
    Stands for the absent second number of random.gauss(), which seed() removes: so a seed is noticed.

    To compare the state itself would take ten times as long as everything else here.
    """

    def __mul__(self, sigma: Any) -> Any:
        return GENERATOR.gauss(0.0, 1.0) * sigma  # As if there were no second number.


UNSEEDED = Unseeded()


def watch_seed() -> tuple[Any, bool]:
    """Return what reseed() needs to notice that a task seeded the random numbers."""
    unwatched = GENERATOR.gauss_next is None
    if unwatched:
        GENERATOR.gauss_next = UNSEEDED
    return GENERATOR.gauss_next, unwatched


def reseed(watched: tuple[Any, bool]) -> None:
    """
    Seed the random numbers anew if a task has seeded them.

    They are never put back, because two tasks would draw the same numbers. A task that ran within another
    one leaves the watch to that.
    """
    before, unwatched = watched
    if GENERATOR.gauss_next is not before:
        random.seed()
    elif unwatched:
        GENERATOR.gauss_next = None


def forget_closed_loop() -> None:
    """Forget the event loop of this thread if a task closed it, so that asyncio makes another."""
    local = getattr(getattr(asyncio.events, "_event_loop_policy", None), "_local", None)
    if local is None or not vars(local):
        return
    loop = getattr(local, "_loop", None)
    if loop is None or loop.is_closed():
        vars(local).clear()  # set_event_loop(None) would make get_event_loop() raise in the next task.
