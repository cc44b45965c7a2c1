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
from dataclasses import dataclass
from functools import lru_cache
from threading import current_thread, main_thread
from typing import Any, NamedTuple

from .deadline import OwnTimer, timer

logger = logging.getLogger("django_offload")

# What programs use, and the signal of the time limit.
NAMES = ("ALRM", "CHLD", "HUP", "INT", "PIPE", "PROF", "QUIT", "TERM", "USR1", "USR2", "VTALRM")
SIGNALS = (
    *(getattr(signal, f"SIG{name}") for name in NAMES if hasattr(signal, f"SIG{name}")),
    *((OwnTimer.SIGNAL,) if hasattr(signal, "SIGRTMIN") else ()),
)


class Kept(NamedTuple):
    """
    One thing that tasks change for everybody: how to read it, and how to put it back.

    If what put_back() returns is a text, it says more about the change.
    """

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]


def process_state() -> list[Any] | None:
    """
    Return the state of the process before a task.

    Return None in a thread, because other tasks may run beside it, and on systems without SIGALRM.
    """
    if current_thread() is not main_thread() or not hasattr(signal, "SIGALRM"):
        return None
    timer()  # Its signal gets its handler now, and not within the task.
    return [kept.read() for kept in KEPT]


def put_back(before: list[Any] | None, who: str) -> None:
    """Put back what differs from process_state() before, and log once who changed it."""
    if before is None:
        return
    now = [kept.read() for kept in KEPT]
    if now == before:
        return
    for kept, value_now, value_before in zip(KEPT, now, before, strict=True):
        if value_now == value_before:
            continue
        try:
            detail = kept.put_back(value_before)
        except Exception as exc:  # noqa: BLE001, the others are put back all the same
            logger.error("%s changed %s, which couldn't be put back: %s", who, kept.name, exc)
        else:
            warn(who, f"{kept.name} ({detail})" if isinstance(detail, str) else kept.name)


@lru_cache(maxsize=1_000)
def warn(who: str, what: str) -> None:
    """Warn of a change, once. A task that relied on it would find it gone in the next run."""
    logger.warning("%s changed %s of its process. It was put back, so that no other task sees it", who, what)


def environment() -> dict[Any, Any]:
    # The mapping decodes every name and value; what it holds takes a hundredth of the time.
    return vars(os.environ)["_data"].copy()  # type: ignore[no-any-return]


def put_back_environment(before: dict[Any, Any]) -> str:
    now = environment()
    changed = {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}
    for name in changed:
        key = os.fsdecode(name)
        if name in before:
            os.environ[key] = os.fsdecode(before[name])
        else:
            del os.environ[key]
    names = sorted(map(os.fsdecode, changed))
    if "TZ" in names:
        time.tzset()
    return ", ".join(names)


def import_path() -> tuple[list[str], list[str]]:
    return sys.path, sys.path.copy()


def put_back_import_path(before: tuple[list[str], list[str]]) -> None:
    sys.path, before[0][:] = before


def filters() -> tuple[Any, ...]:
    # The last one is what catch_warnings(record=True) replaces.
    return (
        *(warnings.filters, warnings.filters[:], warnings.showwarning),
        getattr(warnings, "_showwarnmsg_impl", None),
    )


def put_back_filters(before: tuple[Any, ...]) -> None:
    warnings.filters, entries, warnings.showwarning, show = before
    if show is not None:
        warnings._showwarnmsg_impl = show  # type: ignore[attr-defined]
    warnings.resetwarnings()  # Shows again what a filter of the task hid once.
    warnings.filters[:] = entries  # type: ignore[index]


def working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # A temporary one, deleted since.
        return None


def put_back_working_directory(before: str | None) -> None:
    if before is not None:
        os.chdir(before)


@dataclass(slots=True, eq=False)
class Alarm:
    """The timer of SIGALRM, by the time of the monotonic clock when it ends: never two readings the same."""

    ends_at: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alarm) and abs(self.ends_at - other.ends_at) < 0.1

    __hash__ = None  # type: ignore[assignment]


def alarm() -> Alarm | None:
    seconds = signal.getitimer(signal.ITIMER_REAL)[0]
    return Alarm(time.monotonic() + seconds) if seconds else None


def put_back_alarm(before: Alarm | None) -> None:
    left = 0.0 if before is None else max(before.ends_at - time.monotonic(), 0.001)
    signal.setitimer(signal.ITIMER_REAL, left)


def handlers() -> tuple[Any, ...]:
    return tuple(map(getsignal, SIGNALS))


def put_back_handlers(before: tuple[Any, ...]) -> None:
    for number, handler in zip(SIGNALS, before, strict=True):
        if handler is not None:  # Otherwise it wasn't set by Python, which can't set it either.
            signal.signal(number, handler)


# The timer comes before its handler: without one, the signal would end the process.
KEPT = (
    Kept("os.environ", environment, put_back_environment),
    Kept("sys.path", import_path, put_back_import_path),
    Kept("warnings.filters", filters, put_back_filters),
    Kept("the working directory", working_directory, put_back_working_directory),
    Kept("the timer of SIGALRM", alarm, put_back_alarm),
    Kept("signal handlers", handlers, put_back_handlers),
    Kept("sys.stdout", lambda: sys.stdout, lambda before: setattr(sys, "stdout", before)),
    Kept("sys.stderr", lambda: sys.stderr, lambda before: setattr(sys, "stderr", before)),
    Kept("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Kept("the timeout of sockets", socket.getdefaulttimeout, socket.setdefaulttimeout),
    Kept("the garbage collector", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
)


class Unseeded(float):
    """
    Stands for the absent second number of random.gauss(), which seed() removes: so a seed is noticed.

    To compare the state itself would take ten times as long as everything else here.
    """

    def __mul__(self, sigma: Any) -> Any:
        return generator().gauss(0.0, 1.0) * sigma  # As if there were no second number.


UNSEEDED = Unseeded()


def generator() -> Any:
    """Return the generator behind random.random()."""
    return random.seed.__self__  # type: ignore[attr-defined]


def watch_seed() -> Any:
    """Return what reseed() needs to notice that a task seeded the random numbers."""
    shared = generator()
    if shared.gauss_next is None:
        shared.gauss_next = UNSEEDED
    return shared.gauss_next


def reseed(before: Any) -> None:
    """
    Seed the random numbers anew if a task has seeded them.

    They are never put back, because two tasks would draw the same numbers.
    """
    shared = generator()
    if shared.gauss_next is not before:
        random.seed()
    elif before is UNSEEDED:
        shared.gauss_next = None


def forget_closed_loop() -> None:
    """Forget the event loop of this thread if a task closed it, so that asyncio makes another."""
    local = getattr(getattr(asyncio.events, "_event_loop_policy", None), "_local", None)
    if local is None or not vars(local):
        return
    loop = getattr(local, "_loop", None)
    if loop is None or loop.is_closed():
        vars(local).clear()  # set_event_loop(None) would make get_event_loop() raise in the next task.
