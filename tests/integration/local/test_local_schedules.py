"""A cron of TASKS and one of a decorated task, on AWS on this machine, from the clock to the task's result."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.conf.occurrence_times import next_times
from django_offload.local.aws.schedule import Schedule
from django_offload.local.serve.startup_report import report_rows
from tests.contract.setup import tasks_setting
from tests.unit.local.fakes import eventually

COUNT = "tests.integration.local.scheduled_tasks.count"
SCHEDULES = {
    "nightly": {"task": COUNT, "when": "cron(0 3 * * ? *)", "timezone": "America/New_York", "args": [41]},
    "often": {"task": COUNT, "when": "rate(15 minutes)", "args": [1]},
}


@pytest.fixture
def aws(request: pytest.FixtureRequest, settings: Any, transactional_db: None) -> Any:
    modules = ["tests.integration.local.scheduled_tasks"]
    settings.TASKS = tasks_setting(modules=modules, schedules=SCHEDULES)
    del settings.TASKS["other"]
    return request.getfixturevalue("offload_aws")


@pytest.mark.parametrize(
    ("name", "when", "zone", "value"),
    [
        ("nightly", "cron(0 3 * * ? *)", "America/New_York", 42),
        ("decorated", "cron(30 4 * * ? *)", "Europe/Zurich", 8),
    ],
)
def test_a_cron_that_comes_is_enqueued_by_the_sweeper_and_run(
    aws: Any, name: str, when: str, zone: str, value: int
) -> None:
    # The sweeper takes no event of another day, so the next time must be within a day: it is.
    local, now = aws._aws, datetime.now(UTC)
    (at,) = next_times(when, zone, now, 1)
    skipped = at - timedelta(seconds=0.05) - now
    schedule = Schedule(
        [rule for rule in local.schedule.rules if rule.name == name],
        functions=local.functions,
        async_invocations=local.async_invocations,
        clock=lambda: datetime.now(UTC) + skipped,
    )
    stop = threading.Event()
    thread = threading.Thread(target=schedule.run, args=(stop,), daemon=True)
    thread.start()

    eventually(lambda: local.async_invocations.run_pending() == 1)
    stop.set()
    aws.run()

    (item,) = records(aws)
    assert (item["status"], item["result"]) == ("SUCCESSFUL", str(value))
    thread.join(10)


def test_the_startup_report_has_each_schedule_with_its_next_time(aws: Any) -> None:
    local = aws._aws
    rows = [place for name, place in report_rows(local, None, ".offload/env", None) if name == "schedule"]

    sweeper, nightly, often, decorated = rows
    assert sweeper == "contract-sweeper, every 60 s"
    assert nightly.startswith("nightly, cron(0 3 * * ? *) in America/New_York, next 2")
    assert nightly.endswith((" 03:00:00 EST", " 03:00:00 EDT"))
    assert often.startswith("often, every 900 s, next 2")
    assert decorated.startswith("decorated, cron(30 4 * * ? *) in Europe/Zurich, next 2")
    assert decorated.endswith((" 04:30:00 CET", " 04:30:00 CEST"))


def records(aws: Any) -> list[dict[str, Any]]:
    """Return the tasks' records, without what the table holds besides."""
    scan = aws.client("dynamodb").scan(TableName="contract-tasks")
    items = [{key: next(iter(value.values())) for key, value in item.items()} for item in scan["Items"]]
    return [item for item in items if "status" in item]
