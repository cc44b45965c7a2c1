"""What a task costs, counted: calls to AWS by each side, and DynamoDB's write units, on records in memory."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django_offload import stores, transports
from django_offload.conf import Options, configured
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Value
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import SWEEP_EVERY, initial_item
from django_offload.stores.dynamodb import attribute
from django_offload.stores.memory import MemoryStore
from django_offload.testing.events import Invocation, sqs_event
from django_offload.transports.memory import MemoryTransport
from django_offload.worker import batch
from django_offload.worker.sweep import sweep
from tests.write_units import units

BATCH = 10
# Tasks that wait: more than the sweeper takes for a short queue.
BACKLOG = 20


class MeteredStore(MemoryStore):
    """Records in memory, and what DynamoDB would bill for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[int] = []
        self.reads = 0

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        before = super().change(task_id, change)
        self.writes.append(units(_item(before), _item(self.records[task_id])))
        return before

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        item = {
            "id": attribute(task_id),
            "part": attribute(part),
            "text": attribute(text),
            "ttl": attribute(ttl),
        }
        self.writes.append(units(None, item))
        return super().put_part(task_id, part, text, ttl)

    def get(self, task_id: str) -> Attributes | None:
        self.reads += 1
        return super().get(task_id)


def _item(attributes: Attributes | None) -> dict[str, Any] | None:
    if attributes is None:
        return None
    return {"part": {"S": "record"}, **{name: attribute(value) for name, value in attributes.items()}}


@contextmanager
def installed(options: Options, store: MemoryStore) -> Iterator[MemoryTransport]:
    """Put a store, and queues in memory, in the place of AWS."""
    transport = MemoryTransport(lambda: datetime.now(UTC))
    with stores.use(options.stack, store), transports.use(options.stack, transport):
        yield transport


def write_units(argument: Any) -> Mapping[str, float]:
    """Return the write units and reads of one task, at enqueue and in the worker, under the present TASKS."""
    from tests.benchmarks.tasks import nothing

    store, options = MeteredStore(), configured()["default"]
    with installed(options, store) as transport:
        nothing.enqueue(argument)
        born, read = sum(store.writes), store.reads
        event = sqs_event(transport.receive("default", BATCH), options.queue("default"))
        answer = batch.handler(event, Invocation(options.worker_function("default")))
    assert answer == {"batchItemFailures": []}
    found = Counter(enqueue=born, worker=sum(store.writes) - born, reads=store.reads - read)
    found["writes"] = len(store.writes)
    found["largest"] = max(store.writes)
    return found


def waiting_units(until: Sequence[timedelta]) -> Mapping[timedelta, float]:
    """
    Return how many write units a task costs more for each of these times that it waits in a long queue.

    The sweeper runs every minute. It looks at the records of 20 tasks, and sends none of them again.
    """
    store, options, start = MeteredStore(), configured()["default"], datetime.now(UTC)
    ids = random.Random(7)
    found = {}
    with installed(options, store) as transport:
        for number in range(BACKLOG):
            enqueued = EnqueuedTask(
                id=f"{ids.getrandbits(128):032x}",
                alias=options.alias,
                name="tests.benchmarks.tasks.nothing",
                queue="default",
                arguments="[[7],{}]",
                enqueued_at=start + timedelta(seconds=number),
            )
            store.begin_create(initial_item(enqueued, store.shards(options)))()
            transport.send("default", "a message", timedelta(0))
        born = sum(store.writes)
        now = start
        while now < start + max(until):
            now += SWEEP_EVERY
            sweep(partial(at, now), minute)
            if now - start in until:
                found[now - start] = (sum(store.writes) - born) / BACKLOG
        assert transport.depth("default") == BACKLOG
    return found


def at(now: datetime) -> datetime:
    return now


def minute() -> float:
    return 60.0
