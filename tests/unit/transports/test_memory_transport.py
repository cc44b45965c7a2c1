"""The memory transport, compared with a queue that looks at every message each time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from django_offload.transports.memory import MemoryTransport

VISIBILITY, MOST_RECEIVES = timedelta(seconds=5), 3
STEPS = ["send", "receive", "give back", "delete", "wait"]


class Plain:
    """A queue as a list of [name, visible at, receives], in the order of their sending."""

    def __init__(self):
        self.messages, self.dead = [], []

    def receive(self, now, limit):
        bodies = []
        for message in [message for message in self.messages if message[1] <= now]:
            if len(bodies) == limit:
                break
            message[2] += 1
            if message[2] > MOST_RECEIVES:
                self.messages.remove(message)
                self.dead.append(message[0])
                continue
            message[1] = now + VISIBILITY
            bodies.append(message[0])
        return bodies

    def hide(self, name, until):
        for message in self.messages:
            if message[0] == name:
                message[1] = until

    def delete(self, name):
        self.messages = [message for message in self.messages if message[0] != name]


@pytest.mark.parametrize("seed", range(10))
def test_the_memory_transport_delivers_what_a_plain_queue_delivers(seed):
    now, rng = datetime(2026, 3, 1, tzinfo=UTC), Random(seed)
    transport = MemoryTransport(lambda: now, visibility=VISIBILITY, max_receives=MOST_RECEIVES)
    plain, received = Plain(), []
    transport.prepare("q")

    for number in range(1_000):
        step, duration = rng.choice(STEPS), timedelta(seconds=rng.randrange(8))
        if step == "send":
            transport.send("q", str(number), duration)
            plain.messages.append([str(number), now + duration, 0])
        elif step == "receive":
            limit = 1 + duration.seconds
            received += (bodies := transport.receive("q", limit))
            assert [delivery.body for delivery in bodies] == plain.receive(now, limit)
        elif step == "wait":
            now += duration
        elif received:
            delivery = rng.choice(received[-10:])
            if step == "delete":
                transport.delete(delivery)
                plain.delete(delivery.body)
            else:
                transport.give_back(delivery, duration)
                plain.hide(delivery.body, now + duration)

    hidden = [receives for _, visible_at, receives in plain.messages if visible_at > now]
    assert transport.counts("q") == {
        "waiting": len(plain.messages) - len(hidden),
        "delayed": hidden.count(0),
        "in_flight": len(hidden) - hidden.count(0),
        "dead": len(plain.dead),
    }
    assert [letter["body"] for letter in transport.take_dead("q")] == plain.dead
    held = [receives > 0 or visible_at <= now for _, visible_at, receives in plain.messages]
    assert transport.depth("q") == sum(held)


@pytest.mark.parametrize("seed", range(5))
def test_groups_take_turns_and_nothing_is_lost_or_received_twice(seed):
    now, rng = datetime(2026, 3, 1, tzinfo=UTC), Random(seed)
    transport = MemoryTransport(lambda: now, visibility=VISIBILITY)
    sent = [rng.choice(["noisy", "noisy", "noisy", "noisy", "quiet", None]) for _ in range(300)]
    for number, group in enumerate(sent):
        transport.send("q", str(number), timedelta(0), group)

    received = []
    while deliveries := transport.receive("q", rng.randrange(1, 11)):
        received += [int(delivery.body) for delivery in deliveries]

    assert sorted(received) == [*range(300)]
    groups = [sent[number] for number in received]
    for group in ("noisy", "quiet", None):
        own = [number for number in received if sent[number] == group]
        assert own == sorted(own)
    # Turn by turn until the quiet one has nothing left.
    both = [group for group in groups if group is not None][: 2 * sent.count("quiet") - 1]
    assert all(one != other for one, other in pairwise(both))
