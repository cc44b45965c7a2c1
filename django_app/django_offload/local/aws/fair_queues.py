"""
Fair queues for local AWS: groups of a standard queue take turns, so that a busy one holds up no other.

moto takes the group of a message (MessageGroupId) and shows it, but returns the oldest messages first. SQS
finds out which groups are noisy, and returns the messages of the others first. Turns come to the same without
the figures of many consumers, which a laptop doesn't have.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any


@cache
def make_queues_fair() -> None:
    """Let moto's standard queues return messages in turns, once per process."""
    models: Any = import_module("moto.sqs.models")
    visible, receive = models.Queue.messages, models.SQSBackend.receive_message

    def messages(self: Any) -> list[Any]:
        found: list[Any] = visible.fget(self)
        return found if self.fifo_queue else in_turns(found, turns_of(self))

    def receive_message(self: Any, queue_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        received: list[Any] = receive(self, queue_name, *args, **kwargs)
        turns = turns_of(self.get_queue(queue_name))
        for message in received:
            if message.group_id is not None:
                # Dictionaries are ordered, so the group becomes the last one.
                turns.pop(message.group_id, None)
                turns[message.group_id] = None
        return received

    models.Queue.messages = property(messages)
    models.SQSBackend.receive_message = receive_message


def turns_of(queue: Any) -> dict[str, None]:
    """Return the groups of a queue of moto that had a turn, the last one at the end."""
    turns: dict[str, None] = vars(queue).setdefault("turns_of_groups", {})
    return turns


def in_turns(messages: Sequence[Any], turns: Iterable[str]) -> list[Any]:
    """
    Return messages in the order in which their groups have a turn, the oldest of each group first.

    The group that had its last turn the longest ago is next. A message without a group is a group of its own,
    which had no turn yet, as SQS counts it.
    """
    if all(message.group_id is None for message in messages):
        return [*messages]
    last_turns = {group: number for number, group in enumerate(turns, 1)}
    rounds: Counter[str] = Counter()
    keys = []
    for number, message in enumerate(messages):
        group = message.group_id
        keys.append((rounds[group], last_turns.get(group, 0), number) if group else (0, 0, number))
        rounds[group] += 1
    return [messages[number] for *_, number in sorted(keys)]
