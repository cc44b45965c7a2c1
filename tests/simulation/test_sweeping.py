"""The sweeper goes on, whatever one record or one shard of its index meets."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.protocol.conditional_write import Attributes
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import EPOCH
from django_offload.stores import DueEntry
from django_offload.stores.memory import MemoryStore
from django_offload.transports import use
from django_offload.transports.memory import MemoryTransport
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.due_pages import PAGE
from tests.contract.records import create_record
from tests.old_shards import DUE_SHARDS

from .clock import START
from .faults import InternalServerError
from .setup import SQS


class BrokenStore(MemoryStore):
    """Cannot read some records, nor one shard of the index."""

    def __init__(self, *, unreadable: set[str] = frozenset(), shard: int = -1) -> None:
        super().__init__()
        self.unreadable, self.shard = unreadable, shard

    def get(self, task_id: str) -> Attributes | None:
        if task_id in self.unreadable:
            raise InternalServerError
        return super().get(task_id)

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        if shard == self.shard:
            raise InternalServerError
        return super().due(shard, until, limit, since)


@pytest.fixture
def sweep(simulated):
    """Sweep a store an hour after the start, for at most 50 looks; return how many messages were sent."""

    def run(store: MemoryStore) -> int:
        transport = MemoryTransport(lambda: START + timedelta(hours=1))
        transport.prepare("default")
        looks = iter(range(PAGE * 3, -1, -1))
        with use(SQS, transport):
            Sweeper(
                options=configured()["default"],
                store=store,
                clock=lambda: START + timedelta(hours=1),
                left=lambda: float(next(looks, 0)),
            ).run()
        return len(transport.queues["default"].messages)

    return run


def lost(store: MemoryStore, number: int, shard: int) -> str:
    """Put a record into `store` whose message is nowhere, and which is due in `shard`."""
    task_id = f"{number:028x}{shard:04x}"
    at = START + timedelta(microseconds=number)
    create_record(
        store, EnqueuedTask(id=task_id, alias="default", name="sim.plain", queue="default", enqueued_at=at)
    )
    return task_id


def test_a_record_that_cannot_be_read_stops_no_other(sweep):
    store = BrokenStore()
    for number in range(3):
        lost(store, number, 0)
    store.unreadable = {f"{0:028x}0000"}

    assert sweep(store) == 2


def test_a_shard_that_cannot_be_read_stops_no_other(sweep):
    store = BrokenStore(shard=0)
    for shard in range(DUE_SHARDS):
        lost(store, 1, shard)

    assert sweep(store) == DUE_SHARDS - 1


def test_a_page_of_records_that_cannot_be_swept_stops_none_behind_it(sweep):
    store = BrokenStore()
    store.unreadable = {lost(store, number, 0) for number in range(PAGE)}
    lost(store, PAGE + 1, 0)
    lost(store, 1, 1)

    assert sweep(store) == 2
