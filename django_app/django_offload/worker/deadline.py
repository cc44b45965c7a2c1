"""The time that an attempt may take, and the exception that stops it."""

import ctypes
import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import FrameType

from ..exceptions import DeadlineExceeded

# Time at the end of an invocation to store the outcome.
RESERVE_SECONDS = 2.0
RESERVE_SHARE = 0.05
# A task that catches the exception gets it again after this time; cleanup in a handler has this long first.
AGAIN_SECONDS = 0.25
CLEARING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LambdaInvocation:
    """The time and the identity that Lambda gave to one invocation."""

    left: Callable[[], float]  # Seconds until Lambda kills the process.
    whole: float  # Seconds it had at its start.
    worker_id: str

    @property
    def reserve(self) -> float:
        """Seconds reserved to store an outcome: 2 s or 5 %, but never more than half of the time."""
        return min(max(RESERVE_SECONDS, RESERVE_SHARE * self.whole), self.whole / 2)

    def usable(self) -> float:
        """Return the seconds that a task may still take."""
        return self.left() - self.reserve

    def has_time_for(self, timeout: float | None) -> bool:
        """Return True if a task with this timeout (None: unknown) can start and be sure of its time."""
        # A task whose timeout is longer than an invocation gets at most a fresh invocation.
        needed = min(timeout or 0.0, 0.9 * (self.whole - self.reserve))
        return self.usable() > max(needed, 0.0)


def limited(seconds: float) -> AbstractContextManager[None]:
    """
    Raise DeadlineExceeded inside the block once it has taken `seconds`, and never outside of it.

    Code that catches the exception and goes on (a retry, or a client that wraps every exception) gets it
    again until the block has ended. Each time, cleanup in an exception handler has a second.

    Put the block into a function of its own: an exception that interrupts the very call that ends the block
    leaves that function, which shows another thread's watch that the block has ended.
    """
    main = threading.current_thread() is threading.main_thread()
    return DeadlineBySignal(seconds) if main else DeadlineByThread(seconds)


def is_this_module(frame: FrameType | None) -> bool:
    """Return True if code of this module is interrupted, at the begin or end of a block."""
    return frame is not None and frame.f_globals is globals()


class DeadlineBySignal(AbstractContextManager[None]):
    """For the main thread, as in Lambda: a signal ends blocking calls too."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._over, self._raised_at = seconds, False, -math.inf

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, self._interrupt)
        signal.setitimer(signal.ITIMER_REAL, max(self._seconds, 0.001), AGAIN_SECONDS)

    def __exit__(self, *exc: object) -> None:
        self._over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        clearing = now < self._raised_at + CLEARING_SECONDS and comes_from_deadline(sys.exception())
        if self._over or clearing or is_this_module(frame):
            return
        self._raised_at = now
        raise DeadlineExceeded(self._seconds)


def comes_from_deadline(handled: BaseException | None) -> bool:
    """Return True if the exception is a deadline, or was raised while a deadline was handled."""
    while handled is not None and not isinstance(handled, DeadlineExceeded):
        handled = handled.__context__
    return handled is not None


class DeadlineByThread(AbstractContextManager[None]):
    """For other threads: raises at the next bytecode, which doesn't end a blocking call."""

    def __init__(self, seconds: float) -> None:
        self._wait, self._ended, self._guard = max(seconds, 0.001), threading.Event(), threading.Lock()

    def __enter__(self) -> None:
        self._thread, self._block = threading.get_ident(), sys._getframe(1)
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def __exit__(self, *exc: object) -> None:
        while True:
            try:
                with self._guard:
                    # If it isn't raised yet, it must not interrupt code after the block.
                    self._raise(None)
                    self._ended.set()
                break
            except DeadlineExceeded:
                continue  # It was on its way, and interrupted this very code.
        del self._block  # The frame refers to this object.

    def _watch(self) -> None:
        while not self._ended.wait(self._wait):
            with self._guard:
                if self._ended.is_set():
                    return
                frames = self._frames()
                if self._block not in frames:
                    return  # An exception ended the block before __exit__() could.
                at_an_edge = any(is_this_module(frame) for frame in frames)
                if not at_an_edge:
                    self._raise(DeadlineExceeded)
            # Another thread's handled exception is unknown here, so it always has its time for cleanup.
            self._wait = AGAIN_SECONDS if at_an_edge else CLEARING_SECONDS

    def _frames(self) -> list[FrameType]:
        """Return the frames of the thread, from the innermost one to that of the block."""
        frames, frame = list[FrameType](), sys._current_frames().get(self._thread)
        while frame is not None and self._block not in frames:
            frames.append(frame)
            frame = frame.f_back
        return frames

    def _raise(self, exception: type[BaseException] | None) -> None:
        raised = None if exception is None else ctypes.py_object(exception)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), raised)
