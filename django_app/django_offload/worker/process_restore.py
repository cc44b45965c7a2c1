"""Put back what a task changed for everybody in its process, each in its own way."""

import _locale
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import UserSettingsHolder, settings
from django.core.signals import setting_changed

from .deadline import OwnTimer

# What programs use, and the signal of the time limit.
NAMES = ("ALRM", "CHLD", "HUP", "INT", "PIPE", "PROF", "QUIT", "TERM", "USR1", "USR2", "VTALRM")
SIGNALS = (
    *(getattr(signal, f"SIG{name}") for name in NAMES if hasattr(signal, f"SIG{name}")),
    *((OwnTimer.SIGNAL,) if hasattr(signal, "SIGRTMIN") else ()),
)


class Environment(dict[Any, Any]):
    """What os.environ holds, and how often it was changed: to compare it takes longer than all else here."""

    changes = 0

    def __setitem__(self, name: Any, value: Any) -> None:
        self.changes += 1
        super().__setitem__(name, value)

    def __delitem__(self, name: Any) -> None:
        self.changes += 1
        super().__delitem__(name)


def watched_environment() -> Environment:
    """Return what os.environ holds from now on."""
    holders = [vars(os.environ), *([vars(os.environb)] if os.supports_bytes_environ else [])]
    environment = Environment(holders[0]["_data"])
    for holder in holders:
        holder["_data"] = environment
    return environment


ENVIRON, ENVIRONMENT = os.environ, watched_environment()
# What django.conf.settings stands for, without its __getattribute__(), which takes seven times as long.
SETTINGS: dict[str, Any] = vars(settings)


@dataclass(slots=True, eq=False)
class Alarm:
    """The timer of SIGALRM. Two readings of one timer differ a little."""

    ends_at: float  # By the monotonic clock; 0.0 if it is off.
    interval: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alarm) and abs(self.ends_at - other.ends_at) < 0.1

    __hash__ = None  # type: ignore[assignment]


OFF = Alarm(0.0, 0.0)


def put_back_environment(state: tuple[bool, dict[Any, Any]]) -> str:
    """Return the names of the variables, and never their values, which may be secrets."""
    was_own, before = state
    if was_own:
        os.environ = ENVIRON  # noqa: B003, the same again
    names = ENVIRONMENT.keys() | before.keys()
    changed = [name for name in names if ENVIRONMENT.get(name) != before.get(name)]
    for name in changed:
        key = os.fsdecode(name)
        if name in before:
            os.environ[key] = os.fsdecode(before[name])
        else:
            del os.environ[key]
    keys = sorted(map(os.fsdecode, changed))
    if "TZ" in keys:
        time.tzset()
    return ", ".join(keys)


def put_back_import_path(before: tuple[Any, ...]) -> None:
    sys.path, entries, _ = before
    if entries is not None:
        sys.path[:] = entries


def put_back_filters(before: tuple[Any, ...]) -> None:
    warnings.filters, entries, warnings.showwarning, show, _ = before
    if show is not None:
        warnings._showwarnmsg_impl = show  # type: ignore[attr-defined]
    if entries is not None:
        warnings.resetwarnings()  # Shows again what a filter of the task hid once.
        warnings.filters[:] = entries  # type: ignore[index]


def put_back_alarm(before: Alarm) -> None:
    left = max(before.ends_at - time.monotonic(), 0.001) if before != OFF else 0.0
    signal.setitimer(signal.ITIMER_REAL, left, before.interval)


def put_back_handlers(before: tuple[Any, ...]) -> None:
    # Without their handlers, the signals of these timers would end the process.
    for number, which in ((signal.SIGVTALRM, signal.ITIMER_VIRTUAL), (signal.SIGPROF, signal.ITIMER_PROF)):
        if signal.getsignal(number) != before[SIGNALS.index(number)]:
            signal.setitimer(which, 0)
    for number, handler in zip(SIGNALS, before, strict=True):
        if handler is not None:  # Otherwise it wasn't set by Python, which can't set it either.
            signal.signal(number, handler)


def put_back_signal_mask(before: Any) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def put_back_streams(before: tuple[Any, ...]) -> None:
    sys.stdout, sys.stderr, sys.stdin = before


def put_back_limits(before: tuple[Any, ...]) -> None:
    recursion, digits = before
    sys.setrecursionlimit(recursion)
    sys.set_int_max_str_digits(digits)


def put_back_collector(before: tuple[Any, ...]) -> None:
    is_on, threshold = before
    (gc.enable if is_on else gc.disable)()
    gc.set_threshold(*threshold)


def put_back_settings(before: Any) -> None:
    """Leave what override_settings() entered, and have every cache of a setting notice it."""
    names, holder = list[str](), SETTINGS["_wrapped"]
    while holder is not before and isinstance(holder, UserSettingsHolder):
        here = [name for name in vars(holder) if name.isupper()]
        if "INSTALLED_APPS" in here:
            apps.unset_installed_apps()
        names += here
        holder = holder.default_settings
    settings._wrapped = before
    for name in names:
        value = getattr(settings, name, None)
        setting_changed.send_robust(sender=type(before), setting=name, value=value, enter=False)


def put_back_log_handlers(before: list[Any] | None) -> None:
    if before is not None:
        logging.root.handlers = before[:]


def put_back_levels(before: dict[Any, Any]) -> None:
    for each, kept in before.items():
        if each is logging.root.manager:
            logging.disable(kept)
        elif (each.level, each.disabled) != kept:
            level, each.disabled = kept
            each.setLevel(level)


def put_back_loop_policy(before: Any) -> None:
    asyncio.events._event_loop_policy = before  # type: ignore[attr-defined]


def put_back_faults(before: bool) -> None:
    import faulthandler  # Only tasks that use it load it.

    if before:
        faulthandler.enable(sys.__stderr__ or sys.stderr)
    else:
        faulthandler.disable()


def put_back_directory(before: str | None) -> None:
    if before is None:
        raise FileNotFoundError("the one before was deleted")
    os.chdir(before)


def put_back_file_mask(before: int) -> None:
    os.umask(before)


def put_back_locale(before: str) -> None:
    _locale.setlocale(_locale.LC_ALL, before)


# What each field is called, and what puts it back. Before its handler, the timer of a signal.
PARTS: dict[str, tuple[str, Callable[[Any], str | None]]] = {
    "alarm": ("the timer of SIGALRM", put_back_alarm),
    "handlers": ("signal handlers", put_back_handlers),
    "signal_mask": ("the blocked signals", put_back_signal_mask),
    "settings": ("the settings", put_back_settings),  # Its receivers set TZ.
    "environment": ("os.environ", put_back_environment),
    "import_path": ("sys.path", put_back_import_path),
    "filters": ("warnings.filters", put_back_filters),
    "streams": ("sys.stdout, sys.stderr or sys.stdin", put_back_streams),
    "limits": ("the limits of the interpreter", put_back_limits),
    "socket_timeout": ("the timeout of sockets", socket.setdefaulttimeout),
    "collector": ("the garbage collector", put_back_collector),
    "log_handlers": ("the handlers of the root logger", put_back_log_handlers),
    "levels": ("the levels of loggers", put_back_levels),
    "loops": ("the event loop policy", put_back_loop_policy),
    "faults": ("faulthandler", put_back_faults),
    "working_directory": ("the working directory", put_back_directory),
    "file_mask": ("the umask", put_back_file_mask),
    "locale": ("the locale", put_back_locale),
}
