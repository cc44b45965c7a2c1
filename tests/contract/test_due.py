"""The sweeper's index: sparse, by shard, the oldest first."""

from datetime import timedelta

import pytest

from django_offload.protocol.conditional_write import Refused
from django_offload.protocol.record import DUE_SHARDS, initial_item, read_record
from django_offload.protocol.transitions import send_again, succeed
from tests.contract.records import NOW, TOKEN, TTL, claimed, enqueued_task, new_id

SECOND = timedelta(seconds=1)
HELD = {"fence": 1, "token": TOKEN}
END = {"now": NOW, "result_ttl": TTL}


def test_due_lists_one_shard_oldest_first_and_not_what_is_later(store):
    minutes = {3: new_id(1), 1: new_id(1), 2: new_id(1), 9: new_id(1)}
    for minute, task_id in minutes.items():
        store.create(enqueued_task(task_id, enqueued_at=NOW + timedelta(minutes=minute)))
    store.create(enqueued_task(new_id(0), enqueued_at=NOW))

    found = store.due(1, NOW + timedelta(minutes=5 + 3), 100)

    assert [(entry.id, entry.due_at) for entry in found] == [
        (minutes[minute], NOW + timedelta(minutes=5 + minute)) for minute in (1, 2, 3)
    ]


def test_due_lists_at_most_as_many_as_asked(store):
    ids = [new_id(0) for _ in range(5)]
    for minute, task_id in enumerate(ids):
        store.create(enqueued_task(task_id, enqueued_at=NOW + timedelta(minutes=minute)))

    found = store.due(0, NOW + timedelta(hours=1), 2)

    assert [entry.id for entry in found] == ids[:2]


def test_due_is_sparse(store):
    running, ended = new_id(1), new_id(1)
    store.change(running, claimed(running))
    for change in (claimed(ended), succeed(**HELD, **END, stored={"result": "1"})):
        store.change(ended, change)

    found = store.due(1, NOW + timedelta(days=1), 100)

    assert [entry.id for entry in found] == [running]


def test_the_shards_hold_every_record():
    ids = [new_id() for _ in range(64)]
    shards = [initial_item(enqueued_task(task_id))["due_shard"] for task_id in ids]

    assert set(shards) <= set(range(DUE_SHARDS))
    assert len(set(shards)) > 1


def test_of_two_sweepers_one_moves_a_record(store):
    enqueued = enqueued_task(new_id())
    store.create(enqueued)
    due_at = read_record(store.get(enqueued.id)).due_at
    change = send_again(enqueued.id, due_was=due_at, due_at=due_at + SECOND, now=NOW, counts=True)

    store.change(enqueued.id, change)
    with pytest.raises(Refused, match="send again"):
        store.change(enqueued.id, change)

    record = read_record(store.get(enqueued.id))
    assert (record.sends, record.due_at) == (1, due_at + SECOND)
