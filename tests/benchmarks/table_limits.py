"""
DynamoDB's limits on writes, under virtual time: how many tasks a second does a table accept?

    python -m tests.benchmarks.table_limits plain --shards 32 --rate 15000

plays the writes that each task makes, as the protocol makes them, against a table in memory that refuses what
DynamoDB would:

- 1,000 write units a second for each partition. Each index has one for each value of its partition key,
  because its entries come in the order of their sort key, and DynamoDB splits no such partition:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html,
  …/burst-adaptive-capacity.html. Entries of the table itself have random keys, so its partitions are split.
- The table and each index accept what they are warm for, 4,000 units a second if they are new, and at most
  the quota, 40,000 unless AWS raised it: …/warm-throughput.html, …/ServiceQuotas.html.
- A write is refused whole if the table, or any index that it touches, has no units left:
  …/throttling-common-causes.html (the "back pressure" of an index).

What isn't used within a second is lost. DynamoDB may keep up to five minutes of it, without a promise. A call
that was refused is repeated as our client repeats it. The time that a call takes isn't modelled.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

import django

from django_offload.aws.clients import TRIES
from django_offload.aws.lean.retry import Retries
from django_offload.exceptions import Refusal
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import from_micros
from django_offload.protocol.record import DUE_AFTER, initial_item, read_record
from django_offload.stores.dynamodb import attribute
from tests.write_units import UNIT, item_size

PARTITION, NEW_TABLE, QUOTA = 1_000, 4_000, 40_000
# Of all writes, so many may be refused where a rate is called accepted. Their retries succeed.
ACCEPTED_SHARE = 0.001
START = datetime(2026, 11, 30, tzinfo=UTC)
# Seconds: a message's way, the work, the wait for the next attempt, and how far a deferred task is ahead.
MESSAGE, WORK, BACKOFF, DEFERRED = 0.02, 0.1, 1.0, 3_600.0
LEASE, RESULT_TTL = timedelta(seconds=65), timedelta(days=14)
# A worker does so many tasks a second, and each has a client of its own, with its own quota of retries.
TASKS_A_CLIENT = 10
THROTTLED = Refusal(
    "UpdateItem",
    400,
    {
        "Error": {"Code": "ThrottlingException", "Message": "Throughput exceeds the current capacity."},
        "ResponseMetadata": {"HTTPHeaders": {}},
    },
)
# The writes of a task, in their order.
COURSES = {
    "plain": ("create", "claim", "succeed"),
    "deferred": ("create", "send again", "claim", "succeed"),
    "retried": ("create", "claim", "release", "claim", "succeed"),
    "failed": ("create", "claim", "fail"),
}


class Throttled(Exception):
    """The table, or an index, has no units left in this second."""


@dataclass(slots=True)
class Bucket:
    """So many units a second. It holds what one second brings, and begins with little."""

    rate: float
    level: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.rate / 20

    def holds(self, units: float, now: float) -> bool:
        self.level = min(self.rate, self.level + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return self.level >= units


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: its keys, and all attributes of an item that it holds."""

    name: str
    partition: str
    sort: str
    attributes: frozenset[str]

    def key(self, item: Attributes | None) -> tuple[object, object] | None:
        """Return the keys of an item's entry, or None if it has none."""
        if item is None or self.partition not in item or self.sort not in item:
            return None
        return item[self.partition], item[self.sort]

    def units(self, item: Attributes) -> int:
        """Return the units that writing, or removing, an item's entry costs."""
        return units({name: value for name, value in item.items() if name in self.attributes})


def units(item: Attributes) -> int:
    size = item_size({"part": {"S": "record"}, **{name: attribute(value) for name, value in item.items()}})
    return max(math.ceil(size / UNIT), 1)


def indexes() -> tuple[Index, ...]:
    """Return the indexes of the table that the present TASKS deploy."""
    from django_offload.conf import configured
    from django_offload.stack import template_of
    from django_offload.stack.names import TABLE

    resources = json.loads(template_of(configured()["default"].stack, as_json=True))["Resources"]
    described = resources[TABLE]["Properties"]["GlobalSecondaryIndexes"]
    return tuple(map(index_of, described))


def index_of(described: Mapping[str, Any]) -> Index:
    partition, sort = (key["AttributeName"] for key in described["KeySchema"])
    others = described["Projection"]["NonKeyAttributes"]
    if isinstance(others, Mapping):
        # Tables of the first releases have indexes with fewer attributes.
        _, others, _ = others["Fn::If"]
    return Index(described["IndexName"], partition, sort, frozenset({"id", partition, sort, *others}))


