"""
One contender, in a process of its own: does as many calls as it is asked for, and says what they cost.

    python -m tests.benchmarks.driver senders offload

reads orders from its standard input, a JSON object a line, and answers each with another.
"""

import asyncio
import contextvars
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import django

from tests.benchmarks.contenders import KINDS, Work

type Cost = Mapping[str, float]

THREADS = 8
# What a view calls shares its process with Django: the more there is, the longer the collector looks at it.
FROM_VIEWS = {"senders", "bulk"}


def plain(work: Work, calls: int) -> Cost:
    """One after the other in one thread."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        work.once()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def threads(work: Work, calls: int, count: int = THREADS) -> Cost:
    """Shared among threads that begin together."""
    barrier = threading.Barrier(count + 1)

    def run() -> None:
        work.once()  # What a thread does once for itself is not measured here, but by fresh_threads().
        barrier.wait()
        for _ in range(calls // count):
            work.once()

    started = [threading.Thread(target=run) for _ in range(count)]
    for thread in started:
        thread.start()
    barrier.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in started:
        thread.join()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def fresh_threads(work: Work, calls: int) -> Cost:
    """Each in a thread of its own, as a development server has it; the thread itself is not counted."""
    spent = {"wall": 0.0, "cpu": 0.0}
    for _ in range(calls):
        thread = threading.Thread(target=_counted, args=(work, spent))
        thread.start()
        thread.join()
    return spent


def waiting_thread(work: Work, calls: int) -> Cost:
    """
    Each in the same thread, which waits for the next; beside it one is started that does nothing.

    What fresh_threads() compares with: after a thread was made, whatever runs finds the processor's caches
    cold. The difference is what a call does for the first time in a thread.
    """
    spent = {"wall": 0.0, "cpu": 0.0}
    asked, done = queue.SimpleQueue[bool](), queue.SimpleQueue[bool]()

    def run() -> None:
        while asked.get():
            _counted(work, spent)
            done.put(True)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(calls):
        idle = threading.Thread(target=int)
        idle.start()
        idle.join()
        asked.put(True)
        done.get()
    asked.put(False)
    thread.join()
    return spent


def _counted(work: Work, spent: dict[str, float]) -> None:
    wall, cpu = time.perf_counter(), time.thread_time()
    work.once()
    spent["cpu"] += time.thread_time() - cpu
    spent["wall"] += time.perf_counter() - wall


def awaited(work: Work, calls: int) -> Cost:
    """One after the other in one coroutine."""
    return asyncio.run(_awaited(work, calls, fresh=False))


def fresh_contexts(work: Work, calls: int) -> Cost:
    """Each in an async context of its own, as an ASGI server has it."""
    return asyncio.run(_awaited(work, calls, fresh=True))


async def _awaited(work: Work, calls: int, *, fresh: bool) -> Cost:
    assert work.awaited is not None, "it has no asynchronous call"
    once, loop = work.awaited, asyncio.get_running_loop()

    async def run() -> None:
        await once()

    await run()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        if fresh:
            await loop.create_task(run(), context=contextvars.Context())
        else:
            await loop.create_task(run())
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


WAYS: Mapping[str, Callable[[Work, int], Cost]] = {
    way.__name__: way for way in (plain, threads, waiting_thread, fresh_threads, awaited, fresh_contexts)
}


def memory() -> float:
    """Return the megabytes that this process holds in memory."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main(kind: str, name: str) -> None:
    if kind in FROM_VIEWS:
        django.setup()
    work = KINDS[kind][name].work()
    print(
        json.dumps({"tasks": work.tasks, "awaited": work.awaited is not None, "memory": memory()}), flush=True
    )
    for line in sys.stdin:
        order = json.loads(line)
        if "prepare" in order:
            print(json.dumps({"prepared": work.prepare(order["prepare"]) is None}), flush=True)
            continue
        cost = WAYS[order["way"]](work, order["calls"])
        print(json.dumps({**cost, "memory": memory(), "modules": len(sys.modules)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
