"""Calls that are under way together, and pauses before the parts of a batch that AWS left out are retried."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .lean import made_together
from .time_budget import LEAST_SECONDS, seconds_left

# As many as the connections that a client keeps for its next calls.
MOST_TOGETHER = 32
# What AWS leaves out of a batch is retried this often, after pauses that double, with full jitter.
MOST_RETRIES = 6
FIRST_PAUSE_SECONDS = 0.05

# Starts a call, and returns a callable that waits for its result.
type Starter[T] = Callable[[], Callable[[], T]]


def together[T](starters: Iterable[Starter[T]], most: int = MOST_TOGETHER) -> Iterator[T | Exception]:
    """Start the calls, at most `most` at a time; yield each result or exception in the order of the calls."""
    under_way: deque[Callable[[], T | Exception]] = deque()
    remaining = iter(starters)
    with made_together():
        under_way.extend(begun(start) for start in islice(remaining, most))
    for start in remaining:
        yield under_way.popleft()()
        under_way.append(begun(start))
    while under_way:
        yield under_way.popleft()()


def begun[T](start: Starter[T]) -> Callable[[], T | Exception]:
    """Start a call, and return a callable that waits for it and returns its result or its exception."""
    try:
        wait = start()
    except Exception as exc:  # noqa: BLE001, a call that fails must not stop the others
        failure = exc
        return lambda: failure

    def outcome() -> T | Exception:
        try:
            return wait()
        except Exception as exc:  # noqa: BLE001, the same
            return exc

    return outcome


def pause_before_retry(retries: int) -> bool:
    """Wait before the next retry, after so many; return False if there should be none, or no time is left."""
    pause = random.random() * FIRST_PAUSE_SECONDS * 2.0**retries  # noqa: S311
    left = seconds_left()
    if retries >= MOST_RETRIES or (left is not None and left < pause + LEAST_SECONDS):
        return False
    time.sleep(pause)
    return True
