"""Ctrl-C and SIGTERM, which are recorded until somebody looks."""

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """
    Records each SIGINT and SIGTERM inside the block.

    The handler never raises. An exception from a handler can appear between any two instructions of the main
    thread, for example after `Popen.poll()` has taken its lock and before it is sure to release it. The main
    thread reads `number` while it waits, and long work runs in other threads.

    In another thread it does nothing, because only the main thread receives signals.
    """

    def __init__(self) -> None:
        self._received: list[int] = []
        self._taken = 0
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous_handlers = {
                number: signal.signal(number, self.record) for number in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def record(self, number: int, frame: FrameType | None = None) -> None:
        self._received.append(number)

    @property
    def number(self) -> int | None:
        """The first signal, or None."""
        return self._received[0] if self._received else None

    def take(self) -> list[int]:
        """Return the signals since the last call, oldest first."""
        taken = self._received[self._taken :]
        self._taken += len(taken)
        return taken
