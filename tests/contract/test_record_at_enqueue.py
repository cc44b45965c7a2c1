"""Tasks without a record at enqueue: what still works with every backend, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.compat import TaskResultDoesNotExist, TaskResultStatus, task_backends
from django_offload.conf import CLIENTS, configured
from django_offload.operations.cancel import cancel
from django_offload.stores import store_of
from django_offload.worker.sweep import sweep
from tests.contract import tasks
from tests.contract.records import enqueued_task
from tests.contract.setup import TASK_MODULES, lose_messages, tasks_setting

MEMORY = "memory"


@pytest.fixture(params=[MEMORY, *CLIENTS])
def site(request, settings):
    """The fixture that runs tasks without a record before their first claim."""
    client = {} if request.param == MEMORY else {"client": request.param}
    tasks_option = tasks_setting(modules=TASK_MODULES)
    tasks_option["default"]["OPTIONS"] |= {"record_at_enqueue": False, **client}
    settings.TASKS = tasks_option
    return request.getfixturevalue("offload" if request.param == MEMORY else "offload_aws")


def record_of(result):
    return store_of(configured()["default"]).get(result.id)


@pytest.mark.parametrize("length", [1, 1_000, 400_000], ids=["inline", "beside the record", "in the bucket"])
def test_the_claim_creates_the_record_and_the_result_is_stored(site, length):
    result = tasks.echo.enqueue("x" * length)
    assert record_of(result) is None
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(result.id)

    assert site.run() == 1

    result.refresh()
    assert (result.return_value, result.args) == ([["x" * length], {}], ["x" * length])
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 1)


def test_a_dead_worker_is_replaced(site):
    result = tasks.echo.enqueue(7)
    site.kill_next()

    site.run()

    result.refresh()
    assert (result.return_value, result.attempts) == ([[7], {}], 2)


def test_a_cancel_before_the_start_has_no_effect(site):
    result = tasks.echo.enqueue(7)
    options = configured()["default"]

    assert cancel(store_of(options), enqueued_task(result.id), options, datetime.now(UTC)) is None

    assert record_of(result) is None, "a cancel creates no record"
    assert site.run() == 1
    result.refresh()
    assert result.return_value == [[7], {}]


def test_a_lost_message_is_not_sent_again(site):
    result = tasks.echo.enqueue(7)
    later = datetime.now(UTC) + timedelta(hours=1)
    lose_messages(site)

    assert not sweep(lambda: later, lambda: 60.0).get("sent")

    assert (record_of(result), site.run()) == (None, 0)
