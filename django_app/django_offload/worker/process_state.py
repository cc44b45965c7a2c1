"""What a task changes in its process for everybody, put back before the next task."""

# What `locale` and `signal` make of these takes two to eight times as long.
import _locale
import _signal  # type: ignore[import-not-found]
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
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import current_thread, main_thread
from typing import Any, NamedTuple
from weakref import ReferenceType

from ..compat import SIGNALS as SIGNALS_OF_TASKS
from .deadline import timer
from .process_restore import ENVIRON, ENVIRONMENT, OFF, PARTS, SETTINGS, SIGNALS, Alarm

logger = logging.getLogger("django_offload")

# The generator behind random.random().
GENERATOR: Any = random.seed.__self__  # type: ignore[attr-defined]
# While this cache of the root logger has our mark, every logger has the level that levels() returned:
# setLevel() and logging.disable() clear it.
CACHE: dict[Any, bool] = logging.root._cache  # type: ignore[attr-defined]
MARK = "django_offload"


class ProcessState(NamedTuple):
    """What tasks change for everybody."""

    changes: int  # Of os.environ, which is only copied here.
    environment: tuple[bool, dict[Any, Any]]  # Whether os.environ is Python's own, and what it holds.
    import_path: tuple[Any, ...]  # The list, what is in it, and which list it is.
    filters: tuple[Any, ...]  # Likewise, and what shows warnings.
    handlers: tuple[Any, ...]
    streams: tuple[Any, ...]
    limits: tuple[Any, ...]
    socket_timeout: float | None
    collector: tuple[Any, ...]
    settings: Any
    log_handlers: list[Any] | None
    levels: dict[Any, Any]
    loops: Any
    faults: bool
    # The system keeps these, so that it takes longer to read them.
    file_mask: int
    working_directory: str | None
    alarm: Alarm
    signal_mask: Any
    locale: str


def read() -> ProcessState:
    return ProcessState(
        ENVIRONMENT.changes,
        environment(),
        (sys.path, entries_of(sys.path), id(sys.path)),
        (
            *(warnings.filters, entries_of(warnings.filters)),
            *(warnings.showwarning, getattr(warnings, "_showwarnmsg_impl", None), id(warnings.filters)),
        ),
        tuple(map(_signal.getsignal, SIGNALS)),
        (sys.stdout, sys.stderr, sys.stdin),
        (sys.getrecursionlimit(), sys.get_int_max_str_digits()),
        socket.getdefaulttimeout(),
        (gc.isenabled(), gc.get_threshold()),
        SETTINGS["_wrapped"],
        entries_of(logging.root.handlers),
        levels(),
        loop_policy(),
        faults(),
        file_mask(),
        working_directory(),
        alarm(),
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
        _locale.setlocale(_locale.LC_ALL),
    )


def entries_of(setting: Any) -> list[Any] | None:
    """Return what a list holds now, or None if a task left anything else in its place."""
    return setting[:] if isinstance(setting, list) else None


def is_unchanged(before: ProcessState, mask: int) -> bool:
    """Return True if nothing differs from the state before. `mask` is the umask of now."""
    # One function, which takes the state apart at once, because every task waits for it.
    (
        changes,
        _,
        (path, entries, _),
        (filters, shown, show, _, _),
        handlers,
        (out, err, read_from),
        (recursion, digits),
        socket_timeout,
        (collects, thresholds),
        settings,
        log_handlers,
        levels,
        policy,
        shows_faults,
        mask_before,
        directory,
        alarm_before,
        blocked,
        locale,
    ) = before
    return (
        ENVIRONMENT.changes == changes
        and os.environ is ENVIRON
        and sys.path is path
        and path == entries
        and warnings.filters is filters
        and filters == shown
        and warnings.showwarning is show
        and sys.stdout is out
        and sys.stderr is err
        and sys.stdin is read_from
        and SETTINGS["_wrapped"] is settings
        and logging.root.handlers == log_handlers
        and MARK in CACHE
        and logger.disabled is levels[logger][1]
        and tuple(map(_signal.getsignal, SIGNALS)) == handlers
        and sys.getrecursionlimit() == recursion
        and sys.get_int_max_str_digits() == digits
        and socket.getdefaulttimeout() == socket_timeout
        and gc.isenabled() is collects
        and gc.get_threshold() == thresholds
        and getattr(asyncio.events, "_event_loop_policy", None) is policy
        and ("faulthandler" not in sys.modules or faults() is shows_faults)
        and mask == mask_before
        and _locale.setlocale(_locale.LC_ALL) == locale
        and _signal.pthread_sigmask(_signal.SIG_BLOCK, ()) == blocked
        and working_directory() == directory
        and ((now := alarm()) is alarm_before or now == alarm_before)
    )


@dataclass(slots=True)
class Last:
    """The state before the last task, which is used again if nothing differs from it."""

    state: ProcessState | None = None
    is_inside: bool = False  # An invocation.
    is_current: bool = False  # Nothing but the worker has run since the last task of this invocation.
    receivers: list[Any] = field(default_factory=list)  # Of task_started and task_finished.
    has_receivers: bool = False  # Of the project among them.


last = Last()


