"""Calls that are under way together, and pauses before the parts of a batch that AWS left out are retried."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .clients import Starter, begun
from .lean import made_together
from .time_budget import LEAST_SECONDS, seconds_left

# As many as the connections that a client keeps for its next calls.
MOST_TOGETHER = 32
# What AWS leaves out of a batch is retried this often, after pauses that double, with full jitter.
MOST_RETRIES = 6
FIRST_PAUSE_SECONDS = 0.05


def begin_together[T](
    starters: Iterable[Starter[T]], most: int = MOST_TOGETHER
) -> Callable[[], list[T | Exception]]:
    """
    Start calls, at most `most` at a time; return a callable that waits for all of them.

    It returns the result or the exception of each call, in their order.
    """
    remaining = iter(starters)
    with made_together():
        under_way = deque(begun(start) for start in islice(remaining, most))
    return lambda: list(outcomes(under_way, remaining))


def made_in_turn[T](starters: Iterable[Starter[T]], most: int = MOST_TOGETHER) -> Iterator[T | Exception]:
    """
    Make calls, at most `most` at a time, and yield the result or the exception of each, in their order.

    Each is yielded as soon as it is there, while the calls after it are under way.
    """
    remaining = iter(starters)
    with made_together():
        under_way = deque(begun(start) for start in islice(remaining, most))
    yield from outcomes(under_way, remaining)


def outcomes[T](
    under_way: deque[Callable[[], T | Exception]], remaining: Iterator[Starter[T]]
) -> Iterator[T | Exception]:
    """Wait for calls in their order, yield what came of each, and then start another one."""
    while under_way:
        yield under_way.popleft()()
        under_way.extend(begun(start) for start in islice(remaining, 1))


def pause_before_retry(retries: int) -> bool:
    """Wait before the next retry, after so many; return False if there should be none, or no time is left."""
    pause = random.random() * FIRST_PAUSE_SECONDS * 2.0**retries  # noqa: S311
    left = seconds_left()
    if retries >= MOST_RETRIES or (left is not None and left < pause + LEAST_SECONDS):
        return False
    time.sleep(pause)
    return True
