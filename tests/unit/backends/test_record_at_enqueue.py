"""OPTIONS["record_at_enqueue"] off: the first claim writes the record, and what that saves and gives up."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.compat import InvalidTask, TaskResultDoesNotExist
from django_offload.conf import Options, configured
from django_offload.exceptions import ConfigurationError, EnqueueFailed
from tests.contract.setup import STACK, tasks_setting
from tests.faults import FailingTransport, transport_with
from tests.unit import tasks
from tests.unit.backends.either_way import EITHER_WAY

MODULES = ["tests.unit.tasks", "tests.contract.tasks"]
LATER = timedelta(minutes=20)


@pytest.fixture
def site(settings, request):
    found = tasks_setting(modules=MODULES)
    found["default"]["OPTIONS"]["record_at_enqueue"] = False
    settings.TASKS = found
    return request.getfixturevalue("offload")


@EITHER_WAY
def test_there_is_no_record_and_no_result_before_the_claim(site, enqueue):
    result = enqueue()

    assert site.stores[STACK].records == {}
    assert (result.status, result.enqueued_at is not None) == ("READY", True)
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()

    assert site.run() == 1
    result.refresh()
    assert (result.return_value, result.attempts) == (4, 1)


@EITHER_WAY
def test_a_record_that_the_claim_makes_is_in_no_index(site, enqueue):
    result, seen = enqueue(), []
    store = site.stores[STACK]
    change = store.change

    def looking(task_id, made):
        found = change(task_id, made)
        seen.append((made.name, "due_at" in store.records[task_id]))
        return found

    store.change = looking
    site.run()

    assert seen == [("claim", False), ("succeed", False)]
    assert store.records[result.id]["status"] == "SUCCESSFUL"


@EITHER_WAY
def test_a_worker_that_dies_leaves_the_task_to_its_message(site, enqueue):
    result = enqueue()
    site.kill_next()

    assert site.run() == 2
    result.refresh()
    assert (result.return_value, result.attempts) == (4, 2)


@EITHER_WAY
def test_a_message_that_is_not_accepted_is_no_task(site, enqueue):
    with transport_with(FailingTransport), pytest.raises(EnqueueFailed) as raised:
        enqueue()

    assert type(raised.value.__cause__).__name__ == "Unreachable"
    assert (site.run(), site.stores[STACK].records) == (0, {})


def test_a_start_within_reach_of_a_message_is_kept(site):
    result = tasks.double.using(run_after=datetime.now(UTC) + timedelta(minutes=14)).enqueue(2)

    assert site.run() == 1
    result.refresh()
    assert result.return_value == 4


@pytest.mark.parametrize(
    "enqueue",
    [lambda task: task.enqueue(2), lambda task: next(task.enqueue_many([(2,)]))],
    ids=["one", "many"],
)
def test_a_start_beyond_is_refused_at_once(site, enqueue):
    task = tasks.double.using(run_after=datetime.now(UTC) + LATER)

    with pytest.raises(InvalidTask) as raised:
        enqueue(task)

    assert str(raised.value) == (
        "run_after of task tests.unit.tasks.double is over 0:15:00 away, which only a record can wait for. "
        "Give an earlier time, or remove OPTIONS['record_at_enqueue']."
    )
    assert site.run() == 0


def test_arguments_beside_the_record_are_kept_by_the_claim(site):
    result = tasks.follow.enqueue(["x" * 1_000])

    assert site.stores[STACK].texts == {}
    site.run()

    result.refresh()
    assert result.return_value == ["x" * 1_000]
    assert list(site.stores[STACK].texts[result.id]) == ["arguments", "result#0001"]


def test_lambda_without_a_queue_needs_its_record(settings):
    settings.TASKS = tasks_setting("LambdaBackend", modules=MODULES, record_at_enqueue=False)

    with pytest.raises(ConfigurationError, match=r"Lambda soon discards messages, so tasks need a record\.$"):
        configured()


def test_it_is_on_unless_it_is_switched_off(ours):
    assert configured()["default"].record_at_enqueue is True


@pytest.mark.parametrize("value", [0, "no", None])
def test_it_is_a_switch(value):
    options = {"stack": STACK, "record_at_enqueue": value}

    with pytest.raises(ConfigurationError, match=r"'record_at_enqueue'\] is .* Give True or False\.$"):
        Options.parse("default", {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": options})
