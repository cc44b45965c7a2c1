"""Tasks that each change one thing of their process, and a task that tells what it finds."""

import asyncio
import faulthandler
import gc
import io
import locale
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.test.utils import override_settings
from django.utils import timezone

from django_offload import task
from django_offload.compat import signals
from django_offload.worker.deadline import OwnTimer

states: list[Any] = []


def state() -> list[Any]:
    """Return what tasks below change, as JSON can hold it."""
    mask = os.umask(0o022)
    os.umask(mask)
    loggers = [logging.getLogger(name) for name in (None, "django_offload", "tests.noisy")]
    return [
        [type(os.environ).__name__, sorted(os.environ.items())],
        time.tzname[0],
        os.getcwd(),
        [*sys.path],
        [id(warnings.filters), *map(str, warnings.filters)],
        [str(warnings.showwarning), str(getattr(warnings, "_showwarnmsg_impl", None))],
        [str(signal.getsignal(number)) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1)],
        [signal.getitimer(which)[0] > 0 for which in (signal.ITIMER_REAL, signal.ITIMER_PROF)],
        sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        [id(sys.path), id(sys.stdin), id(sys.stdout), id(sys.stderr)],
        [sys.getrecursionlimit(), sys.get_int_max_str_digits()],
        socket.getdefaulttimeout(),
        [gc.isenabled(), gc.get_threshold()[0]],
        [settings.LANGUAGE_CODE, settings.TIME_ZONE, timezone.get_default_timezone_name()],
        [logging.root.manager.disable, len(logging.root.handlers)],
        [[logger.level, logger.disabled] for logger in loggers],
        faulthandler.is_enabled(),
        mask,
        locale.setlocale(locale.LC_ALL),
        policy(),
    ]


def policy() -> str:
    with warnings.catch_warnings(action="ignore"):
        return type(asyncio.get_event_loop_policy()).__name__


@task
def look() -> list[Any]:
    return state()


class OwnPolicy(asyncio.DefaultEventLoopPolicy):
    """As uvloop has one."""


def change_environment() -> None:
    os.environ.update(LEFT_BEHIND="1", TZ="Asia/Tokyo")
    os.environ.pop("HOME", None)
    time.tzset()


def replace_environment() -> None:
    os.environ = {**os.environ}  # type: ignore[assignment] # noqa: B003


def replace_path() -> None:
    sys.path = [*sys.path]


def replace_filters() -> None:
    warnings.filters = [*warnings.filters]


def show_warnings_by_print() -> None:
    warnings.showwarning = print  # type: ignore[assignment]


def leave_directory() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)


def start_profile_timer() -> None:
    signal.signal(signal.SIGPROF, lambda *args: None)
    signal.setitimer(signal.ITIMER_PROF, 60)


def close_streams() -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, as careless code does
    sys.stdout.close()


def replace_stream(name: str) -> None:
    setattr(sys, name, io.StringIO())


def override_twice() -> None:
    override_settings(LANGUAGE_CODE="de").enable()
    override_settings(TIME_ZONE="Asia/Tokyo").enable()


def silence_the_worker() -> None:
    logging.getLogger("django_offload").disabled = True


def toggle_faults() -> None:
    (faulthandler.disable if faulthandler.is_enabled() else faulthandler.enable)()


def set_policy() -> None:
    with warnings.catch_warnings(action="ignore"):
        asyncio.set_event_loop_policy(OwnPolicy())


