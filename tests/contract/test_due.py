"""The sweeper's index: sparse, by shard, the oldest first."""

from datetime import timedelta

import pytest

from django_offload.protocol.conditional_write import Refused
from django_offload.protocol.record import initial_item, read_record
from django_offload.protocol.transitions import send_again, succeed
from tests.contract.records import NOW, TOKEN, TTL, claimed, create_record, enqueued_task, new_id
from tests.old_shards import DUE_SHARDS

SECOND = timedelta(seconds=1)
HELD = {"fence": 1, "token": TOKEN}
END = {"now": NOW, "result_ttl": TTL}


def test_due_returns_the_entries_of_one_shard_until_an_instant_oldest_first(store):
    minutes = {3: new_id(1), 1: new_id(1), 2: new_id(1), 9: new_id(1)}
    for minute, task_id in minutes.items():
        create_record(store, enqueued_task(task_id, enqueued_at=NOW + timedelta(minutes=minute)))
    create_record(store, enqueued_task(new_id(0), enqueued_at=NOW))

    entries = store.due(1, NOW + timedelta(minutes=5 + 3), 100)

    assert [(entry.id, entry.due_at) for entry in entries] == [
        (minutes[minute], NOW + timedelta(minutes=5 + minute)) for minute in (1, 2, 3)
    ]


def test_due_returns_at_most_limit_entries(store):
    ids = [new_id(0) for _ in range(5)]
    for minute, task_id in enumerate(ids):
        create_record(store, enqueued_task(task_id, enqueued_at=NOW + timedelta(minutes=minute)))

    entries = store.due(0, NOW + timedelta(hours=1), 2)

    assert [entry.id for entry in entries] == ids[:2]


def test_due_contains_no_finished_record(store):
    running, ended = new_id(1), new_id(1)
    store.change(running, claimed(running))
    for change in (claimed(ended), succeed(**HELD, **END, stored={"result": "1"})):
        store.change(ended, change)

    entries = store.due(1, NOW + timedelta(days=1), 100)

    assert [entry.id for entry in entries] == [running]


def test_records_are_spread_over_the_shards():
    ids = [new_id() for _ in range(64)]
    shards = [initial_item(enqueued_task(task_id))["due_shard"] for task_id in ids]

    assert set(shards) <= set(range(DUE_SHARDS))
    assert len(set(shards)) > 1


def test_only_one_of_two_sweepers_moves_a_record(store):
    enqueued = enqueued_task(new_id())
    create_record(store, enqueued)
    due_at = read_record(store.get(enqueued.id)).due_at
    change = send_again(enqueued.id, due_was=due_at, due_at=due_at + SECOND, now=NOW, counts=True)

    store.change(enqueued.id, change)
    with pytest.raises(Refused, match="send again"):
        store.change(enqueued.id, change)

    record = read_record(store.get(enqueued.id))
    assert (record.sends, record.due_at) == (1, due_at + SECOND)
