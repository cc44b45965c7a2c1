"""Ctrl-C and SIGTERM as one orderly end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class Interrupted(BaseException):
    """Somebody asked this process to end. Not an Exception: nothing on the way may take it for an error."""


class Interrupts:
    """
    Turns the first SIGINT or SIGTERM into Interrupted, in the main thread; later ones are ignored.

    Where it is entered in another thread it changes nothing: signals do not reach that one.
    """

    def __init__(self) -> None:
        self.number: int | None = None  # The signal that came.
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._on) for number in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep signals back until the block ends, so that what it starts is known to whoever ends it."""
        self._held = True
        yield
        self._held = False
        if self.number is not None:
            raise Interrupted

    def check(self) -> None:
        """Raise Interrupted if a signal came: Python swallows what is raised while it collects garbage."""
        if self.number is not None and not self._held:
            raise Interrupted

    def ignore(self) -> None:
        """Take no more signals: what follows is the end."""
        self._held = True

    def _on(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            return
        self.number = number
        if not self._held:
            raise Interrupted
