"""Messages in this process's memory: a standard SQS queue, visibility timeout and dead letters included."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

from ..record import LONGEST_DELAY
from .base import Delivery, Transport


@dataclass(slots=True)
class _Held:
    """One message in a queue."""

    id: str
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class _Queue:
    messages: dict[str, _Held] = field(default_factory=dict)
    dead: list[_Held] = field(default_factory=list)


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
        self.queues.setdefault(queue, _Queue())

    def send(self, queue: str, text: str, delay: timedelta) -> None:
        with self._lock:
            held = _Held(id=f"m{next(self._numbers)}", body=text, visible_at=self._clock() + delay)
            self.queues.setdefault(queue, _Queue()).messages[held.id] = held

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        with self._lock:
            held = self.queues[delivery.queue].messages.get(delivery.handle)
            if held:
                held.visible_at = self._clock() + delay

    def depth(self, queue: str) -> int:
        with self._lock:
            now = self._clock()
            return sum(held.visible_at <= now for held in self.queues[queue].messages.values())

    def receive(self, queue: str, limit: int = 10) -> list[Delivery]:
        """Return what is visible now; a message received too often moves to the dead letters instead."""
        found: list[Delivery] = []
        with self._lock:
            now, messages = self._clock(), self.queues.setdefault(queue, _Queue()).messages
            for held in [held for held in messages.values() if held.visible_at <= now]:
                if len(found) == limit:
                    break
                held.receives += 1
                if held.receives > self._max_receives:
                    self.queues[queue].dead.append(messages.pop(held.id))
                    continue
                held.visible_at = now + self._visibility
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
