"""The time that an attempt may take, and the exception that stops it."""

import ctypes
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from types import FrameType
from typing import ClassVar

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
    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGALRM")
    return DeadlineBySignal(seconds) if main else DeadlineByThread(seconds)


def is_this_module(frame: FrameType | None) -> bool:
    """Return True if code of this module is interrupted, at the begin or end of a block."""
    return frame is not None and frame.f_globals is globals()


class DeadlineBySignal(AbstractContextManager[None]):
    """For the main thread, as in Lambda: a signal ends blocking calls too."""

    current: "ClassVar[DeadlineBySignal | None]" = None

    def __init__(self, seconds: float) -> None:
        self._seconds, self._raised_at = seconds, -math.inf
        self._ends_at = time.monotonic() + seconds

    def __enter__(self) -> None:
        self._outer, DeadlineBySignal.current = DeadlineBySignal.current, self
        timer().start(self._seconds)

    def __exit__(self, *exc: object) -> None:
        DeadlineBySignal.current = self._outer
        timer().stop()
        if self._outer is not None:
            timer().start(self._outer._ends_at - time.monotonic())

    def interrupt(self, frame: FrameType | None) -> None:
        now = time.monotonic()
        clearing = now < self._raised_at + CLEARING_SECONDS and comes_from_deadline(sys.exception())
        if clearing or is_this_module(frame):
            return
        self._raised_at = now
        raise DeadlineExceeded(self._seconds)


def on_signal(number: int, frame: FrameType | None) -> None:
    if DeadlineBySignal.current is not None:
        DeadlineBySignal.current.interrupt(frame)


class SignalEvent(ctypes.Structure):
    """The sigevent of POSIX, whose other fields nobody needs here."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


class OwnTimer:
    """A timer of POSIX with a signal of its own, so that a task may use SIGALRM for what it likes."""

    # None of the first or last real-time signals, which programs prefer.
    SIGNAL = getattr(signal, "SIGRTMIN", 34) + 9

    def __init__(self) -> None:
        """Raise OSError or AttributeError if the system has no such timers."""
        library = ctypes.PyDLL(None)  # To let other threads run during these short calls would take longer.
        change = library.timer_settime
        change.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        # Two of itimerspec: seconds and nanoseconds of the interval, and of the first time.
        self._times, self._never = (ctypes.c_long * 4)(0, int(AGAIN_SECONDS * 1e9)), (ctypes.c_long * 4)()
        own, event = ctypes.c_void_p(), SignalEvent(signal=self.SIGNAL)  # notify 0 is SIGEV_SIGNAL.
        signal.signal(self.SIGNAL, on_signal)
        if library.timer_create(time.CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(own)):
            raise OSError("timer_create() failed")
        self._start = partial(change, own.value, 0, ctypes.addressof(self._times), None)
        self.stop = partial(change, own.value, 0, ctypes.addressof(self._never), None)

    def start(self, seconds: float) -> None:
        """Send the signal after `seconds`, and then again and again."""
        self._times[2], self._times[3] = divmod(int(max(seconds, 0.001) * 1e9), 1_000_000_000)
        self._start()


class AlarmTimer:
    """For systems without timers of POSIX, such as macOS: a task that uses SIGALRM ends its time limit."""

    SIGNAL = getattr(signal, "SIGALRM", 14)

    def start(self, seconds: float) -> None:
        self._before = signal.signal(self.SIGNAL, on_signal)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(self.SIGNAL, self._before)


@lru_cache(maxsize=1)
def timer() -> OwnTimer | AlarmTimer:
    """Return the timer of this process."""
    try:
        # On 32 bits, the C library has two forms of the structures.
        return OwnTimer() if sys.platform == "linux" and sys.maxsize > 2**32 else AlarmTimer()
    except (OSError, AttributeError):
        return AlarmTimer()


if hasattr(os, "register_at_fork"):  # A child has none of its parent's timers.
    os.register_at_fork(after_in_child=timer.cache_clear)


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
            del frames  # They would keep the task's local variables alive.
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
