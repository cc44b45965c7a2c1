"""Processes that take turns: each is a thread, of which one runs at a time, by virtual time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import Lock, Thread, current_thread

from .clock import START
from .faults import Killed


def locked() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Process:
    """One process, and when Lambda ends it."""

    role: str
    wakes: Lock = field(default_factory=locked)
    ends: datetime | None = None
    skew: timedelta = timedelta(0)


class Turns:
    """Whose turn it is: the process whose instant comes first; of one instant, the first to wait."""

    def __init__(self) -> None:
        self.now = START
        self.main = Process("main")
        self.failures: list[BaseException] = []
        self.ended = False
        self._waiting: list[tuple[datetime, int, Process]] = []
        self._processes: dict[Thread, Process] = {}
        self._count = 0

    @property
    def process(self) -> Process:
        """The process whose turn it is."""
        return self._processes[current_thread()]

    def clock(self) -> datetime:
        """Return what the process whose turn it is takes for now."""
        return self.now + self.process.skew

    def begin(self, role: str, work: Callable[[], object], after: float = 0.0) -> Process:
        """Have a process do some work, and end."""
        process = Process(role)

        def run() -> None:
            process.wakes.acquire()
            try:
                if not self.ended:
                    work()
            except Killed:
                pass
            except BaseException as exc:  # noqa: BLE001, raised again by run()
                self.failures.append(exc)
            finally:
                del self._processes[current_thread()]
                self._next().wakes.release()

        thread = Thread(target=run, daemon=True)
        self._processes[thread] = process
        self._wait(process, after)
        thread.start()
        return process

    def _wait(self, process: Process, seconds: float) -> None:
        self._count += 1
        heappush(self._waiting, (self.now + timedelta(seconds=seconds), self._count, process))

    def _next(self) -> Process:
        if not self._waiting:
            return self.main
        at, _, process = heappop(self._waiting)
        self.now = max(self.now, at)
        return process

    def pause(self, seconds: float) -> None:
        """Let time pass for the process whose turn it is, and others have theirs. Lambda may end it then."""
        if self.ended:
            raise Killed
        me = self.process
        until = self.now + timedelta(seconds=seconds)
        dies = me.ends is not None and until >= me.ends
        self._wait(me, max((me.ends - self.now).total_seconds(), 0.0) if dies and me.ends else seconds)
        them = self._next()
        if them is not me:
            them.wakes.release()
            me.wakes.acquire()
        if self.ended or dies:
            raise Killed

    def run(self) -> None:
        """Let every process have its turns until all have ended. Raise what one of them raised."""
        first = self._next()
        if first is not self.main:
            first.wakes.release()
            self.main.wakes.acquire()
        if self.failures:
            raise self.failures[0]
