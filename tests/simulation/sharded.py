"""What the protocol promises while OPTIONS["shards"] changes, and while other bands hold a backlog."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

from django_offload.conf import Options, configured
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, Value
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import LONGEST_DELAY, SWEEP_EVERY, initial_item, read_record
from django_offload.stores.memory import MemoryStore
from django_offload.transports import use
from django_offload.transports.memory import MemoryTransport
from django_offload.worker.sweeping import Sweeper

from .clock import START
from .partitions import ID, NUMBER, partition
from .repeated import LEASE, Lone
from .setup import SQS

SHARDS = (1, 2, 8, 32, 64)
ENQUEUED = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)
# Deferred records that are due together, and the seconds that each call of the sweeper takes.
BACKLOG, CALL = 1_500, 0.02


class Sharded(MemoryStore):
    """A store whose OPTIONS["shards"] changes."""

    count = 2

    def shards(self, options: Options) -> int:
        return self.count


class Alone(Lone):
    """One record, written with so many shards."""

    def __init__(self, shards: int, enqueued: EnqueuedTask = ENQUEUED) -> None:
        super().__init__()
        self.store = self.sharded = Sharded()
        self.sharded.count = shards
        self.write(transitions.create(initial_item(enqueued, shards)))

    def write(self, change: ConditionalWrite) -> None:
        self.store.change(ID, change)

    @property
    def item(self) -> dict[str, Value]:
        return self.sharded.records[ID]

    @property
    def record(self) -> Any:
        return read_record(self.item)

    def claim(self) -> dict[str, Any]:
        token, until = f"t{self.record.fence}", self.now + LEASE
        self.write(
            transitions.claim(
                None, token=token, worker_id="w", now=self.now, lease_until=until, max_attempts=3
            )
        )
        return {"fence": self.record.fence, "token": token}


def a_record_moves_to_its_shard_at_the_next_look() -> None:
    for before, after in permutations(SHARDS, 2):
        waiting, running = Alone(before), Alone(before)
        running.now += timedelta(minutes=1)
        running.claim()
        for lone, done in ((waiting, "sent"), (running, "moved")):
            assert lone.item["due_shard"] == partition("rescue", NUMBER, before)
            lone.sharded.count = after
            assert lone.sweep() == {done: 1}, f"{before} to {after}"
            assert lone.item["due_shard"] == partition("rescue", NUMBER, after)


def a_deferred_task_is_sent_from_whatever_shard_it_is_in() -> None:
    start = timedelta(hours=2)
    for before, after in permutations(SHARDS, 2):
        lone = Alone(before, replace(ENQUEUED, run_after=START + start))
        assert lone.item["due_shard"] == partition("deferred", NUMBER, before)
        lone.sharded.count = after
        assert lone.sweep() == {"sent": 1}, f"{before} to {after}"
        assert lone.now == START + start - LONGEST_DELAY + SWEEP_EVERY
        assert lone.item["due_shard"] == partition("rescue", NUMBER, after)


def a_task_whose_shards_change_ends_with_its_claim() -> None:
    for before, after in permutations(SHARDS, 2):
        lone = Alone(before)
        claim = lone.claim()
        lone.sharded.count = after
        lone.write(transitions.succeed(**claim, now=lone.now, result_ttl=LEASE, stored={"result": "1"}))
        assert "due_shard" not in lone.item
        assert lone.sweep() == {}


def a_killed_task_is_rescued_before_a_backlog_of_deferred_ones() -> None:
    lone = Alone(32)
    lone.claim()
    start = START + LEASE + LONGEST_DELAY - SWEEP_EVERY
    for number in range(BACKLOG):
        later = replace(ENQUEUED, id=f"{number + 1:032x}", run_after=start)
        lone.store.change(
            later.id, transitions.create(initial_item(replace(later, enqueued_at=START - 2 * LEASE), 32))
        )
    lone.now = START + 2 * LEASE

    class Slow(MemoryTransport):
        """Notes when the killed task is sent, and how many others are before."""

        sent: list[float]

        def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
            self.sent.append(seconds() if ID in text else 0.0)

    def seconds() -> float:
        return (lone.now - begun).total_seconds()

    begun, transport = lone.now, Slow(lone.clock)
    transport.sent = []
    transport.prepare("default")
    change = lone.store.change

    def slow(task_id: str, wanted: ConditionalWrite) -> dict[str, Value] | None:
        lone.now += timedelta(seconds=CALL)
        return change(task_id, wanted)

    lone.store.change = slow  # type: ignore[method-assign]
    with use(SQS, transport):
        sweeper = Sweeper(
            options=configured()["default"],
            store=lone.store,
            clock=lone.clock,
            left=lambda: 60.0 - seconds(),
        )
        done = sweeper.run()

    (rescued,) = [at for at in transport.sent if at]
    assert done["sent"] == BACKLOG + 1
    assert rescued <= 5, f"The killed task was sent after {rescued} s."


PROMISES: tuple[Callable[[], None], ...] = (
    a_record_moves_to_its_shard_at_the_next_look,
    a_deferred_task_is_sent_from_whatever_shard_it_is_in,
    a_task_whose_shards_change_ends_with_its_claim,
    a_killed_task_is_rescued_before_a_backlog_of_deferred_ones,
)
