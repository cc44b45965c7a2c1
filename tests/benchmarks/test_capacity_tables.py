"""The page of what a stack can take says what the product's writes and the limits of AWS give."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from django_offload.conf import aws_limits
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import initial_item
from django_offload.protocol.transitions import claim, create, postpone, succeed
from django_offload.stores.dynamodb import attribute
from django_offload.stores.memory import MemoryStore
from tests.benchmarks.capacity_tables import (
    DURATIONS,
    HISTORY_UNITS,
    INDEX_UNITS,
    INDEX_UNITS_WITH_A_MOVE,
    MORE_SHARDS,
    TABLE_UNITS,
    TABLE_UNITS_WITH_A_MOVE,
    Limit,
    connections,
    first_table,
    limits,
    memory_table,
)
from tests.benchmarks.metered import MeteredStore, write_units
from tests.contract.setup import tasks_setting
from tests.docs.pages import DOCS
from tests.write_units import KEYS, Item, entry, entry_units

PAGE = DOCS / "explanation" / "capacity.md"


@pytest.mark.django_db(transaction=True)
def test_a_task_writes_the_table_and_the_index_as_often_as_the_page_says(settings: Any) -> None:
    settings.TASKS = tasks_setting(modules=["tests.benchmarks.tasks"])

    found = write_units(7)

    assert found["largest"] <= 2, "Each item is below 1 KB: a unit for the table, at most one for the index."
    assert found["writes"] == TABLE_UNITS
    assert found["enqueue"] + found["worker"] - found["writes"] == INDEX_UNITS


def test_an_entry_that_moves_costs_the_index_two_units_more() -> None:
    store, now = MeteredStore(), datetime.now(UTC)
    enqueued = EnqueuedTask(id=f"{7:032x}", alias="default", name="a", queue="default", enqueued_at=now)
    store.change(enqueued.id, create(initial_item(enqueued)))
    due_was = store.due(int(store.records[enqueued.id]["due_shard"]), now + timedelta(days=1), 1)[0].due_at
    store.change(enqueued.id, postpone(enqueued.id, due_was=due_was, due_at=now))
    change = claim(
        None, token="a", worker_id="a", now=now, lease_until=now + timedelta(minutes=1), max_attempts=3
    )
    store.change(enqueued.id, change)
    end = succeed(fence=1, token="a", now=now, result_ttl=timedelta(days=1), stored={"result": "1"})
    store.change(enqueued.id, end)

    assert len(store.writes) == TABLE_UNITS_WITH_A_MOVE
    assert sum(store.writes) - len(store.writes) == INDEX_UNITS_WITH_A_MOVE


def test_the_history_is_written_once_for_each_task() -> None:
    store, now = MemoryStore(), datetime.now(UTC)
    enqueued = EnqueuedTask(id=f"{7:032x}", alias="default", name="a", queue="default", enqueued_at=now)
    lease_until, kept_for = now + timedelta(minutes=1), timedelta(days=1)
    items: list[Item | None] = [None]
    for change in (
        create(initial_item(enqueued)),
        claim(None, token="a", worker_id="a", now=now, lease_until=lease_until, max_attempts=3),
        succeed(fence=1, token="a", now=now, result_ttl=kept_for, stored={"result": "1"}),
    ):
        store.change(enqueued.id, change)
        stored = {"part": "record", **store.records[enqueued.id]}
        items.append({name: attribute(value) for name, value in stored.items()})

    entries = [entry(item, "history") for item in items]
    found = sum(entry_units(was, is_, KEYS["history"]) for was, is_ in pairwise(entries))

    assert found == HISTORY_UNITS


def test_limits_by_hand() -> None:
    found = {limit.name: [int(limit.tasks_a_second(seconds)) for seconds in DURATIONS] for limit in limits()}

    assert found["`max_concurrency` 10, the default"] == [100, 10, 1]
    assert found["`shards` 2, the default"] == [1_000] * 3
    assert found[f"`shards` {MORE_SHARDS}"] == [16_000] * 3
    assert found["`history` True, each backend"] == [1_000] * 3
    assert found["a new table"] == [1_333] * 3
    assert found["the quota of a table"] == [13_333] * 3
    assert [connections(size) for size in (1, 4, 1_000)] == [112, 450, 5_000]
    assert Limit("", 2, None).tasks_a_second(0.5) == 4


def test_the_page_shows_the_computed_tables() -> None:
    text = PAGE.read_text()

    assert first_table() in text, first_table()
    assert memory_table() in text, memory_table()


def test_the_page_names_each_limit_and_a_page_of_aws() -> None:
    text = " ".join(PAGE.read_text().split())

    for figure in (
        *(aws_limits.ACCOUNT_CONCURRENCY, aws_limits.QUEUE_IN_FLIGHT, aws_limits.TABLE_WRITES_AT_FIRST),
        *(aws_limits.TABLE_WRITES, aws_limits.PARTITION_WRITES, aws_limits.MAPPING_CONCURRENCY[1]),
    ):
        assert f"{figure:,}" in text
    for option in ("max_concurrency", "concurrency", "batch_size", "shards", "CONN_MAX_AGE"):
        assert f"`{option}`" in text or f'`OPTIONS["{option}"]`' in text
    pages = set(re.findall(r"https://docs\.aws\.amazon\.com/\S+?(?=\))", text))
    assert len(pages) >= 7