class OneInvocation(AbstractContextManager[None]):
    """
    A block whose tasks follow each other, with nothing but the worker between them.

    If so, the state before each is the state before the first, which the worker doesn't read again.
    """

    def __enter__(self) -> None:
        if current_thread() is main_thread():
            last.is_inside, last.is_current = True, False

    def __exit__(self, *exc: object) -> None:
        if current_thread() is main_thread():
            last.is_inside = False


def process_state() -> ProcessState | None:
    """
    Return the state of the process before a task.

    Return None in a thread, because other tasks may run beside it, and on systems without SIGALRM.
    """
    if current_thread() is not main_thread() or not hasattr(signal, "SIGALRM"):
        return None
    state = last.state
    if state is not None and last.is_inside and last.is_current and not has_receivers():
        return state
    if state is not None and state.changes != ENVIRONMENT.changes:
        # Before each invocation, Lambda's runtime sets a variable.
        state = state._replace(changes=ENVIRONMENT.changes, environment=environment())
    try:
        if state is None or not is_unchanged(state, file_mask()):
            timer()  # Its signal gets its handler now, and not within the task.
            state = read()
    except Exception:
        last.state = None
        logger.exception("What tasks change in their process isn't put back, because it can't be read")
        return None
    last.state = state
    last.is_current = not has_receivers()
    return state


def has_receivers() -> bool:
    """Return True if the project receives signals of tasks: its code then runs between two tasks."""
    receivers: list[Any] = []
    for name in SIGNALS_OF_TASKS:
        if (module := sys.modules.get(name)) is not None:
            receivers += module.task_started.receivers
            receivers += module.task_finished.receivers
    if receivers != last.receivers:
        references = [entry[1] for entry in receivers]
        found = [each() if isinstance(each, ReferenceType) else each for each in references]
        last.receivers = receivers
        last.has_receivers = any(
            each is not None and getattr(each, "__module__", None) not in SIGNALS_OF_TASKS for each in found
        )
    return last.has_receivers


def put_back(before: ProcessState | None, who: Callable[[], str]) -> None:
    """Put back what differs from process_state() before, and log once who changed it."""
    if before is None:
        return
    mask = os.umask(before.file_mask)  # Put back already, because it can't be read otherwise.
    try:
        if is_unchanged(before, mask):
            return
        now = read()
        now = now._replace(file_mask=mask, levels={each: now.levels.get(each) for each in before.levels})
    except Exception:  # noqa: BLE001, such as sys.stdout that a task deleted
        now = None
    last.state = None  # What can't be put back isn't blamed on the next task.
    changed, failed = list[str](), list[tuple[str, Exception]]()
    for name, (what, restore) in PARTS.items():
        value = getattr(before, name)
        if now is not None and getattr(now, name) == value:
            continue
        try:
            detail = restore(value)
        except Exception as reason:  # noqa: BLE001, the others are put back all the same
            failed.append((what, reason))
        else:
            changed.append(f"{what} ({detail})" if detail else what)
    if now is None:  # So all is put back.
        changed = ["something that the worker reads"]
    # Now that logging and the streams are those of the worker again.
    for what in changed:
        warn(who(), what)
    for what, failure in failed:
        logger.error("%s changed %s, which couldn't be put back: %s", who(), what, failure)


@lru_cache(maxsize=1_000)
def warn(who: str, what: str) -> None:
    """Warn of a change, once. A task that relied on it would find it gone in the next run."""
    logger.warning("%s changed %s of its process. It was put back, so that no other task sees it", who, what)


def file_mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def environment() -> tuple[bool, dict[Any, Any]]:
    return os.environ is ENVIRON, ENVIRONMENT.copy()


def alarm() -> Alarm:
    seconds, interval = _signal.getitimer(_signal.ITIMER_REAL)
    return Alarm(time.monotonic() + seconds, interval) if seconds else OFF


def working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # A temporary one, deleted since.
        return None


def levels() -> dict[Any, Any]:
    """Return the level of each logger, and whether it is disabled, and mark that all have these."""
    manager = logging.root.manager
    named = (each for each in manager.loggerDict.values() if isinstance(each, logging.Logger))
    CACHE[MARK] = True
    levels = {each: (each.level, each.disabled) for each in (logging.root, *named)}
    return {manager: manager.disable, **levels}


def loop_policy() -> Any:
    """Return asyncio's event loop policy, which asyncio makes when it is first asked for it."""
    (getattr(asyncio.events, "_get_event_loop_policy", None) or asyncio.get_event_loop_policy)()
    return getattr(asyncio.events, "_event_loop_policy", None)


def faults() -> bool:
    """Return True if faulthandler is enabled. It isn't imported for that."""
    module = sys.modules.get("faulthandler")
    return module is not None and module.is_enabled()


class Unseeded(float):
    """
    Stands for the absent second number of random.gauss(), which seed() removes: so a seed is noticed.

    To compare the state itself would take ten times as long as everything else here.
    """

    def __mul__(self, sigma: Any) -> Any:
        return GENERATOR.gauss(0.0, 1.0) * sigma  # As if there were no second number.

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()  # In a copy of the state, there is none.


def watch_seed() -> tuple[Any, bool]:
    """Return what reseed() needs to notice that a task seeded the random numbers."""
    unwatched = GENERATOR.gauss_next is None
    if unwatched:
        # A new one for each task, which must not be able to set a state that an earlier task read.
        GENERATOR.gauss_next = Unseeded()
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
