"""The time that calls to AWS may take, with retries and pauses: they end before the invocation does."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from ..exceptions import CallFailed, OutOfTime

# A shorter try is not worth starting. After a failure, the caller needs as much time to react.
LEAST_SECONDS = 0.3
# A page or a caller waits this long for what it reads of a task. A hanging AWS would take 40 seconds.
READ_SECONDS = 5.0
# Between the tries of a throttled call, botocore's standard mode pauses for at most 1, 2, 4, … s.
LONGEST_PAUSE_SECONDS = 20.0

# A deadline on the monotonic clock, or a function that returns the seconds left.
type Bound = float | Callable[[], float]

_bound: ContextVar[Bound | None] = ContextVar("django_offload_left", default=None)


class CallBound:
    """A limit that begins anew with each call, for commands that make as many calls as there are tasks."""

    __slots__ = ("_ends_at", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        self._ends_at = time.monotonic() + self._seconds

    def __call__(self) -> float:
        return self._ends_at - time.monotonic()


_call_bound: ContextVar[CallBound | None] = ContextVar("django_offload_call", default=None)


class TimeBudget(AbstractContextManager[None]):
    """A class, because every enqueue enters several and a generator of contextlib takes twice as long."""

    __slots__ = ("_own", "_token")

    def __init__(self, own: Bound) -> None:
        self._own = own

    def __enter__(self) -> None:
        outer = _bound.get()
        self._token = _bound.set(self._own if outer is None else narrower(self._own, outer))

    def __exit__(self, *exc: object) -> None:
        _bound.reset(self._token)


def within(left: Callable[[], float]) -> AbstractContextManager[None]:
    """Limit all calls inside the block to the seconds that `left` returns, and to outer limits."""
    return TimeBudget(left)


def at_most(seconds: float) -> AbstractContextManager[None]:
    """Limit all calls inside the block to so many seconds together, and to outer limits."""
    return TimeBudget(time.monotonic() + seconds)


@contextmanager
def each_at_most(seconds: float) -> Iterator[None]:
    """Limit each call inside the block to so many seconds, with its retries, and all to outer limits."""
    bound = CallBound(seconds)
    token = _call_bound.set(bound)
    try:
        with within(bound):
            yield
    finally:
        _call_bound.reset(token)


def begin_call(**kwargs: object) -> None:
    """Begin a call, so that each_at_most() counts its seconds. Clients call this before the first try."""
    bound = _call_bound.get()
    if bound is not None:
        bound.begin()


@contextmanager
def reading() -> Iterator[None]:
    """Limit the calls inside the block to READ_SECONDS together. Raise CallFailed if they take longer."""
    try:
        with at_most(READ_SECONDS):
            yield
    except OutOfTime as exc:  # It speaks of an invocation, and this may be any process.
        raise CallFailed(
            f"AWS was not reached within {READ_SECONDS:.0f} seconds. Try again in a minute."
        ) from exc


def seconds_left() -> float | None:
    """Return the seconds that calls may still take, or None if there is no limit."""
    bound = _bound.get()
    return None if bound is None else seconds_until(bound) - LEAST_SECONDS


def seconds_until(bound: Bound) -> float:
    return bound - time.monotonic() if isinstance(bound, float) else bound()


def narrower(own: Bound, outer: Bound) -> Bound:
    if isinstance(own, float) and isinstance(outer, float):
        return min(own, outer)
    return lambda: min(seconds_until(own), seconds_until(outer))


def apply_to_boto3(client: Any, read_timeout: float) -> None:
    """Make a boto3 client start no try and no pause that cannot end in time."""
    service = client.meta.service_model.service_id.hyphenize()

    def limit_try(request: Any, **kwargs: object) -> None:
        left = seconds_left()
        if left is None:
            return
        if left < LEAST_SECONDS:
            raise OutOfTime(f"A call to {service}")
        # An older botocore has no time-out for a single request, so that the client's own applies.
        getattr(request, "context", {})["read_timeout"] = min(read_timeout, left)

    def refuse_long_pause(attempts: int, response: Any = None, **kwargs: object) -> bool | None:
        from .lean.retry import is_tried_once

        if response is not None and is_tried_once(response[1].get("Error", {}).get("Code")):
            return False
        left, pause = seconds_left(), min(2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
        return False if left is not None and left < pause + LEAST_SECONDS else None

    client.meta.events.register_first(f"before-call.{service}", begin_call)
    client.meta.events.register_first(f"before-send.{service}", limit_try)
    client.meta.events.register_first(f"needs-retry.{service}", refuse_long_pause)
