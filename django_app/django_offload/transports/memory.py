"""Messages in this process's memory, like a standard SQS queue with visibility timeout and dead letters."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import Lock
from typing import Any

from ..aws.memory_limits import check_message
from ..protocol.record import LONGEST_DELAY
from .base import Delivery, Transport


@dataclass(slots=True)
class QueuedMessage:
    """One message in a queue."""

    id: str
    number: int  # In the order in which the messages were sent.
    body: str
    visible_at: datetime
    receives: int = 0
    group: str | None = None


@dataclass(slots=True)
class MessageQueue:
    """
    The messages by id, and heaps of hidden and visible ones, so that a receipt looks at few.

    A queue is as fair among groups as one of SQS. The next message is the oldest of the group of which a
    worker has the fewest; among equals, of the one that had its last turn the longest ago. All messages
    without a group count as one.
    """

    messages: dict[str, QueuedMessage] = field(default_factory=dict)
    dead: list[QueuedMessage] = field(default_factory=list)
    _hidden: list[tuple[datetime, int, str]] = field(default_factory=list)
    # By group: a heap of its visible messages, and the number of its last turn.
    _visible: dict[str | None, list[tuple[int, str]]] = field(default_factory=dict)
    _turns: dict[str | None, int] = field(default_factory=dict)
    _last_turn: int = 0
    # What workers have: not what they returned, nor what became visible again.
    _taken: dict[str, QueuedMessage] = field(default_factory=dict)

    def hide(self, message: QueuedMessage, until: datetime, *, taken: bool = False) -> None:
        """Prevent receipts of a message before `until`, because a worker has taken it or it has to wait."""
        message.visible_at = until
        heappush(self._hidden, (until, message.number, message.id))
        if taken:
            self._taken[message.id] = message
        else:
            self._taken.pop(message.id, None)

    def remove(self, message_id: str) -> QueuedMessage | None:
        self._taken.pop(message_id, None)
        return self.messages.pop(message_id, None)

    def visible(self, now: datetime) -> Iterator[QueuedMessage]:
        """Yield visible messages, the oldest of each group in turn; the caller hides or removes each one."""
        while self._hidden and self._hidden[0][0] <= now:
            _, number, message_id = heappop(self._hidden)
            if message_id in self.messages:
                group = self.messages[message_id].group
                heappush(self._visible.setdefault(group, []), (number, message_id))
        while self._visible:
            group = self._next_group(now)
            waiting = self._visible[group]
            message = self.messages.get(waiting[0][1])
            if message is not None and message.visible_at <= now:
                yield message
                self._last_turn += 1
                self._turns[group] = self._last_turn
            # It was deleted, or hidden again, so that it is in the other heap.
            heappop(waiting)
            if not waiting:
                del self._visible[group]

    def _next_group(self, now: datetime) -> str | None:
        if len(self._visible) == 1:
            return next(iter(self._visible))
        taken = Counter(
            message.group
            for message in self._taken.values()
            if message.visible_at > now and message.id in self.messages
        )
        return min(
            self._visible,
            key=lambda group: (taken[group], self._turns.get(group, 0), self._visible[group][0]),
        )


class MemoryTransport(Transport):
    """Delivers as SQS does: at least once, again after a visibility timeout, finally as a dead letter."""

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
        self.queues: dict[str, MessageQueue] = {}
        self._numbers = count(1)
        self._lock = Lock()

    def prepare(self, queue: str) -> None:
        self._queue(queue)

    def _queue(self, name: str) -> MessageQueue:
        if name not in self.queues:
            self.queues[name] = MessageQueue()
        return self.queues[name]

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        check_message(text)
        with self._lock:
            number, visible_at = next(self._numbers), self._clock() + delay
            message = QueuedMessage(
                id=f"m{number}", number=number, body=text, visible_at=visible_at, group=group
            )
            self._queue(queue).messages[message.id] = message
            self._queue(queue).hide(message, visible_at)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        with self._lock:
            message = self.queues[delivery.queue].messages.get(delivery.handle)
            if message:
                self.queues[delivery.queue].hide(message, self._clock() + delay)

    def depth(self, queue: str) -> int:
        with self._lock:
            now = self._clock()
            return sum(
                message.receives > 0 or message.visible_at <= now
                for message in self.queues[queue].messages.values()
            )

    def counts(self, queue: str) -> dict[str, int]:
        """Return how many messages wait, are delayed or in flight, and how many dead letters there are."""
        with self._lock:
            now, message_queue = self._clock(), self._queue(queue)
            messages = message_queue.messages.values()
            return {
                "waiting": sum(message.visible_at <= now for message in messages),
                "delayed": sum(message.visible_at > now and not message.receives for message in messages),
                "in_flight": sum(message.visible_at > now and message.receives > 0 for message in messages),
                "dead": len(message_queue.dead),
            }

    def receive(self, queue: str, limit: int = 10) -> list[Delivery]:
        """Return the visible messages. A message that was received too often becomes a dead letter."""
        deliveries: list[Delivery] = []
        with self._lock:
            now, message_queue = self._clock(), self._queue(queue)
            for message in message_queue.visible(now):
                if len(deliveries) == limit:
                    break
                message.receives += 1
                if message.receives > self._max_receives:
                    message_queue.remove(message.id)
                    message_queue.dead.append(message)
                    continue
                message_queue.hide(message, now + self._visibility, taken=True)
                deliveries.append(
                    Delivery(
                        id=message.id,
                        body=message.body,
                        queue=queue,
                        handle=message.id,
                        receives=message.receives,
                    )
                )
        return deliveries

    def delete(self, delivery: Delivery) -> None:
        """Acknowledge a delivery."""
        with self._lock:
            self.queues[delivery.queue].remove(delivery.handle)

    def next_visible_at(self) -> datetime | None:
        """Return when the next message becomes visible, or None if there are no messages."""
        with self._lock:
            instants = [
                message.visible_at for queue in self.queues.values() for message in queue.messages.values()
            ]
        return min(instants, default=None)

    def take_dead(self, queue: str) -> list[dict[str, Any]]:
        """Remove the dead letters of a queue and return them."""
        with self._lock:
            dead, self.queues[queue].dead = self.queues[queue].dead, []
        return [{"id": message.id, "body": message.body, "receives": message.receives} for message in dead]
