"""Ctrl-C and SIGTERM, turned into one orderly shutdown."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class Interrupted(BaseException):
    """A signal asked this process to stop. It isn't an Exception, so that no code handles it as an error."""


class Interrupts:
    """
    Raises Interrupted in the main thread for the first SIGINT or SIGTERM, and ignores later signals.

    In another thread it does nothing, because only the main thread receives signals.
    """

    def __init__(self) -> None:
        self.number: int | None = None  # The first signal.
        self._deferred = False
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous_handlers = {
                number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            return
        self.number = number
        if not self._deferred:
            raise Interrupted

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Delay Interrupted until the block ends, so that everything the block starts can be stopped."""
        self._deferred = True
        yield
        self._deferred = False
        if self.number is not None:
            raise Interrupted

    def check(self) -> None:
        """Raise Interrupted after a signal, because Python drops exceptions raised in garbage collection."""
        if self.number is not None and not self._deferred:
            raise Interrupted

    def ignore(self) -> None:
        """Ignore all signals from now on, because the process is stopping."""
        self._deferred = True
