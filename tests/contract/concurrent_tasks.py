"""Tasks that run at the same time within one invocation."""

import asyncio
import threading
import time
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections

from django_offload import task

LONGEST_WAIT = 10.0

_lock = threading.Lock()
_met: list[int] = []
# The seconds that the invocation has left.
left = [300.0]
# Every database connection that a task has used, with the id of its thread.
used: list[tuple[int, Any]] = []


def forget() -> None:
    """Clear what earlier tests have left."""
    _met.clear()
    used.clear()
    left[0] = 300.0


def _arrive(others: int) -> float:
    """Join the tasks that wait for each other, and return when to stop waiting."""
    with _lock:
        _met.append(others)
    return time.monotonic() + LONGEST_WAIT


@task
def meet(others: int) -> None:
    """Return when so many tasks have joined."""
    ends = _arrive(others)
    while len(_met) < others:
        if time.monotonic() > ends:
            raise TimeoutError("Nobody came")
        threading.Event().wait(0.001)


@task
async def meet_on_the_loop(others: int) -> int:
    """Do the same in a coroutine, and return the id of its loop."""
    ends = _arrive(others)
    while len(_met) < others:
        if time.monotonic() > ends:
            raise TimeoutError("Nobody came")
        await asyncio.sleep(0.001)
    return id(asyncio.get_running_loop())


@task
def meet_for_the_last_time(others: int) -> None:
    """Meet other tasks; then the invocation has almost no time left."""
    meet.func(others)
    left[0] = 1.0


@task
def in_the_main_thread() -> bool:
    """Return True in the main thread."""
    return threading.current_thread() is threading.main_thread()


@task(timeout=0.2)
def end(how: str) -> str:
    """End in one of the ways in which a function can end."""
    if how == "late":
        ends = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < ends:
            pass
    return _end(how)


@task(timeout=0.2)
async def end_on_the_loop(how: str) -> str:
    """Do the same in a coroutine."""
    if how == "late":
        await asyncio.sleep(LONGEST_WAIT)
    return _end(how)


def _end(how: str) -> str:
    if how == "by exception":
        raise LookupError("The order is gone")
    if how == "by exit":
        raise SystemExit(3)
    return how


@task
def query() -> int:
    """Query the database, and return the id of the thread."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1")
    with _lock:
        used.append((threading.get_ident(), connections[DEFAULT_DB_ALIAS]))
    return threading.get_ident()


@task
async def query_on_the_loop() -> list[int]:
    """Query the database twice, and return the ids of the threads."""
    ask = sync_to_async(query.func)
    return [await ask(), await ask()]
