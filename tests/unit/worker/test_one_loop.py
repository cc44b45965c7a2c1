"""Coroutines of several deliveries on one loop: each has its outcome, its time and its thread."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import sync_to_async

from django_offload.exceptions import DeadlineExceeded
from django_offload.worker import one_loop
from django_offload.worker.one_loop import OneLoop
from django_offload.worker.side_by_side import side_by_side

LONGEST_WAIT = 10.0


def meeting(loop, *coroutines, seconds=LONGEST_WAIT):
    """Run coroutine functions at a time; return what each returned or raised, and its thread."""

    def run(number):
        try:
            outcomes[number] = loop.run(coroutines[number], seconds)
        except BaseException as exc:  # noqa: BLE001 - it is what tests look at.
            outcomes[number] = exc
        threads[number] = threading.get_ident()
        return True

    outcomes, threads = [None] * len(coroutines), [None] * len(coroutines)
    assert all(side_by_side(run, range(len(coroutines)), len(coroutines)))
    return outcomes, threads


async def meets(seen, barrier):
    """Return the loop, once as many are on it as the barrier waits for."""
    seen.append(asyncio.get_running_loop())
    async with asyncio.timeout(LONGEST_WAIT):
        await barrier.wait()
    return seen[0]


def test_coroutines_meet_on_one_loop():
    seen, barrier = [], asyncio.Barrier(5)
    with OneLoop() as loop:
        outcomes, threads = meeting(loop, *[lambda: meets(seen, barrier)] * 5)

    assert len({id(one) for one in (*seen, *outcomes)}) == 1
    assert len(set(threads)) == 5
    assert seen[0].is_closed()


def test_without_a_coroutine_there_is_no_loop():
    before = threading.active_count()

    with OneLoop():
        assert threading.active_count() == before


@pytest.mark.parametrize("exception", [ValueError("mine"), SystemExit(3), asyncio.CancelledError()])
def test_what_one_raises_is_its_own(exception):
    async def fails():
        raise exception

    async def goes_on():
        await asyncio.sleep(0.05)
        return "done"

    with OneLoop() as loop:
        outcomes, _ = meeting(loop, fails, goes_on)

    assert outcomes == [exception, "done"]


def test_what_a_coroutine_hands_to_threads_runs_in_the_thread_of_its_delivery():
    async def asks():
        return [await sync_to_async(threading.get_ident)() for _ in range(2)]

    async def is_refused():
        await sync_to_async(int)("none")

    with OneLoop() as loop:
        outcomes, threads = meeting(loop, asks, asks, is_refused)

    assert outcomes[:2] == [[thread, thread] for thread in threads[:2]]
    assert isinstance(outcomes[2], ValueError)


def test_a_coroutine_that_blocks_the_loop_keeps_no_other_from_its_deadline(monkeypatch):
    monkeypatch.setattr(one_loop, "GRACE_SECONDS", 0.1)
    blocked, go_on = threading.Event(), threading.Event()

    async def blocks():
        blocked.set()
        go_on.wait(LONGEST_WAIT)

    async def waits_in_vain():
        return "too late"

    with OneLoop() as loop:
        blocker = threading.Thread(target=loop.run, args=(blocks, LONGEST_WAIT))
        blocker.start()
        assert blocked.wait(LONGEST_WAIT)
        start = time.monotonic()
        (outcome,), _ = meeting(loop, waits_in_vain, seconds=0.1)
        assert time.monotonic() - start < LONGEST_WAIT / 2
        go_on.set()
        blocker.join(LONGEST_WAIT)

    assert isinstance(outcome, DeadlineExceeded)


def test_what_a_coroutine_left_running_is_cancelled_at_the_end_of_the_batch():
    ended = []

    async def lingers():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def leaves():
        kept.append(asyncio.create_task(lingers()))
        await asyncio.sleep(0)

    kept = []
    with OneLoop() as loop:
        loop.run(leaves, LONGEST_WAIT)
        assert ended == []

    assert ended == [True]
