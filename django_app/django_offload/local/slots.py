"""A limit on how many callables run at a time, each in a thread that ends with the process."""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("django_offload.local")

# How often acquire() checks whether it should stop waiting.
POLL_SECONDS = 0.2


class Slots:
    """Runs at most `count` callables at a time."""

    def __init__(self, count: int, name: str) -> None:
        self._free = threading.Semaphore(count)
        self._name = name
        self._threads: set[threading.Thread] = set()

    def acquire(self, stop: threading.Event) -> bool:
        """Take a slot and return True. Return False if `stop` is set before a slot is free."""
        while not stop.is_set():
            if self._free.acquire(timeout=POLL_SECONDS):
                return True
        return False

    def release(self) -> None:
        """Return a slot that was acquired but isn't needed."""
        self._free.release()

    def run(self, work: Callable[[], object]) -> None:
        """Run `work` in a slot that was acquired, and release the slot when it ends."""

        def run_and_release() -> None:
            try:
                work()
            except Exception as exc:  # noqa: BLE001 - otherwise the error would stay hidden in the thread.
                logger.warning("%s: %s", self._name, exc)
            finally:
                self._threads.discard(threading.current_thread())
                self._free.release()

        # A daemon thread, so that a handler that never ends doesn't keep the process alive.
        thread = threading.Thread(target=run_and_release, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait until everything has ended, but at most `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
