"""A limited number of things at a time, each in a thread that ends with the process."""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("django_offload.local")

# How long a wait for a slot goes on before it looks whether it is still wanted.
TICK_SECONDS = 0.2


class Slots:
    """Runs at most `count` callables at a time."""

    def __init__(self, count: int, name: str) -> None:
        self._free = threading.Semaphore(count)
        self._name = name
        self._threads: set[threading.Thread] = set()

    def wait(self, stop: threading.Event) -> bool:
        """Take a slot and return True; return False if `stop` is set before one is free."""
        while not stop.is_set():
            if self._free.acquire(timeout=TICK_SECONDS):
                return True
        return False

    def give_back(self) -> None:
        """Free a slot that was taken and is not needed."""
        self._free.release()

    def run(self, work: Callable[[], object]) -> None:
        """Run `work` in the slot that was taken, which is freed at its end."""
        # A daemon: a handler that never ends must not keep the process alive.
        thread = threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def join(self, patience_seconds: float) -> None:
        """Wait for what runs, but no longer than `patience_seconds`."""
        deadline = time.monotonic() + patience_seconds
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - nobody else would hear of it.
            logger.warning("%s: %s", self._name, exc)
        finally:
            self._threads.discard(threading.current_thread())
            self._free.release()