class LimitedTable:
    """Records in memory, whose writes take units from the table and from the indexes that they touch."""

    def __init__(self, table_indexes: tuple[Index, ...], units_a_second: float) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.indexes, self.units_a_second = table_indexes, units_a_second
        self.buckets: dict[object, Bucket] = {"table": Bucket(units_a_second)}
        self.used: Counter[object] = Counter()
        self.refused: Counter[object] = Counter()
        self.writes = 0
        self._sizes: dict[object, int] = {}  # By what is written: all tasks of a course are alike.

    def change(self, now: float, task_id: str, change: ConditionalWrite) -> None:
        """Make a conditional write at this second. Raise Throttled if the units don't suffice."""
        self.writes += 1
        before = self.records.get(task_id)
        if not change.allowed(before):
            raise Refused(change, before)
        after = change.apply(before)
        needed = list(self.needed(change.name, before, after))
        for key, count in needed:
            if not self.bucket(key).holds(count, now):
                self.refused[key] += 1
                raise Throttled
        for key, count in needed:
            self.buckets[key].level -= count
            self.used[key] += count
        self.records[task_id] = after

    def needed(self, name: str, before: Attributes | None, after: Attributes) -> Iterator[tuple[object, int]]:
        """Yield the units that a write takes, from the table, each index and each partition of it."""
        kind = (name, len(before or ()))
        yield "table", self._size((kind, "table"), lambda: max(units(before or {}), units(after)))
        for index in self.indexes:
            was, becomes = index.key(before), index.key(after)
            if was == becomes:
                continue
            of_partitions: Counter[object] = Counter()
            for key, item in ((was, before), (becomes, after)):
                if key is not None and item is not None:
                    size = self._size((kind, index.name, item is after), lambda: index.units(item))  # noqa: B023
                    of_partitions[index.name, key[0]] += size
            yield index.name, of_partitions.total()
            yield from of_partitions.items()

    def _size(self, key: object, count: Callable[[], int]) -> int:
        if key not in self._sizes:
            self._sizes[key] = count()
        return self._sizes[key]

    def bucket(self, key: object) -> Bucket:
        if key not in self.buckets:
            # The key of a partition is a pair: its index, and the value of the partition key.
            rate = float(PARTITION) if isinstance(key, tuple) else self.units_a_second
            self.buckets[key] = Bucket(rate)
        return self.buckets[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many tasks a second, evenly spread, each with the writes of one course."""

    course: str
    rate: int
    shards: int
    seconds: float = 10.0
    warm: float = math.inf  # Units a second that the table and each index accept at once.
    quota: float = QUOTA
    listed: bool = False  # In the index that lists each alias in many shards.


@dataclass(slots=True)
class Outcome:
    """What became of a load."""

    load: Load
    writes: int = 0
    refused: Counter[object] = field(default_factory=Counter)
    used: Counter[object] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    waits: list[float] = field(default_factory=list)  # Seconds that enqueue() waited for its record.

    @property
    def refused_share(self) -> float:
        return self.refused.total() / max(self.writes, 1)

    @property
    def accepted(self) -> bool:
        """Return True if hardly a write was refused, and none was given up."""
        return self.refused_share <= ACCEPTED_SHARE and not self.given_up

    def wait(self, share: float) -> float:
        waits = sorted(self.waits)
        return waits[int(len(waits) * share)] if waits else 0.0


@dataclass(slots=True)
class Writer:
    """The next write of one task."""

    task_id: str
    stage: int  # The place in its course.
    since: float  # When this write was tried first.
    tries: int = 0


def play(load: Load, table_indexes: tuple[Index, ...], seed: int = 17) -> Outcome:
    """Play a load, and return what became of it. The same seed plays it again exactly."""
    rng, state = random.Random(seed), random.getstate()
    random.seed(seed)  # The client's pauses use the module's own.
    table, outcome = LimitedTable(table_indexes, min(load.warm, load.quota)), Outcome(load)
    clients = [Retries("dynamodb", TRIES) for _ in range(max(load.rate // TASKS_A_CLIENT, 1))]
    course, planned, number = COURSES[load.course], list[tuple[float, int, Writer]](), 0

    def plan(at: float, writer: Writer) -> None:
        nonlocal number
        number += 1
        heappush(planned, (at, number, writer))

    for task in range(int(load.rate * load.seconds)):
        at = (task + rng.random()) / load.rate
        plan(at, Writer(f"{rng.getrandbits(128):032x}", 0, at))
    while planned:
        now, _, writer = heappop(planned)
        name, retries = course[writer.stage], clients[rng.randrange(len(clients))]
        change = write(name, writer.task_id, table.records.get(writer.task_id), now, load)
        try:
            table.change(now, writer.task_id, change)
        except Throttled:
            writer.tries += 1
            pause = retries.pause(THROTTLED, writer.tries)
            if pause is None:
                outcome.given_up[name] += 1
            else:
                plan(now + pause, writer)
            continue
        retries.refill(THROTTLED if writer.tries else None)
        if not writer.stage:
            outcome.waits.append(now - writer.since)
        if writer.stage + 1 == len(course):
            outcome.ended += 1
            del table.records[writer.task_id]
            continue
        at = now + delay_after(name)
        plan(at, Writer(writer.task_id, writer.stage + 1, at))
    random.setstate(state)
    outcome.writes, outcome.refused, outcome.used = table.writes, table.refused, table.used
    return outcome


def delay_after(name: str) -> float:
    """Return the seconds from a write to the next of its task."""
    return {"claim": WORK, "release": BACKOFF}.get(name, MESSAGE)


def write(name: str, task_id: str, record: Attributes | None, now: float, load: Load) -> ConditionalWrite:
    """Return a write of a task's course, as the protocol makes it."""
    at, shards = START + timedelta(seconds=now), load.shards
    if name == "create":
        birth = enqueued(task_id, at, load.course == "deferred")
        return transitions.create(initial_item(birth, shards, listed=load.listed))
    assert record is not None, f"{name} of a task that has no record"
    if name == "send again":
        due_was = from_micros(int(record["due_at"]))  # type: ignore[arg-type]
        start = at + timedelta(minutes=14)
        return transitions.send_again(
            task_id, due_was=due_was, due_at=start + DUE_AFTER, now=start, counts=False, shards=shards
        )
    if name == "claim":
        # Hours of waiting are left out, so a deferred task is claimed by the clock of its start.
        at = max(at, read_record(record).not_before)
        return transitions.claim(
            None,
            token=f"{int(task_id, 16) % 2**64:016x}",
            worker_id="2026/11/30/[1]abcdef0123456789abcdef0123456789",
            now=at,
            lease_until=at + LEASE,
            max_attempts=3,
            shards=shards,
        )
    claim: dict[str, Any] = {"fence": record["fence"], "token": record["token"]}
    if name == "succeed":
        return transitions.succeed(**claim, now=at, result_ttl=RESULT_TTL, stored={"result": '{"people":7}'})
    error = {"class": "OSError", "message": "The mail server does not answer."}
    if name == "release":
        return transitions.release(
            task_id,
            **claim,
            not_before=at,
            due_at=at + DUE_AFTER,
            error=error,
            part="error#0001",
            shards=shards,
        )
    return transitions.fail(
        **claim, now=at, result_ttl=RESULT_TTL, error=error, part="error#0001", shards=shards
    )


def enqueued(task_id: str, at: datetime, deferred: bool) -> EnqueuedTask:
    return EnqueuedTask(
        id=task_id,
        alias="default",
        name="shop.tasks.build_report",
        queue="default",
        arguments="[[7],{}]",
        enqueued_at=at,
        run_after=at + timedelta(seconds=DEFERRED) if deferred else None,
        owner="user:1",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Play tasks against DynamoDB's limits on writes.")
    parser.add_argument("course", choices=COURSES)
    parser.add_argument("--rate", type=int, default=15_000, help="tasks a second")
    parser.add_argument("--shards", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument(
        "--warm", type=float, default=math.inf, help="units a second of the table and each index"
    )
    parser.add_argument("--quota", type=float, default=math.inf, help=f"{QUOTA:,} unless AWS raised it")
    django.setup()
    outcome = play(Load(**vars(parser.parse_args())), indexes())
    refused = {str(key): count for key, count in outcome.refused.most_common(3)}
    described = {
        "accepted": outcome.accepted,
        "refused_share": round(outcome.refused_share, 5),
        "refused": refused,
        "given_up": dict(outcome.given_up),
        "ended": outcome.ended,
        "enqueue_p99_seconds": round(outcome.wait(0.99), 2),
    }
    print(json.dumps(described))


if __name__ == "__main__":
    main()
