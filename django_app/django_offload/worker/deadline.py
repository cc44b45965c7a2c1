"""When an attempt must stop, and the exception that stops it."""

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from ..exceptions import DeadlineExceeded

# Kept free at the end of an invocation to store the outcome.
RESERVE_SECONDS = 2.0
RESERVE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Invocation:
    """The time and the identity that Lambda gave to one invocation."""

    left: Callable[[], float]  # Seconds until Lambda kills the process.
    whole: float  # Seconds it had at its start.
    worker_id: str

    @property
    def reserve(self) -> float:
        """Seconds kept free to store an outcome: 2 s or 5 %, but never more than half of it all."""
        return min(max(RESERVE_SECONDS, RESERVE_SHARE * self.whole), self.whole / 2)

    def usable(self) -> float:
        """Return the seconds that a task may still take."""
        return self.left() - self.reserve

    def has_time_for(self, timeout: float | None) -> bool:
        """Tell whether a task of this timeout (None: unknown) can start and be sure of its time."""
        # A task whose timeout is longer than an invocation gets a fresh invocation, at most.
        wanted = min(timeout or 0.0, 0.9 * (self.whole - self.reserve))
        return self.usable() > max(wanted, 0.0)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise DeadlineExceeded inside the block once it has taken `seconds`."""
    if threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    """For the main thread, as in Lambda: a signal ends blocking calls too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise DeadlineExceeded(seconds)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """For other threads: raised at the next bytecode, so a blocking call is not ended."""
    target = ctypes.c_ulong(threading.get_ident())
    guard, over = threading.Lock(), threading.Event()

    def stop() -> None:
        with guard:
            if not over.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(DeadlineExceeded))

    timer = threading.Timer(max(seconds, 0.001), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with guard:
            over.set()
            # Not raised yet: it must not hit what comes after the block.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(target, None)
        timer.cancel()
