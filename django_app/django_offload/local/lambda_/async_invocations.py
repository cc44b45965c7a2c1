"""Asynchronous invocations: accepted at once, run when a slot is free, retried after an error."""

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

# Lambda retries twice, one and two minutes later.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
MAX_TRIES = 3
# Developers shouldn't wait that long, so each minute of AWS's delays is one second here.
RETRY_DELAY_SECONDS = 1.0
JOIN_SECONDS = 2.0
_sequence_numbers = itertools.count()


@dataclass(order=True, frozen=True, slots=True)
class AsyncInvocation:
    """One event that a function will receive, ordered by its due time."""

    due: float
    number: int  # Orders invocations with the same due time.
    function: Function = field(compare=False)
    event: bytes = field(compare=False)
    tries: int = field(compare=False)  # How often it has run so far.


class AsyncInvocations:
    """
    Lambda's queue of asynchronous invocations.

    After `start()` they run in threads, at most `concurrency` of each function. Before it they wait for
    `run_pending()`, which runs them in the caller's thread without delays.
    """

    def __init__(self, invoker: Invoker, *, retry_delay_seconds: float = RETRY_DELAY_SECONDS) -> None:
        self._invoker, self._retry_delay = invoker, retry_delay_seconds
        self._queues: dict[str, FunctionQueue] = {}
        self._lock = threading.Lock()
        self._concurrency = 0

    def start(self, concurrency: int) -> None:
        """Run invocations in the background from now on."""
        self._concurrency = concurrency

    def stop(self) -> None:
        with self._lock:
            queues = list(self._queues.values())
        for queue in queues:
            queue.stop()

    def submit(self, function: Function, event: bytes) -> None:
        """Accept an invocation."""
        with self._lock:
            queue = self._queues.get(function.name)
            if queue is None:
                queue = FunctionQueue(self._invoker, self._retry_delay, function.name)
                self._queues[function.name] = queue
                if self._concurrency:
                    queue.start(self._concurrency)
        queue.put(AsyncInvocation(time.monotonic(), next(_sequence_numbers), function, event, tries=0))

    def run_pending(self) -> int:
        """Run all waiting invocations with their retries, and return how many times functions ran."""
        return sum(queue.run_pending() for queue in list(self._queues.values()))

    def clear(self) -> None:
        """Discard all waiting invocations."""
        for queue in list(self._queues.values()):
            queue.clear()


class FunctionQueue:
    """The waiting asynchronous invocations of one function, ordered by due time."""

    def __init__(self, invoker: Invoker, retry_delay_seconds: float, name: str) -> None:
        self._invoker, self._retry_delay, self._name = invoker, retry_delay_seconds, name
        self._heap: list[AsyncInvocation] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, concurrency: int) -> None:
        slots = Slots(concurrency, f"async-{self._name}")
        self._thread = threading.Thread(
            target=self.run, args=(slots,), name=f"async-queue-{self._name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def put(self, invocation: AsyncInvocation) -> None:
        with self._changed:
            heapq.heappush(self._heap, invocation)
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
                invocation = heapq.heappop(self._heap)
            self.invoke(invocation)
            count += 1

    def run(self, slots: Slots) -> None:
        """Run each invocation when it is due, until stop()."""
        while slots.acquire(self._stop):
            invocation = self._wait_for_due()
            if invocation is None:
                slots.release()
                break
            slots.run(lambda due=invocation: self.invoke(due))  # type: ignore[misc]
        slots.join(JOIN_SECONDS)

    def _wait_for_due(self) -> AsyncInvocation | None:
        """Wait until an invocation is due and return it, or None once the queue is stopped."""
        with self._changed:
            while not self._stop.is_set():
                seconds_left = self._heap[0].due - time.monotonic() if self._heap else None
                if seconds_left is not None and seconds_left <= 0:
                    return heapq.heappop(self._heap)
                self._changed.wait(seconds_left)
        return None

    def invoke(self, invocation: AsyncInvocation) -> None:
        """Run the function, and queue a retry if it fails and has tries left."""
        outcome = self._invoker.invoke(invocation.function, invocation.event)
        tries = invocation.tries + 1
        if not outcome.failed or self._stop.is_set():
            return
        if tries >= MAX_TRIES:
            logger.error("%s failed %d times and won't be retried: %s", self._name, tries, outcome.error)
            return
        logger.warning("%s failed and will be retried: %s", self._name, outcome.error)
        due = time.monotonic() + self._retry_delay * tries
        number = next(_sequence_numbers)
        self.put(AsyncInvocation(due, number, invocation.function, invocation.event, tries))
