"""Connections that are being made, many of them in the time of one: none waits for its like."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from selectors import DefaultSelector
from socket import socket
from typing import NamedTuple

from ...exceptions import CallFailed, NoAnswer
from .connection import Connection


class Awaited(NamedTuple):
    """What a connection waits for; TimeoutError is thrown into its steps if that does not come in time."""

    sock: socket
    events: int  # EVENT_READ or EVENT_WRITE.
    ends: float  # By time.monotonic().


type Steps = Generator[Awaited, None, Connection]


class Opening:
    """A connection on its way. Whoever drops it closes it."""

    def __init__(self, steps: Steps, url: str) -> None:
        self._steps, self._url = steps, url
        self._made: Connection | None = None
        self._failure: CallFailed | None = None
        self.awaited: Awaited | None = None
        self.go_on()

    def go_on(self, *, late: bool = False) -> None:
        """Take the next step, as far as that goes without waiting."""
        self.awaited = None
        try:
            self.awaited = self._steps.throw(TimeoutError()) if late else next(self._steps)
        except StopIteration as end:
            self._made = end.value
        except CallFailed as exc:
            self._failure = exc

    def connection(self) -> Connection:
        """Return the connection, once it is made. Raise NoAnswer if it cannot be, or not in time."""
        _all_made([self])
        made, self._made = self._made, None
        if made is None:
            # Steps that ended otherwise did so by an exception that somebody has caught meanwhile.
            raise self._failure or NoAnswer(self._url, "Could not connect to the endpoint URL:")
        return made


class _Here(threading.local):
    group: list[Opening] | None = None


_here = _Here()


class _Together(AbstractContextManager[None]):
    """A class of its own, for every enqueue enters one: contextlib's takes twice as long."""

    __slots__ = ("_group", "_outer")

    def __enter__(self) -> None:
        self._outer, self._group = _here.group, list[Opening]()
        _here.group = self._group

    def __exit__(self, *exc: object) -> None:
        _here.group = self._outer
        if exc[0] is None and self._group:
            _all_made(self._group)


def made_together() -> AbstractContextManager[None]:
    """Have the connections that are wanted inside the block be made at its end, all of them at a time."""
    return _Together()


def is_for_later(opening: Opening) -> bool:
    """Tell whether it is made together with others, and has not to be waited for now."""
    if _here.group is None:
        return False
    _here.group.append(opening)
    return True


def _all_made(openings: Sequence[Opening]) -> None:
    """Wait until each of them is a connection or has failed."""
    while waiting := {opening: opening.awaited for opening in openings if opening.awaited is not None}:
        with DefaultSelector() as selector:
            for opening, awaited in waiting.items():
                selector.register(awaited.sock, awaited.events, opening)
            first = min(awaited.ends for awaited in waiting.values())
            ready = {key.data for key, _ in selector.select(max(first - time.monotonic(), 0.0))}
        now = time.monotonic()
        for opening, awaited in waiting.items():
            if opening in ready:
                opening.go_on()
            elif awaited.ends <= now:
                opening.go_on(late=True)
