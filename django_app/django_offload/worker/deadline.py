"""When an attempt must stop, and the exception that stops it."""

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

# Kept free at the end of an invocation to store the outcome.
RESERVE_SECONDS = 2.0
RESERVE_SHARE = 0.05
# A deadline that was caught strikes again this soon; what handles it, to clear up, has this long before.
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


def limited(seconds: float) -> AbstractContextManager[None]:
    """
    Raise DeadlineExceeded inside the block once it has taken `seconds`, and never outside of it.

    Code that catches it and goes on, as a retry does, or a client that wraps whatever a call raises, is
    struck again until the block has ended. What clears up after it has a second for that, each time.

    Have a function of its own for the block: a strike that hits the very call of the block's end leaves the
    function, and by that another thread's watch knows the block has ended.
    """
    main = threading.current_thread() is threading.main_thread()
    return _BySignal(seconds) if main else _ByThread(seconds)


def _ours(frame: FrameType | None) -> bool:
    """Tell whether code of this module is interrupted, at a block's begin or end: not to be struck."""
    return frame is not None and frame.f_globals is globals()


class _BySignal(AbstractContextManager[None]):
    """For the main thread, as in Lambda: a signal ends blocking calls too."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._over, self._struck_at = seconds, False, -math.inf

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGALRM, self._strike)
        signal.setitimer(signal.ITIMER_REAL, max(self._seconds, 0.001), AGAIN_SECONDS)

    def __exit__(self, *exc: object) -> None:
        self._over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _strike(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        clearing = now < self._struck_at + CLEARING_SECONDS and _came_of_deadline(sys.exception())
        if self._over or clearing or _ours(frame):
            return
        self._struck_at = now
        raise DeadlineExceeded(self._seconds)


def _came_of_deadline(handled: BaseException | None) -> bool:
    """Tell whether an exception that is being handled is a deadline, or was raised while handling one."""
    while handled is not None and not isinstance(handled, DeadlineExceeded):
        handled = handled.__context__
    return handled is not None


class _ByThread(AbstractContextManager[None]):
    """For other threads: raised at the next bytecode, so a blocking call is not ended."""

    def __init__(self, seconds: float) -> None:
        self._wait, self._ended, self._guard = max(seconds, 0.001), threading.Event(), threading.Lock()

    def __enter__(self) -> None:
        self._thread, self._block = threading.get_ident(), sys._getframe(1)
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def __exit__(self, *exc: object) -> None:
        while True:
            try:
                with self._guard:
                    # Not raised yet: it must not hit what comes after the block.
                    self._raise(None)
                    self._ended.set()
                break
            except DeadlineExceeded:
                continue  # It was on its way, and hit this very code.
        del self._block  # Which holds this object.

    def _watch(self) -> None:
        while not self._ended.wait(self._wait):
            with self._guard:
                if self._ended.is_set():
                    return
                frames = self._frames()
                if self._block not in frames:
                    return  # An exception has ended the block before its end could say so.
                at_an_edge = any(_ours(frame) for frame in frames)
                if not at_an_edge:
                    self._raise(DeadlineExceeded)
            # What a thread is handling cannot be asked for: it has its time to clear up.
            self._wait = AGAIN_SECONDS if at_an_edge else CLEARING_SECONDS

    def _frames(self) -> list[FrameType]:
        """Return where the thread is, from the innermost frame to that of the block."""
        frames, frame = list[FrameType](), sys._current_frames().get(self._thread)
        while frame is not None and self._block not in frames:
            frames.append(frame)
            frame = frame.f_back
        return frames

    def _raise(self, exception: type[BaseException] | None) -> None:
        raised = None if exception is None else ctypes.py_object(exception)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), raised)
