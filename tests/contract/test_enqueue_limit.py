"""A loop that enqueues without end is stopped by the limit of its attempt."""

import pytest

from django_offload.compat import BaseTaskBackend
from django_offload.conf import configured
from django_offload.exceptions import TooManyEnqueues
from tests.contract import runaway_tasks as tasks
from tests.contract.setup import tasks_setting

MODULES = ["tests.contract.runaway_tasks"]
CONCURRENT = {"default": {"concurrency": 4, "batch_size": 10}}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backend():
    return "SQSBackend"


@pytest.mark.parametrize("way", tasks.WAYS)
def test_an_attempt_enqueues_as_many_as_its_limit_in_every_way(runaways, way):
    offload = runaways(enqueues_per_attempt=5)
    parent = tasks.enqueues.enqueue(way, 8)

    assert offload.run() == 6

    parent.refresh()
    assert (parent.status, len(tasks.born), len(tasks.refusals)) == ("SUCCESSFUL", 5, 3)
    assert set(tasks.refusals) == {
        "Task tests.contract.runaway_tasks.child wasn't enqueued, because OPTIONS['enqueues_per_attempt'] "
        "allows 5 tasks in one attempt. Look for what enqueues so many, use enqueue_many(), or raise the "
        "option."
    }


def test_a_coroutine_is_limited_too(runaways):
    offload = runaways(enqueues_per_attempt=5)
    tasks.enqueues_in_a_coroutine.enqueue(8)

    assert offload.run() == 6
    assert (len(tasks.born), len(tasks.refusals)) == (5, 3)


def test_a_loop_without_end_ends_its_task_and_no_attempt_enqueues_as_many_again(runaways):
    offload = runaways(enqueues_per_attempt=7)
    parent = tasks.never_ends.enqueue()

    assert offload.run() == 8

    parent.refresh()
    assert (parent.status, parent.attempts, tasks.ran) == ("FAILED", 1, ["never_ends"])
    assert parent.errors[0].exception_class is TooManyEnqueues
    assert len(tasks.born) == 7


def test_by_default_the_limit_is_ten_thousand(runaways):
    runaways()

    assert configured()["default"].enqueues_per_attempt == 10_000
    assert configured()["default"].enqueues_per_root is None


def test_the_limit_is_that_of_the_running_task_whatever_backend_it_enqueues_with(runaways, settings):
    offload = runaways(enqueues_per_attempt=5)
    setting = tasks_setting(modules=MODULES, enqueues_per_attempt=5)
    setting["other"]["OPTIONS"]["enqueues_per_attempt"] = None
    settings.TASKS = setting
    tasks.enqueues.enqueue("on_two_backends", 8)
    tasks.enqueues.using(backend="other").enqueue("on_two_backends", 8)

    assert offload.run() == 2 + 5 + 8
    assert (len(tasks.born), len(tasks.refusals)) == (5 + 8, 3)


def test_attempts_that_run_at_the_same_time_do_not_count_for_each_other(runaways):
    offload = runaways(enqueues_per_attempt=5, queues=CONCURRENT)
    for _ in range(4):
        tasks.enqueues.enqueue("one_by_one", 5)

    assert offload.run() == 4 + 20
    assert (len(tasks.born), tasks.refusals) == (20, [])


def test_enqueue_many_has_no_limit_per_attempt(runaways):
    offload = runaways(enqueues_per_attempt=5)
    parent = tasks.enqueues_many.enqueue(230)

    assert offload.run() == 231

    parent.refresh()
    assert (parent.return_value, tasks.refusals) == (230, [])


def test_outside_a_task_there_is_no_limit(runaways):
    runaways(enqueues_per_attempt=2)

    assert len({tasks.child.enqueue().id for _ in range(5)}) == 5


def test_backends_of_django_are_not_counted(runaways, settings):
    offload = runaways(enqueues_per_attempt=2)
    path = BaseTaskBackend.__module__.replace("base", "dummy.DummyBackend")
    settings.TASKS = {**settings.TASKS, "dummy": {"BACKEND": path}}
    parent = tasks.enqueues_elsewhere.enqueue("dummy", 5)

    assert offload.run() == 1

    parent.refresh()
    assert parent.status == "SUCCESSFUL"
