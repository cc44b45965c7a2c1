"""The time that calls to AWS may take: they end, tries and pauses counted, before the invocation does."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from ..exceptions import OutOfTime

# A try needs at least this long to be worth its beginning, and what caught its failure as long to answer.
LEAST_SECONDS = 0.3
# botocore's standard mode pauses for at most 1, 2, 4, … s between the tries of a throttled call.
LONGEST_PAUSE_SECONDS = 20.0

# An end on the monotonic clock, or what tells the seconds left.
type Bound = float | Callable[[], float]

_bound: ContextVar[Bound | None] = ContextVar("django_offload_left", default=None)


class _Within(AbstractContextManager[None]):
    """A class of its own, for every enqueue enters some: contextlib's takes twice as long."""

    __slots__ = ("_own", "_token")

    def __init__(self, own: Bound) -> None:
        self._own = own

    def __enter__(self) -> None:
        outer = _bound.get()
        self._token = _bound.set(self._own if outer is None else _narrower(self._own, outer))

    def __exit__(self, *exc: object) -> None:
        _bound.reset(self._token)


def within(left: Callable[[], float]) -> AbstractContextManager[None]:
    """Bound every call inside the block by what is `left`, in seconds, and by what bounds it already."""
    return _Within(left)


def at_most(seconds: float) -> AbstractContextManager[None]:
    """Bound what calls inside the block take, all of them together; and by what bounds them already."""
    return _Within(time.monotonic() + seconds)


def seconds_left() -> float | None:
    """Return the seconds that calls may still take, None where nothing bounds them."""
    bound = _bound.get()
    return None if bound is None else _left(bound) - LEAST_SECONDS


def _left(bound: Bound) -> float:
    return bound - time.monotonic() if isinstance(bound, float) else bound()


def _narrower(own: Bound, outer: Bound) -> Bound:
    if isinstance(own, float) and isinstance(outer, float):
        return min(own, outer)
    return lambda: min(_left(own), _left(outer))


def bind(client: Any, read_timeout: float) -> None:
    """Have a boto3 client keep to the budget: a try that cannot end in time is not begun, nor is a pause."""
    service = client.meta.service_model.service_id.hyphenize()

    def begin(request: Any, **kwargs: object) -> None:
        left = seconds_left()
        if left is None:
            return
        if left < LEAST_SECONDS:
            raise OutOfTime(f"A call to {service}")
        # Older botocore knows no time-out of a single request: there the client's own holds.
        getattr(request, "context", {})["read_timeout"] = min(read_timeout, left)

    def enough(attempts: int, **kwargs: object) -> bool | None:
        left, pause = seconds_left(), min(2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
        return False if left is not None and left < pause + LEAST_SECONDS else None

    client.meta.events.register_first(f"before-send.{service}", begin)
    client.meta.events.register_first(f"needs-retry.{service}", enough)
