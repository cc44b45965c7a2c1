"""Asynchronous invocations: accepted at once, run when there is room, tried again on an error."""

import heapq
import itertools
import logging
import threading
import time
from dataclasses import dataclass, field

from ..slots import Slots
from .functions import Function
from .invoker import Invoker

logger = logging.getLogger("django_offload.local")

# Lambda tries twice more, one and two minutes later.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
TRIES = 3
# On this machine nobody wants to wait that long: the pauses are as many seconds as AWS's are minutes.
PAUSE_SECONDS = 1.0
_JOIN_SECONDS = 2.0
_numbers = itertools.count()


@dataclass(order=True, frozen=True, slots=True)
class _Accepted:
    due: float
    number: int  # Parts those that are due together.
    function: Function = field(compare=False)
    event: bytes = field(compare=False)
    tries: int = field(compare=False)  # Made so far.


class AsyncInvocations:
    """
    Lambda's queue of asynchronous invocations.

    After `start()` they run in threads, at most `concurrency` of each function. Without it they wait
    for `run_pending()`, which runs them in the caller's thread and without pauses.
    """

    def __init__(self, invoker: Invoker, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._invoker, self._pause = invoker, pause_seconds
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()
        self._concurrency = 0

    def start(self, concurrency: int) -> None:
        """Run what is accepted from now on without being asked."""
        self._concurrency = concurrency

    def stop(self) -> None:
        with self._lock:
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.stop()

    def submit(self, function: Function, event: bytes) -> None:
        """Accept an invocation."""
        with self._lock:
            lane = self._lanes.get(function.name)
            if lane is None:
                lane = self._lanes[function.name] = _Lane(self._invoker, self._pause, function.name)
                if self._concurrency:
                    lane.start(self._concurrency)
        lane.put(_Accepted(time.monotonic(), next(_numbers), function, event, tries=0))

    def run_pending(self) -> int:
        """Run what waits, further tries included, and return how many invocations were made."""
        return sum(lane.run_pending() for lane in list(self._lanes.values()))

    def clear(self) -> None:
        """Forget what waits."""
        for lane in list(self._lanes.values()):
            lane.clear()


class _Lane:
    """The accepted invocations of one function, by when they are due."""

    def __init__(self, invoker: Invoker, pause_seconds: float, name: str) -> None:
        self._invoker, self._pause, self._name = invoker, pause_seconds, name
        self._heap: list[_Accepted] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, concurrency: int) -> None:
        slots = Slots(concurrency, f"async-{self._name}")
        self._thread = threading.Thread(
            target=self._run, args=(slots,), name=f"lane-{self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def put(self, accepted: _Accepted) -> None:
        with self._changed:
            heapq.heappush(self._heap, accepted)
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._heap.clear()

    def run_pending(self) -> int:
        count = 0
        while True:
            with self._changed:
                if not self._heap:
                    return count
                accepted = heapq.heappop(self._heap)
            self._try(accepted)
            count += 1

    def _run(self, slots: Slots) -> None:
        while slots.wait(self._stop):
            accepted = self._next()
            if accepted is None:
                slots.give_back()
                break
            slots.run(lambda item=accepted: self._try(item))  # type: ignore[misc]
        slots.join(_JOIN_SECONDS)

    def _next(self) -> _Accepted | None:
        """Return what is due, waiting for it; None once the lane is stopped."""
        with self._changed:
            while not self._stop.is_set():
                left = self._heap[0].due - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)
                self._changed.wait(left)
        return None

    def _try(self, accepted: _Accepted) -> None:
        outcome = self._invoker.invoke(accepted.function, accepted.event)
        tries = accepted.tries + 1
        if not outcome.failed or self._stop.is_set():
            return
        if tries >= TRIES:
            logger.error("%s failed %d times and is given up: %s", self._name, tries, outcome.error)
            return
        logger.warning("%s failed and is tried again: %s", self._name, outcome.error)
        due = time.monotonic() + self._pause * tries
        self.put(_Accepted(due, next(_numbers), accepted.function, accepted.event, tries))
