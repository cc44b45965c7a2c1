"""
Fair queues for local AWS: a tenant with many messages holds up no other.

moto takes the group of a message (MessageGroupId) and shows it, but returns the oldest messages first. SQS
finds out which groups are noisy, from the messages that are in flight, and returns those of the others first.
A laptop has few consumers, so here no group has to become noisy first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

# How many receipt handles of failed messages are remembered. The oldest ones are visible again.
RETURNED_LIMIT = 10_000
_returned: dict[str, None] = {}


def note_returned(receipt_handles: Iterable[str]) -> None:
    """Note messages that no worker has any more, though they are in flight until they are visible again."""
    _returned.update(dict.fromkeys(receipt_handles))
    while len(_returned) > RETURNED_LIMIT:
        _returned.pop(next(iter(_returned)), None)


@cache
def make_queues_fair() -> None:
    """Let moto's standard queues return messages in a fair order, once per process."""
    models: Any = import_module("moto.sqs.models")
    visible, receive = models.Queue.messages, models.SQSBackend.receive_message

    def messages(self: Any) -> list[Any]:
        found: list[Any] = visible.fget(self)
        if self.fifo_queue or all(message.group_id is None for message in found):
            return found
        taken = Counter(message.group_id for message in self._messages if is_taken(message))
        return in_fair_order(found, taken, turns_of(self))

    def receive_message(self: Any, queue_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        received: list[Any] = receive(self, queue_name, *args, **kwargs)
        turns = turns_of(self.get_queue(queue_name))
        for message in received:
            turns[message.group_id] = max(turns.values(), default=0) + 1
        return received

    models.Queue.messages = property(messages)
    models.SQSBackend.receive_message = receive_message


def turns_of(queue: Any) -> dict[str | None, int]:
    """Return the number of the last turn of each group of a queue of moto."""
    turns: dict[str | None, int] = vars(queue).setdefault("turns_of_groups", {})
    return turns


def is_taken(message: Any) -> bool:
    """Return True if a worker has a message of moto."""
    return not message.visible and message.receipt_handle not in _returned


def in_fair_order(
    messages: Sequence[Any], taken: Mapping[str | None, int], turns: Mapping[str | None, int]
) -> list[Any]:
    """
    Return messages in the order of their delivery, the oldest of each group first.

    The next one is of the group of which workers have the fewest, and among equals of the one that had its
    last turn the longest ago. All messages without a group count as one group.
    """
    counts = Counter(taken)
    ranks: list[tuple[int, int, int]] = []
    for number, message in enumerate(messages):
        group = message.group_id
        ranks.append((counts[group], turns.get(group, 0), number))
        counts[group] += 1
    return [messages[number] for *_, number in sorted(ranks)]
