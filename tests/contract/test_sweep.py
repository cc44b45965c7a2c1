"""A sweep of many records, in memory and through DynamoDB and SQS, with each client."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import CLIENTS, configured
from django_offload.protocol.json_codec import from_micros
from django_offload.stores import store_of
from django_offload.worker.sweeping import Sweeper
from tests.contract import tasks
from tests.contract.setup import TASK_MODULES, tasks_setting

COUNT = 21
SIZES = {"inline": 1, "beside the record": 2_000}


@pytest.fixture(params=["memory", *CLIENTS])
def site(request, settings):
    client = {} if request.param == "memory" else {"client": request.param}
    settings.TASKS = tasks_setting(modules=TASK_MODULES, shards=4, **client)
    return request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")


def sweep(now):
    options = configured()["default"]
    return Sweeper(options=options, store=store_of(options), clock=lambda: now, left=lambda: 60.0).run()


@pytest.mark.parametrize("length", SIZES.values(), ids=SIZES)
def test_deferred_tasks_are_sent_once_when_a_message_can_wait_for_their_start(site, length):
    start = datetime.now(UTC) + timedelta(hours=1)
    ids = [tasks.echo.using(run_after=start).enqueue(number, "x" * length).id for number in range(COUNT)]

    assert sweep(start - timedelta(minutes=15)) == {}
    assert sweep(start - timedelta(minutes=10)) == {"sent": COUNT}
    assert sweep(start - timedelta(minutes=10)) == {}

    records = [store_of(configured()["default"]).get(task_id) for task_id in ids]
    assert {from_micros(record["sent_at"]) for record in records} == {start}
    assert {record["due_shard"] // 1_000 for record in records} == {1}
