"""Tasks that report and enqueue in threads of their own, in every usual way."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from multiprocessing.pool import ThreadPool
from threading import Event, Thread, Timer
from typing import Any

from django_offload import progress, task, track

requester: ContextVar[str | None] = ContextVar("requester", default=None)
kept = ThreadPoolExecutor(1)  # A pool that lives longer than a task, as a module of a project may keep it.


# Whose threads begin in the first task that uses it.
thread_pools: list[ThreadPool] = []
may_go_on, late_children = Event(), list[str]()


def owner_of_request() -> str | None:
    return requester.get()


def in_thread(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


class OwnThread(Thread):
    """A thread whose code is in run()."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__()
        self.function = function

    def run(self) -> None:
        self.result = self.function()


def in_own_thread(function: Callable[[], Any]) -> Any:
    thread = OwnThread(function)
    thread.start()
    thread.join()
    return thread.result


def in_timer(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    timer = Timer(0, lambda: results.append(function()))
    timer.start()
    timer.join()
    return results[0]


def in_pool(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor() as pool:
        return pool.submit(function).result()


def in_map_of_pool(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor() as pool:
        return next(pool.map(lambda _: function(), [1]))


def in_kept_pool(function: Callable[[], Any]) -> Any:
    return kept.submit(function).result()


def in_executor_of_loop(function: Callable[[], Any]) -> Any:
    async def run() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, function)

    return asyncio.run(run())


WAYS = {
    "thread": in_thread,
    "own thread": in_own_thread,
    "timer": in_timer,
    "pool": in_pool,
    "map of a pool": in_map_of_pool,
    "kept pool": in_kept_pool,
    "executor of a loop": in_executor_of_loop,
    "thread of a thread": lambda function: in_thread(lambda: in_thread(function)),
}


@task
def child() -> None:
    """Do nothing."""


@task
def enqueues(way: str) -> str:
    return str(WAYS[way](lambda: child.enqueue().id))


@task
def reports(way: str) -> None:
    WAYS[way](lambda: progress(3, 7, "from a thread"))


@task
def tracks(way: str) -> None:
    WAYS[way](lambda: list(track([1, 2, 3])))


@task(max_attempts=1)
def runs_away(way: str) -> None:
    WAYS[way](lambda: runs_away.enqueue(way))


@task
def enqueues_in_kept_threads() -> str:
    if not thread_pools:
        thread_pools.append(ThreadPool(1))
    return str(thread_pools[0].apply(lambda: child.enqueue().id))


@task
def leaves_a_thread() -> None:
    def goes_on() -> None:
        may_go_on.wait(10)
        progress(1, 1)
        late_children.append(child.enqueue().id)

    Thread(target=goes_on, name="left").start()
