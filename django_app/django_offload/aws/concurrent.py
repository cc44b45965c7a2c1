"""Calls that are under way together, and pauses before the parts of a batch that AWS left out are retried."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable
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

    def outcomes() -> list[T | Exception]:
        results = []
        while under_way:
            results.append(under_way.popleft()())
            under_way.extend(begun(start) for start in islice(remaining, 1))
        return results

    return outcomes


def pause_before_retry(retries: int) -> bool:
    """Wait before the next retry, after so many; return False if there should be none, or no time is left."""
    pause = random.random() * FIRST_PAUSE_SECONDS * 2.0**retries  # noqa: S311
    left = seconds_left()
    if retries >= MOST_RETRIES or (left is not None and left < pause + LEAST_SECONDS):
        return False
    time.sleep(pause)
    return True
