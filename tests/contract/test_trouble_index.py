"""A queue whose index has only tasks in trouble: what still holds, and what does not, with every client."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.compat import TaskResultStatus
from django_offload.conf import CLIENTS, configured
from django_offload.operations.cancel import cancel
from django_offload.operations.redrive import redrive
from django_offload.stores import store_of
from django_offload.worker.sweep import sweep
from tests.contract import tasks
from tests.contract.records import enqueued_task
from tests.contract.setup import TASK_MODULES, lose_messages, tasks_setting
from tests.faults import FailingTransport, transport_with

MEMORY = "memory"
INDEX = {"due_at", "due_shard"}


@pytest.fixture(params=[MEMORY, *CLIENTS])
def site(request, settings):
    """The fixture that runs tasks which the sweeper's index has only in trouble."""
    client = {} if request.param == MEMORY else {"client": request.param}
    found = tasks_setting(modules=TASK_MODULES)
    found["default"]["OPTIONS"] |= {"queues": {"default": {"index": "trouble"}}, **client}
    settings.TASKS = found
    return request.getfixturevalue("offload" if request.param == MEMORY else "offload_aws")


def store():
    return store_of(configured()["default"])


def is_indexed(result):
    return bool(INDEX & store().get(result.id).keys())


@pytest.mark.parametrize("length", [1, 1_000, 400_000], ids=["inline", "beside the record", "in the bucket"])
def test_a_task_begins_and_ends_in_no_index(site, length):
    result = tasks.echo.enqueue("x" * length)
    result.refresh()
    assert (result.status, is_indexed(result)) == (TaskResultStatus.READY, False)

    assert site.run() == 1

    result.refresh()
    assert (result.return_value, is_indexed(result)) == ([["x" * length], {}], False)


def test_a_dead_worker_is_replaced_when_sqs_shows_the_message_again(site):
    result = tasks.echo.enqueue(7)
    site.kill_next()

    site.run()

    result.refresh()
    assert (result.return_value, result.attempts) == ([[7], {}], 2)


def test_a_task_can_be_cancelled_before_it_starts(site):
    result = tasks.echo.enqueue(7)
    options = configured()["default"]

    assert cancel(store(), enqueued_task(result.id), options, datetime.now(UTC)).ended
    site.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class_path == "django_offload.exceptions.Cancelled"
    assert not is_indexed(result)


def test_a_failed_task_is_listed_and_can_be_redriven(site):
    result = tasks.raises_value_error.enqueue()
    site.run()
    assert is_indexed(result)

    assert redrive(store(), result.id, configured()["default"], datetime.now(UTC)).done
    assert is_indexed(result)
    site.run()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED


def test_a_message_that_is_not_confirmed_is_sent_by_the_sweeper(site):
    with transport_with(FailingTransport):
        result = tasks.echo.enqueue(7)
    assert is_indexed(result)

    later = datetime.now(UTC) + timedelta(seconds=1)
    assert sweep(lambda: later, lambda: 60.0)["sent"] == 1
    site.run()
    result.refresh()
    assert result.return_value == [[7], {}]


def test_a_lost_message_is_not_sent_again(site):
    """What the option gives up: F22, and the rescue of a purged queue."""
    result = tasks.echo.enqueue(7)
    later = datetime.now(UTC) + timedelta(days=8)
    lose_messages(site)

    assert not sweep(lambda: later, lambda: 60.0).get("sent")

    result.refresh()
    assert (result.status, site.run()) == (TaskResultStatus.READY, 0)
