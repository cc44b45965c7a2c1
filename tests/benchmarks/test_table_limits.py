"""The model of DynamoDB's limits refuses what DynamoDB would, and the writes of tasks stay within it."""

import math
from itertools import count
from typing import Any

import pytest

from django_offload.protocol.conditional_write import ConditionalWrite
from tests.benchmarks.site import offload
from tests.benchmarks.table_limits import (
    NEW_TABLE,
    PARTITION,
    Index,
    LimitedTable,
    Load,
    Outcome,
    Throttled,
    indexes,
    play,
)

IDS = count()
DUE = Index("due", "due_shard", "due_at", frozenset({"id", "due_shard", "due_at"}))


@pytest.fixture
def deployed(settings: Any) -> tuple[Index, ...]:
    """The indexes of a small site's table."""
    settings.TASKS = {"default": offload()}
    return indexes()


def put(**attributes: Any) -> ConditionalWrite:
    return ConditionalWrite(name="put", conditions=((),), put=attributes)


def accepted(table: LimitedTable, now: float, items: int, **attributes: Any) -> int:
    """Return how many of so many new items are accepted at this second."""
    made = 0
    for _ in range(items):
        task_id = str(next(IDS))
        try:
            table.change(now, task_id, put(id=task_id, **attributes))
        except Throttled:
            continue
        made += 1
    return made


def played(course: str, rate: int, shards: int, deployed: tuple[Index, ...], **limits: Any) -> Outcome:
    more: dict[str, Any] = {"seconds": 1.0, "quota": math.inf, **limits}
    load = Load(course=course, rate=rate, shards=shards, **more)
    return play(load, deployed)


def test_a_partition_of_an_index_accepts_a_thousand_units_a_second() -> None:
    table = LimitedTable((DUE,), math.inf)

    assert accepted(table, 60.0, 1_500, due_shard=1, due_at=1) == PARTITION
    # Another partition, and the same one a second later.
    assert accepted(table, 60.0, 1_500, due_shard=2, due_at=1) == PARTITION
    assert accepted(table, 61.0, 1_500, due_shard=1, due_at=1) == PARTITION
    # Without an entry, no index limits an item.
    assert accepted(table, 61.0, 1_500) == 1_500


def test_a_table_accepts_what_it_is_warm_for() -> None:
    table = LimitedTable((), 4_000.0)

    assert accepted(table, 60.0, 5_000) == 4_000


def test_a_write_is_refused_whole_and_takes_nothing() -> None:
    table = LimitedTable((DUE,), 4_000.0)
    accepted(table, 60.0, 1_000, due_shard=1, due_at=1)
    level, writes = table.buckets["table"].level, len(table.records)

    assert accepted(table, 60.0, 500, due_shard=1, due_at=1) == 0
    assert (table.buckets["table"].level, len(table.records)) == (level, writes)
    assert table.refused[("due", 1)] == 500


def test_an_entry_that_moves_takes_units_of_both_partitions() -> None:
    table = LimitedTable((DUE,), math.inf)
    table.change(60.0, "a", put(id="a", due_shard=1, due_at=1))
    table.change(61.0, "a", put(due_shard=2, due_at=2))
    table.change(62.0, "a", put(due_at=3))
    table.change(63.0, "a", put(sent_at=3))

    assert {key: table.used[key] for key in ("table", "due", ("due", 1), ("due", 2))} == {
        "table": 4,
        "due": 1 + 2 + 2,
        ("due", 1): 2,
        ("due", 2): 1 + 2,
    }


def test_the_model_has_the_indexes_that_the_template_deploys(settings: Any) -> None:
    settings.TASKS = {"default": offload(history=True)}

    found = {index.name: index for index in indexes()}

    assert found.keys() >= {"due", "history"}
    assert (found["due"].partition, found["due"].sort) == ("due_shard", "due_at")
    assert {"id", "name", "queue"} <= found["due"].attributes


# A second of what make bench plays for ten.
@pytest.mark.parametrize(("course", "rate"), [("plain", 15_000), ("deferred", 7_500)])
def test_thirty_two_shards_accept_fifteen_times_as_many_tasks(
    course: str, rate: int, deployed: tuple[Index, ...]
) -> None:
    outcome = played(course, rate, 32, deployed)

    assert outcome.accepted, (outcome.refused_share, outcome.given_up, outcome.refused)
    assert outcome.ended == rate


def test_a_list_of_all_tasks_in_many_shards_accepts_as_many(settings: Any) -> None:
    settings.TASKS = {"default": offload(history="sharded")}
    assert {index.name for index in indexes()} == {"due", "history-sharded"}

    outcome = played("plain", 15_000, 32, indexes(), listed=True)

    assert outcome.accepted, (outcome.refused_share, outcome.given_up, outcome.refused)
    assert outcome.used["history-sharded"] == 15_000


@pytest.mark.parametrize(("course", "accepts", "refuses"), [("plain", 950, 1_200), ("deferred", 475, 600)])
def test_two_shards_accept_a_thousand_tasks_and_half_as_many_deferred_ones(
    course: str, accepts: int, refuses: int, deployed: tuple[Index, ...]
) -> None:
    assert played(course, accepts, 2, deployed).accepted
    outcome = played(course, refuses, 2, deployed, seconds=4.0)

    assert not outcome.accepted
    # The index is what refuses, and with it the whole write.
    assert {key[0] for key in outcome.refused if isinstance(key, tuple)} == {"due"}
    assert outcome.wait(0.99) > 1
    assert outcome.given_up


def test_a_new_table_accepts_thirteen_hundred_tasks_a_second(deployed: tuple[Index, ...]) -> None:
    assert played("plain", 1_300, 32, deployed, warm=NEW_TABLE, seconds=2.0).accepted
    outcome = played("plain", 1_500, 32, deployed, warm=NEW_TABLE, seconds=2.0)

    assert not outcome.accepted
    assert set(outcome.refused) == {"table"}


def test_a_task_takes_the_units_that_the_counting_tests_count(deployed: tuple[Index, ...]) -> None:
    outcome = played("plain", 100, 32, deployed)

    assert (outcome.used["table"] / 100, outcome.used["due"] / 100) == (3, 2)
