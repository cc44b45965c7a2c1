"""Dead letters for tests."""

from datetime import UTC, datetime

from django_offload.compat import TaskResult
from django_offload.conf import configured
from django_offload.exceptions import DeadLettered, OffloadError
from django_offload.operations.fail import fail_record
from django_offload.protocol.record import read_record
from django_offload.stores import Store
from tests.unit.management.commands import run_json


def given_up(store: Store, result: TaskResult, error: OffloadError | None = None) -> TaskResult:
    """End the record of a task that no worker runs, as the dead-letter handler or the sweeper does."""
    enqueued = read_record(store.get(result.id)).enqueued
    fail_record(
        store, enqueued, configured()["default"], datetime.now(UTC), error or DeadLettered("the test says so")
    )
    return result


def ids() -> list[str]:
    """Return the ids that offload_dead lists."""
    _, output = run_json("offload_dead", "list")
    return [row["id"] for row in output["records"]]


def status(store: Store, result: TaskResult) -> str:
    return read_record(store.get(result.id)).status
