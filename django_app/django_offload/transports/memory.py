"""Messages in this process's memory: a standard SQS queue, visibility timeout and dead letters included."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import Lock
from typing import Any

from ..protocol.record import LONGEST_DELAY
from .base import Delivery, Transport


@dataclass(slots=True)
class _Held:
    """One message in a queue."""

    id: str
    number: int  # In the order in which they were sent.
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class _Queue:
    """Messages by id; beside them, so that a receipt looks at few: what is hidden until when, what is not."""

    messages: dict[str, _Held] = field(default_factory=dict)
    dead: list[_Held] = field(default_factory=list)
    _hidden: list[tuple[datetime, int, str]] = field(default_factory=list)
    _shown: list[tuple[int, str]] = field(default_factory=list)

    def hide(self, held: _Held, until: datetime) -> None:
        """Have a message received no earlier than at `until`."""
        held.visible_at = until
        heappush(self._hidden, (until, held.number, held.id))

    def visible(self, now: datetime) -> Iterator[_Held]:
        """Yield what can be received, in the order of its sending; the caller hides or removes it."""
        while self._hidden and self._hidden[0][0] <= now:
            _, number, message_id = heappop(self._hidden)
            heappush(self._shown, (number, message_id))
        while self._shown:
            held = self.messages.get(self._shown[0][1])
            if held is not None and held.visible_at <= now:
                yield held
            # Deleted, or hidden again meanwhile: then it is among those that are.
            heappop(self._shown)


class MemoryTransport(Transport):
    """Delivers as SQS does: at least once, again when a visibility timeout ends, at last as a dead letter."""

    longest_delay = LONGEST_DELAY
    longest_return = LONGEST_DELAY

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        visibility: timedelta = timedelta(minutes=30),
        max_receives: int = 13,
    ) -> None:
        self._clock, self._visibility, self._max_receives = clock, visibility, max_receives
        self.queues: dict[str, _Queue] = {}
        self._numbers = count(1)
        self._lock = Lock()

    def prepare(self, queue: str) -> None:
        self._queue(queue)

    def _queue(self, queue: str) -> _Queue:
        if queue not in self.queues:
            self.queues[queue] = _Queue()
        return self.queues[queue]

    def send(self, queue: str, text: str, delay: timedelta) -> None:
        with self._lock:
            number, visible_at = next(self._numbers), self._clock() + delay
            held = _Held(id=f"m{number}", number=number, body=text, visible_at=visible_at)
            self._queue(queue).messages[held.id] = held
            self._queue(queue).hide(held, visible_at)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        with self._lock:
            held = self.queues[delivery.queue].messages.get(delivery.handle)
            if held:
                self.queues[delivery.queue].hide(held, self._clock() + delay)

    def depth(self, queue: str) -> int:
        with self._lock:
            now = self._clock()
            return sum(
                held.receives > 0 or held.visible_at <= now for held in self.queues[queue].messages.values()
            )

    def receive(self, queue: str, limit: int = 10) -> list[Delivery]:
        """Return what is visible now; a message received too often moves to the dead letters instead."""
        found: list[Delivery] = []
        with self._lock:
            now, waiting = self._clock(), self._queue(queue)
            for held in waiting.visible(now):
                if len(found) == limit:
                    break
                held.receives += 1
                if held.receives > self._max_receives:
                    waiting.dead.append(waiting.messages.pop(held.id))
                    continue
                waiting.hide(held, now + self._visibility)
                found.append(
                    Delivery(id=held.id, body=held.body, queue=queue, handle=held.id, receives=held.receives)
                )
        return found

    def delete(self, delivery: Delivery) -> None:
        """Acknowledge a delivery."""
        with self._lock:
            self.queues[delivery.queue].messages.pop(delivery.handle, None)

    def next_visible_at(self) -> datetime | None:
        """Return when the next message can be received, None if there is none."""
        with self._lock:
            times = [held.visible_at for queue in self.queues.values() for held in queue.messages.values()]
        return min(times, default=None)

    def take_dead(self, queue: str) -> list[dict[str, Any]]:
        """Return the dead letters of a queue, and forget them."""
        with self._lock:
            dead, self.queues[queue].dead = self.queues[queue].dead, []
        return [{"id": held.id, "body": held.body, "receives": held.receives} for held in dead]
