"""Tasks of the demo in every state, for pages to show: run in its environment, this prints their ids."""

import json
import time
from datetime import UTC, datetime, timedelta

import django

LATER = timedelta(days=1)
SECONDS = 60


def make() -> dict[str, str]:
    """Make the tasks and return their ids; those that run are run by the demo's own workers."""
    from django_offload.exceptions import WorkerLost
    from django_offload.operations.fail import fail_record
    from django_offload.protocol.transitions import postpone, report
    from lab.tasks import exchange_rates, sales_report
    from tests.integration.setup import claim_by_another, configured, enqueued_before, record_of, store

    later = datetime.now(UTC) + LATER
    # So far ahead they have a record and no message: no worker takes them.
    waiting = {name: sales_report.using(run_after=later).enqueue(200_000) for name in ("READY", "RUNNING")}
    for result in waiting.values():  # As if they had been sent: they are under way.
        due_was = record_of(result.id).due_at
        change = postpone(
            result.id, due_was=due_was, due_at=later, shards=store().shards(configured()["default"])
        )
        store().change(result.id, change)
    dead = exchange_rates.using(run_after=later).enqueue(0)
    done = exchange_rates.enqueue(0)
    failed = {
        name: exchange_rates.using(max_attempts=1).enqueue(3) for name in ("FAILED", "FAILED to be run again")
    }
    running = waiting["RUNNING"].id
    enqueued_before(running, timedelta(minutes=10))
    claim_by_another(running, ago=timedelta(minutes=5), lease=timedelta(hours=1))
    progress = {"done": 3, "total": 10, "message": "Read 60,000 of 200,000 orders"}
    store().change(running, report(fence=1, token="another", progress=progress))
    fail_record(
        store(), record_of(dead.id).enqueued, configured()["default"], datetime.now(UTC), WorkerLost(3)
    )
    ended = {"SUCCESSFUL": done, **failed}
    deadline = time.monotonic() + SECONDS
    while not all(record_of(result.id).ended for result in ended.values()):
        assert time.monotonic() < deadline, "The demo's workers take no tasks."
        time.sleep(0.1)
    return {name: result.id for name, result in {**waiting, **ended, "dead": dead}.items()}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(make()))
