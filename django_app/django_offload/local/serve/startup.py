"""Work that may take long at a start, in a thread of its own, so that a signal can end the wait for it."""

import threading
import time
from collections.abc import Callable

from ..aws.local_aws import Announce
from .interrupts import Interrupts

POLL_SECONDS = 0.05
# After so long a start is slow, and says every so often what it waits for.
SLOW_SECONDS = 10.0


class SlowStart:
    """Announces what a start waits for, every SLOW_SECONDS."""

    def __init__(self, announce: Announce) -> None:
        self._announce, self._started_at, self._said = announce, time.monotonic(), 0

    def waiting_for(self, step: str) -> None:
        """Announce the step if the start has become slow, or slower, since the last call."""
        periods = int((time.monotonic() - self._started_at) / SLOW_SECONDS)
        if periods > self._said:
            self._said = periods
            seconds = periods * SLOW_SECONDS
            advice = "A slow or busy machine needs longer."
            self._announce(f"  Still starting after {seconds:.0f} s: {step}. {advice}")


class Background:
    """One callable in a thread. Its exception is raised where its end is waited for."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        # A daemon thread, because the process must be able to end while it hangs.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as exc:  # noqa: BLE001, it is raised again in the thread that waits
            self._failure = exc

    def wait(self, interrupts: Interrupts, waiting: Callable[[], object] = lambda: None) -> bool:
        """
        Return True at the end of the work, or False at the first signal. Call `waiting` all the time.

        Raise what the work raised.
        """
        while self._thread.is_alive():
            if interrupts.number is not None:
                return False
            self._thread.join(POLL_SECONDS)
            waiting()
        if self._failure is not None:
            raise self._failure
        return interrupts.number is None

    def join(self, seconds: float) -> bool:
        """Return True if the work has ended within so many seconds. Raise what it raised."""
        self._thread.join(seconds)
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()
