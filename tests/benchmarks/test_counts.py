"""The short version of make bench: it fails on counts alone, never on time."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks import modules_entered
from tests.benchmarks.cold_start import COLD, IndexEntry, run
from tests.benchmarks.metered import write_units
from tests.benchmarks.processes import ROOT, Driver, Stub
from tests.benchmarks.scaling import ENQUEUED
from tests.benchmarks.sections.cold import starts
from tests.benchmarks.sections.scaling import measured
from tests.benchmarks.site import offload

CALLS = 16
# As many as wait for the next call; more would be closed.
POOL = 32


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with Stub() as made:
        yield made


@pytest.mark.parametrize("name", ["offload", "offload-boto3"])
def test_to_enqueue_is_two_calls_on_connections_that_stay(stub: Stub, name: str) -> None:
    with Driver("senders", name, stub) as driver:
        first = driver.measure(1)
        warm = [driver.measure(CALLS, way) for way in ("plain", "fresh_threads", "awaited", "fresh_contexts")]

    # One to each service; the name of the queue was asked for on the second's.
    assert {name for name, count in first["connected_by"].items() if count} == {"PutItem", "GetQueueUrl"}
    assert first["connections"] == 2
    assert [found["calls"]["PutItem"] for found in warm[:2]] == [1, 1]
    assert all(set(found["calls"]) == {"PutItem", "SendMessage"} for found in warm)
    assert [found["connections"] for found in warm] == [0, 0, 0, 0]


def test_eight_threads_share_connections(stub: Stub) -> None:
    with Driver("senders", "offload", stub) as driver:
        found = driver.measure(8 * CALLS, "threads")

    assert found["connections"] <= 2 * 8


def test_without_a_record_at_enqueue_it_is_one_call(stub: Stub) -> None:
    with Driver("senders", "offload-less", stub) as driver:
        driver.measure(1)
        found = driver.measure(CALLS)

    assert found["calls"] == {"SendMessage": 1}


def test_fifty_in_bulk_are_five_batches_of_messages(stub: Stub) -> None:
    with Driver("bulk", "offload", stub) as driver:
        driver.measure(1)
        found = driver.measure(2)

    assert found["calls"] == {"PutItem": 1, "SendMessageBatch": 0.1}
    assert found["connections"] <= 2 * POOL


@pytest.mark.parametrize("name", ["offload", "offload-boto3"])
def test_to_work_is_two_writes_and_no_read(stub: Stub, name: str) -> None:
    with Driver("workers", name, stub) as driver:
        driver.measure(1)
        found = driver.measure(3)

    assert found["calls"] == {"UpdateItem": 2}
    assert found["connections"] == 0


def test_the_lean_client_loads_a_quarter_less(stub: Stub) -> None:
    with Driver("senders", "offload", stub) as lean, Driver("senders", "offload-boto3", stub) as boto3:
        modules = lean.measure(1)["modules"], boto3.measure(1)["modules"]

    assert modules[0] <= 0.8 * modules[1]


@pytest.mark.parametrize("name", ["django", "boto3", "client", "import", "offload-boto3", "offload"])
def test_what_is_started_cold_gets_to_its_end(stub: Stub, name: str) -> None:
    # From the working tree: the package is built for the figures alone.
    roots = [ROOT / "django_app", ROOT, COLD]
    place = IndexEntry(
        command=(sys.executable,), folder=ROOT, python_path=os.pathsep.join(str(root) for root in roots)
    )

    assert run(starts(sys.executable)[name], place, stub)["cpu"] > 0


@pytest.mark.django_db(transaction=True)
def test_a_task_costs_five_write_units_and_no_read(settings: Any) -> None:
    settings.TASKS = {"default": offload()}
    found = write_units(7)

    assert (found["enqueue"], found["worker"], found["reads"]) == (2, 3, 0)


@pytest.mark.django_db(transaction=True)
def test_without_a_record_at_enqueue_it_costs_two(settings: Any) -> None:
    settings.TASKS = {"default": offload(record_at_enqueue=False)}
    found = write_units(7)

    assert (found["enqueue"], found["worker"], found["reads"]) == (0, 2, 0)


@pytest.mark.django_db(transaction=True)
def test_an_enqueue_and_a_delivery_enter_few_modules(settings: Any) -> None:
    settings.TASKS = {"default": offload(client="boto3", owner=f"{modules_entered.NAME}.nobody")}

    found = modules_entered.measured()

    # 19 and 29 at first, of which seven tenths are kept.
    assert len(found["enqueue"]) <= 13, found["enqueue"]
    assert len(found["delivery"]) <= 20, ", ".join(found["delivery"])


def test_neither_enqueue_nor_sweep_nor_list_grows_with_the_table() -> None:
    # make bench goes on to a million.
    small, large = measured(1_000), measured(5_000)

    def counts(found: Any) -> Any:
        return {
            action: {name: count for name, count in said.items() if name != "cpu"}
            for action, said in found.items()
        }

    assert counts(small) == counts(large)
    assert counts(small)["enqueue"] == {"writes": ENQUEUED, "reads": 0, "entries": 0}
