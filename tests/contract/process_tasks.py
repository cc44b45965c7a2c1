"""Tasks that change their process, and tasks that tell what they find."""

import asyncio
import decimal
import os
import random
import signal
import sys
import time
import warnings
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from django_offload import task

LONGEST = 10.0
variable: ContextVar[str] = ContextVar("variable", default="nobody's")
# What failed tasks had in their local variables.
blocks: list["weakref.ref[Block]"] = []
runs: list[str] = []


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


# What the test does while a task runs.
meanwhile: list[Callable[[], None]] = []


@task(takes_context=True, result_ttl=timedelta(days=3))
def step_and_fail(context: Any) -> None:
    for each in meanwhile:
        each()
    context.step("mine", len, "four")
    raise LookupError("after the step")
