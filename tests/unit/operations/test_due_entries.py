"""Counts and lists over many partitions ask them together, and read little more than they return."""

from itertools import islice
from random import Random

import pytest

from django_offload.operations.due_entries import EVER, MOST_ASKED, count_entries, merged
from django_offload.protocol.json_codec import from_micros
from django_offload.stores.memory import MemoryStore
from tests.benchmarks.virtual_time import CALL_SECONDS, VirtualTime

SHARDS = range(66)


class MeteredStore(MemoryStore):
    """Counts the entries that are read, and has queries take virtual time."""

    def __init__(self, entries):
        super().__init__()
        self.time, self.read = VirtualTime(), 0
        for number, (shard, due_at) in enumerate(entries):
            task_id = f"{number:032x}"
            self.records[task_id] = {"id": task_id, "due_shard": shard, "due_at": due_at}
            self._due[shard][task_id] = None

    @property
    def trips(self):
        return round(self.time.seconds / CALL_SECONDS)

    def begin_due(self, *arguments):
        page = self.due(*arguments)
        self.read += len(page)
        return self.time.begin("Query", lambda: page)


def spread(count, shards, instants=10**6):
    random = Random(7)
    return [(random.choice(shards), random.randrange(instants)) for _ in range(count)]


@pytest.mark.parametrize("shards", [SHARDS, range(2), range(65, 66)], ids=["all", "two", "one"])
@pytest.mark.parametrize("count", [0, 1, 150, 999, 1_000, 1_001, 5_000])
def test_a_count_is_exact_up_to_its_limit(shards, count):
    store = MeteredStore(spread(count, shards))

    assert count_entries(store, SHARDS, EVER, 1_000) == min(count, 1_000)

    assert store.read <= 3 * 1_000
    assert store.trips <= 12


def test_a_count_has_only_what_is_due():
    store = MeteredStore([(number % 66, number) for number in range(500)])

    assert count_entries(store, SHARDS, from_micros(99), 1_000) == 100


@pytest.mark.parametrize("shards", [SHARDS, range(2), range(65, 66)], ids=["all", "two", "one"])
@pytest.mark.parametrize("instants", [1, 20, 10**6])
def test_entries_of_all_partitions_come_once_the_oldest_first(shards, instants):
    store = MeteredStore(spread(3_000, shards, instants))

    listed = list(merged(store, SHARDS))

    assert sorted(entry.id for entry in listed) == sorted(store.records)
    assert [entry.due_at for entry in listed] == sorted(entry.due_at for entry in listed)
    # Of those at one instant, a page begins with those of the page before.
    assert store.read <= (2 * 3_000 if instants > 1 else 3_000**2 / MOST_ASKED)


@pytest.mark.parametrize("shards", [SHARDS, range(2)], ids=["all", "two"])
def test_the_first_entries_of_a_large_index_cost_little(shards):
    store = MeteredStore(spread(20_000, shards))

    listed = list(islice(merged(store, SHARDS), 50))

    oldest = sorted(record["due_at"] for record in store.records.values())[:50]
    assert [entry.due_at for entry in listed] == [from_micros(micros) for micros in oldest]
    assert store.read <= 66 * 10
    assert store.trips <= 3 + 3