# What changes the process, and what the worker's log says of it.
CHANGES: dict[str, tuple[Callable[[], Any], str]] = {
    "variables": (change_environment, "os.environ (HOME, LEFT_BEHIND, TZ)"),
    "variables elsewhere": (replace_environment, "os.environ"),
    "a path": (lambda: sys.path.insert(0, "/left/behind"), "sys.path"),
    "paths": (replace_path, "sys.path"),
    "no path": (lambda: setattr(sys, "path", None), "sys.path"),
    "paths for good": (lambda: setattr(sys, "path", (*sys.path,)), "sys.path"),
    "no filters": (lambda: setattr(warnings, "filters", None), "warnings.filters"),
    "no log handlers": (lambda: setattr(logging.root, "handlers", None), "the handlers of the root logger"),
    "no stream": (lambda: delattr(sys, "stdin"), "something that the worker reads"),
    "a filter": (lambda: warnings.filterwarnings("ignore", "left behind"), "warnings.filters"),
    "filters": (replace_filters, "warnings.filters"),
    "recorded warnings": (lambda: warnings.catch_warnings(record=True).__enter__(), "warnings.filters"),
    "printed warnings": (show_warnings_by_print, "warnings.filters"),
    "directory": (leave_directory, "the working directory"),
    "alarm": (lambda: signal.setitimer(signal.ITIMER_REAL, 60, 1), "the timer of SIGALRM"),
    "ignored alarm": (lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN), "signal handlers"),
    "ignored end": (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), "signal handlers"),
    "own signal": (lambda: signal.signal(signal.SIGUSR1, print), "signal handlers"),
    "profile": (start_profile_timer, "signal handlers"),
    "blocked": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [OwnTimer.SIGNAL, signal.SIGUSR2]),
        "the blocked signals",
    ),
    "streams": (close_streams, "sys.stdout, sys.stderr or sys.stdin"),
    "stdout": (partial(replace_stream, "stdout"), "sys.stdout, sys.stderr or sys.stdin"),
    "stderr": (partial(replace_stream, "stderr"), "sys.stdout, sys.stderr or sys.stdin"),
    "stdin": (partial(replace_stream, "stdin"), "sys.stdout, sys.stderr or sys.stdin"),
    "recursion": (
        lambda: sys.setrecursionlimit(5_000),
        "the limits of the interpreter",
    ),
    "digits": (lambda: sys.set_int_max_str_digits(0), "the limits of the interpreter"),
    "sockets": (lambda: socket.setdefaulttimeout(1.5), "the timeout of sockets"),
    "collector": (gc.disable, "the garbage collector"),
    "threshold": (lambda: gc.set_threshold(5), "the garbage collector"),
    "a setting": (lambda: override_settings(LANGUAGE_CODE="de").enable(), "the settings"),
    "settings": (override_twice, "the settings"),
    "silence": (lambda: logging.disable(logging.CRITICAL), "the levels of loggers"),
    "chatter": (lambda: logging.getLogger("tests.noisy").setLevel(logging.DEBUG), "the levels of loggers"),
    "root level": (lambda: logging.root.setLevel(logging.CRITICAL), "the levels of loggers"),
    "silent worker": (silence_the_worker, "the levels of loggers"),
    "handler": (lambda: logging.root.addHandler(logging.NullHandler()), "the handlers of the root logger"),
    "policy": (set_policy, "the event loop policy"),
    "faults": (toggle_faults, "faulthandler"),
    "umask": (lambda: os.umask(0o007), "the umask"),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), "the locale"),
    "locale of numbers": (lambda: locale.setlocale(locale.LC_NUMERIC, "C.UTF-8"), "the locale"),
}


@task
def change_process(how: str) -> bool:
    """Change one thing, and return True if state() shows it."""
    before = state()
    CHANGES[how][0]()
    # Of these, state() can't be read.
    return how in {"directory", *(each for each in CHANGES if each.startswith("no "))} or state() != before


@task
def go_on_with_state() -> float:
    """Draw the next number of the state that the first of these tasks has read."""
    if not states:
        states.append(random.getstate())
    random.setstate(states[0])
    return random.random()


def begin(task_result: Any, **kwargs: Any) -> None:
    """Receive task_started."""
    os.environ["CURRENT_TASK"] = task_result.id


@task
def connect_receiver() -> None:
    """Begin to receive signals, as a module does that is first imported here."""
    signals.task_started.connect(begin)


@task
def read_variable() -> str | None:
    return os.environ.get("CURRENT_TASK")
