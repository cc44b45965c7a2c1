"""Tasks that change their process, and tasks that tell what they find."""

import asyncio
import decimal
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
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test.utils import override_settings
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from django_offload import task
from django_offload.worker.deadline import OwnTimer

LONGEST = 10.0
variable: ContextVar[str] = ContextVar("variable", default="nobody's")
# What failed tasks had in their local variables.
blocks: list["weakref.ref[Block]"] = []
runs: list[str] = []
states: list[Any] = []


def context_now() -> list[Any]:
    return [
        translation.get_language(),
        timezone.get_current_timezone_name(),
        variable.get(),
        decimal.getcontext().prec,
        get_script_prefix(),
        get_urlconf(),
    ]


def change_context() -> list[Any]:
    before = context_now()
    translation.override("de").__enter__()
    timezone.activate("Asia/Tokyo")
    variable.set("mine")
    decimal.getcontext().prec = 3
    set_script_prefix("/left/")
    set_urlconf("left.behind")
    translation.deactivate_all()
    return before


@task
def change() -> list[Any]:
    return change_context()


@task
async def change_on_the_loop() -> list[Any]:
    before = await sync_to_async(change_context)()
    await asyncio.sleep(0)
    return before


class Block:
    """A large value."""


class Lost(Exception):
    """Carries a block."""


def fail_with_block(how: str) -> Any:
    block = Block()
    blocks.append(weakref.ref(block))
    if how == "saved":
        try:
            raise Lost(block)
        except Lost as exc:
            saved = exc
        raise LookupError(str(saved))
    if how == "chained":
        try:
            fail_with_block("plain")
        except LookupError as exc:
            raise Lost(block) from exc
    if how == "group":
        raise ExceptionGroup("several", [caught(), caught()])
    if how == "returned":
        return block
    if how == "late":
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends:
            pass
    raise LookupError("The order is gone")


def caught() -> LookupError:
    """Return an exception whose frames have it in a variable."""
    try:
        fail_with_block("plain")
    except LookupError as exc:
        found = exc
    return found


WITH_BLOCKS = ("plain", "saved", "chained", "group", "returned", "late")


@task(timeout=0.2, max_attempts=2, backoff=0)
def fail(how: str) -> Any:
    return fail_with_block(how)


@task(timeout=0.2, sensitive="secret")
def fail_with_secret(how: str, secret: str) -> Any:
    return fail_with_block(how)


@task(timeout=0.2)
async def fail_on_the_loop(how: str) -> Any:
    if how == "late":
        block = Block()
        blocks.append(weakref.ref(block))
        await asyncio.sleep(LONGEST)
    return await sync_to_async(fail_with_block)(how) if how == "saved" else fail_with_block(how)


@task
def count_blocks() -> int:
    """Return how many blocks of failed tasks are alive."""
    return sum(block() is not None for block in blocks)


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
}


@task
def change_process(how: str) -> bool:
    """Change one thing, and return True if state() shows it."""
    before = state()
    CHANGES[how][0]()
    if how == "directory":
        return True
    return state() != before


@task
def go_on_with_state() -> float:
    """Draw the next number of the state that the first of these tasks has read."""
    if not states:
        states.append(random.getstate())
    random.setstate(states[0])
    return random.random()


@task
def read_variable() -> str | None:
    return os.environ.get("CURRENT_TASK")


@task(timeout=0.5)
def use_alarm(how: str) -> None:
    """Use SIGALRM as libraries do, and then work for longer than the time limit."""
    if how == "off":
        signal.alarm(0)
    elif how == "ignored":
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    elif how == "timer":
        signal.setitimer(signal.ITIMER_REAL, 60)
    else:
        before = signal.signal(signal.SIGALRM, lambda *args: None)
        signal.alarm(60)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        time.sleep(0.01)


@task
def fork(how: str) -> int | None:
    """Fork a child that comes back from the task's function, and return its exit code."""
    with warnings.catch_warnings(action="ignore"):  # Of the threads of the tests.
        pid = os.fork()
    if pid == 0:
        if how == "raises":
            raise LookupError("in the child")
        if how == "exits":
            sys.exit(7)
        return 0
    runs.append(how)
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


@task
async def fork_on_the_loop(how: str) -> int | None:
    code: int | None = fork.func(how)
    return code


@task
async def fork_beside_the_loop(how: str) -> int | None:
    """Fork in a function that runs in a thread for a coroutine."""
    code: int | None = await sync_to_async(fork.func)(how)
    return code


@task
def seed() -> float:
    random.seed(1)
    return random.random()


@task
def draw() -> list[float]:
    return [random.random(), random.gauss(0, 1), random.gauss(0, 1)]


@task
def nothing() -> None:
    pass


@task(takes_context=True)
def report(context: Any) -> str:
    context.progress(1, 2, "half")
    return str(context.step("key", lambda: "kept"))


@task
def close_loop(how: str) -> None:
    if how == "run":
        asyncio.run(asyncio.sleep(0))
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@task
async def on_the_loop() -> None:
    await asyncio.sleep(0)


@task
def use_loop() -> bool:
    """Use a loop as older code does."""
    with warnings.catch_warnings(action="ignore"):
        loop = asyncio.get_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    is_usable = not loop.is_closed()
    loop.close()
    return is_usable


@task
async def stop_the_loop() -> str:
    """Stop the loop that others share."""
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.05)
    return "went on"


@task
async def sleep_on_the_loop() -> str:
    await asyncio.sleep(0.2)
    return "went on"


@task(max_attempts=3, backoff=0)
def return_value(how: str) -> Any:
    runs.append(how)
    circle: list[Any] = []
    circle.append(circle)
    values = {
        "date": {"days": [1, date(2026, 1, 1)]},
        "NaN": float("nan"),
        "set": {1},
        "object": Block(),
        "circle": circle,
    }
    values |= {"bytes": b"\xff", "key": {(1, 2): 3}, "large": "x" * 300_000}
    return values[how]


@task(max_attempts=3, backoff=0, takes_context=True)
def step(context: Any, how: str) -> None:
    runs.append(how)
    context.step("mine", return_value.func, how)


@task(max_attempts=3, backoff=0, takes_context=True)
def effect(context: Any, how: str) -> None:
    runs.append(how)
    context.atomic("mine", return_value.func, how)


@task(max_attempts=3, backoff=0, takes_context=True)
async def steps_in_group(context: Any, how: str) -> None:
    runs.append(how)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(context.step, "mine", return_value.func, how))
