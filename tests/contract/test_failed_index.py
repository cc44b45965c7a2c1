"""Every store lists FAILED records in shards that the sweeper never reads."""

from datetime import timedelta

import pytest

from django_offload.exceptions import Cancelled
from django_offload.operations import dead_letters, due_entries
from django_offload.protocol.conditional_write import Refused
from django_offload.protocol.json_codec import EPOCH, to_micros
from django_offload.protocol.record import error_of, read_record
from django_offload.protocol.transitions import (
    abandon,
    cancel,
    discard,
    fail,
    postpone,
    redrive,
    send_again,
    succeed,
)
from django_offload.stores import DueEntry
from django_offload.stores.memory import MemoryStore
from tests.contract.records import ERROR, NOW, TOKEN, TTL, claimed, create_record, enqueued_task
from tests.old_shards import DEAD_SHARDS, DUE_SHARDS, FAILED_SHARDS

HELD, END = {"fence": 1, "token": TOKEN}, {"now": NOW, "result_ttl": TTL}
LATER = NOW + timedelta(days=400)


def given_up(store, number, at=NOW):
    task_id = f"{number:032x}"
    create_record(store, enqueued_task(task_id))
    store.change(task_id, abandon(now=at, result_ttl=TTL, error=ERROR))
    return task_id


def listed(store, shards):
    return {entry.id for shard in shards for entry in store.due(shard, LATER, 1_000)}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (abandon(**END, error=ERROR), DEAD_SHARDS),
        (abandon(**END, error=error_of(Cancelled())), None),
        (cancel(**END, error=error_of(Cancelled())), None),
    ],
)
def test_dead_letters_are_listed_unless_they_were_cancelled(store, change, where):
    task_id = f"{1:032x}"
    create_record(store, enqueued_task(task_id))

    store.change(task_id, change)

    for shards in (range(DUE_SHARDS), FAILED_SHARDS, DEAD_SHARDS):
        assert listed(store, shards) == ({task_id} if shards == where else set())


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (fail(**HELD, **END, error=ERROR, part="error#0001"), FAILED_SHARDS),
        (fail(**HELD, **END, error=error_of(Cancelled()), part=None), None),
        (succeed(**HELD, **END, stored={"result": "1"}), None),
    ],
)
def test_failed_tasks_are_in_other_shards_and_successful_ones_in_none(store, change, where):
    task_id = f"{1:032x}"
    store.change(task_id, claimed(task_id))

    store.change(task_id, change)

    for shards in (range(DUE_SHARDS), FAILED_SHARDS, DEAD_SHARDS):
        assert listed(store, shards) == ({task_id} if shards == where else set())


def test_the_shards_of_failed_records_are_apart_and_all_are_used(store):
    assert not {*DEAD_SHARDS} & {*FAILED_SHARDS}
    assert max(*DEAD_SHARDS, *FAILED_SHARDS) < 0

    for number in range(DUE_SHARDS):
        given_up(store, number, NOW + timedelta(microseconds=number))

    assert [len(store.due(shard, LATER, 9)) for shard in DEAD_SHARDS] == [1] * DUE_SHARDS


@pytest.mark.parametrize("change", [discard(), redrive(f"{1:032x}", now=NOW, due_at=NOW)])
def test_discard_and_redrive_take_a_record_out(store, change):
    task_id = given_up(store, 1)

    store.change(task_id, change)

    assert listed(store, [*DEAD_SHARDS, *FAILED_SHARDS]) == set()


def test_only_a_failed_record_can_be_discarded(store):
    task_id = f"{1:032x}"
    create_record(store, enqueued_task(task_id))

    with pytest.raises(Refused, match="discard"):
        store.change(task_id, discard())

    assert read_record(store.get(task_id)).due_at is not None


def test_a_sweeper_does_not_move_a_record_that_has_failed_since_it_was_read(store):
    task_id = f"{1:032x}"
    create_record(store, enqueued_task(task_id))
    due_was = read_record(store.get(task_id)).due_at
    # It ends at the instant at which it was due, so that due_at stays the same although the record changes.
    store.change(task_id, abandon(now=due_was, result_ttl=TTL, error=ERROR))
    before = store.get(task_id)

    for change in (
        postpone(task_id, due_was=due_was, due_at=LATER),
        send_again(task_id, due_was=due_was, due_at=LATER, now=NOW, counts=True),
    ):
        with pytest.raises(Refused):
            store.change(task_id, change)

    assert store.get(task_id) == before


def test_a_range_begins_and_ends_at_its_instants(store):
    shard = DEAD_SHARDS[to_micros(NOW) % DUE_SHARDS]
    step = timedelta(seconds=1)
    ids = [given_up(store, number, NOW + number * step) for number in range(5)]

    entries = store.due(shard, NOW + 3 * step, 9, NOW + step)

    assert [entry.id for entry in entries] == ids[1:4]


def test_paging_lists_each_record_once_even_if_more_than_a_page_ended_at_one_instant(store, monkeypatch):
    monkeypatch.setattr(due_entries, "PAGE", 3)
    together = {given_up(store, number) for number in range(8)}
    after = {given_up(store, number, NOW + timedelta(seconds=number)) for number in range(10, 17)}

    listed_ids = [record.enqueued.id for record in dead_letters.failed_records(store)]

    assert sorted(listed_ids) == sorted(together | after)
    assert set(listed_ids[:8]) == together


def test_outdated_entries_of_the_index_are_not_listed():
    class LaggingStore(MemoryStore):
        def due(self, shard, until, limit, since=EPOCH):
            return [DueEntry(id=task_id, due_at=NOW) for task_id in ids] if shard == DEAD_SHARDS[0] else []

    store = LaggingStore()
    ids = [given_up(store, number) for number in range(3)] + [f"{9:032x}"]
    store.change(ids[1], discard())
    store.change(ids[2], redrive(ids[2], now=NOW, due_at=LATER))

    assert [record.enqueued.id for record in dead_letters.failed_records(store)] == ids[:1]


def test_records_can_be_discarded_while_they_are_listed(store, monkeypatch):
    monkeypatch.setattr(due_entries, "PAGE", 2)
    ids = {given_up(store, number, NOW + timedelta(microseconds=number)) for number in range(20)}

    seen = set()
    for record in dead_letters.failed_records(store):
        seen.add(record.enqueued.id)
        store.change(record.enqueued.id, discard())

    assert seen == ids
    assert list(dead_letters.failed_records(store)) == []
