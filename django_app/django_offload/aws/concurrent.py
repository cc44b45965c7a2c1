"""Calls that are under way together, and rounds of them: for what a batch leaves undone."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .lean import made_together
from .time_budget import LEAST_SECONDS, seconds_left

# As many connections as are kept for the next calls.
MOST_TOGETHER = 32
# What AWS leaves out of a batch is asked for this often again, after pauses that double, with full jitter.
MOST_ROUNDS = 6
FIRST_PAUSE_SECONDS = 0.05

# Begins a call, and returns what waits for its result.
type Beginning[T] = Callable[[], Callable[[], T]]


def together[T](beginnings: Iterable[Beginning[T]], most: int = MOST_TOGETHER) -> Iterator[T | Exception]:
    """Begin each call, at most `most` at a time, and yield in their order its result or what it raised."""
    under_way: deque[Callable[[], T | Exception]] = deque()
    rest = iter(beginnings)
    with made_together():
        under_way.extend(begun(begin) for begin in islice(rest, most))
    for begin in rest:
        yield under_way.popleft()()
        under_way.append(begun(begin))
    while under_way:
        yield under_way.popleft()()


def begin_together[T](
    beginnings: Iterable[Beginning[T]], most: int = MOST_TOGETHER
) -> Callable[[], list[T | Exception]]:
    """
    Begin calls, at most `most` at a time; return a callable that waits for all of them.

    It returns in their order the result of each, or the exception it raised.
    """
    rest = iter(beginnings)
    with made_together():
        waiting = deque(begun(begin) for begin in islice(rest, most))

    def wait() -> list[T | Exception]:
        results = []
        while waiting:
            results.append(waiting.popleft()())
            waiting.extend(begun(begin) for begin in islice(rest, 1))
        return results

    return wait


def begun[T](begin: Beginning[T]) -> Callable[[], T | Exception]:
    """Begin a call, and return what waits for its result or for what it raised."""
    try:
        wait = begin()
    except Exception as exc:  # noqa: BLE001, one that fails stops no other
        failure = exc
        return lambda: failure

    def ended() -> T | Exception:
        try:
            return wait()
        except Exception as exc:  # noqa: BLE001, the same
            return exc

    return ended


def another_round(rounds: int) -> bool:
    """Pause before another round after `rounds`; return False where there is no time or sense in one."""
    pause = random.random() * FIRST_PAUSE_SECONDS * 2.0**rounds  # noqa: S311
    left = seconds_left()
    if rounds >= MOST_ROUNDS or (left is not None and left < pause + LEAST_SECONDS):
        return False
    time.sleep(pause)
    return True
