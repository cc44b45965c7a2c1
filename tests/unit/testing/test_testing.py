"""What the fixture `offload` promises to the tests of a project."""

import unittest
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection
from django.utils import timezone

from django_offload.aws.memory import VirtualClock
from django_offload.compat import TaskResultStatus
from django_offload.conf import configured
from django_offload.payloads import payloads_of
from django_offload.stores import store_of
from django_offload.testing import OffloadTestMixin
from django_offload.testing.events import Invocation
from django_offload.transports import transport_of
from tests.contract import tasks
from tests.contract.setup import tasks_setting
from tests.unit import tasks as unit_tasks

pytestmark = pytest.mark.usefixtures("ours")


def test_run_returns_the_number_of_deliveries(offload):
    for number in range(3):
        tasks.add.enqueue(number)

    assert offload.run() == 3
    assert offload.run() == 0


def test_run_skips_the_time_until_a_task_starts(offload):
    task = tasks.nothing.using(run_after=timezone.now() + timedelta(minutes=14))
    result = task.enqueue()

    offload.run()

    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.started_at >= task.run_after


def test_fail_next_fails_one_task_for_each_call(offload):
    results = [tasks.answer.enqueue() for _ in range(3)]
    offload.fail_next(OSError("no disk"))
    offload.fail_next(ValueError("no sense"))

    offload.run()

    for result in results:
        result.refresh()
    assert [result.status for result in results] == ["FAILED", "FAILED", "SUCCESSFUL"]
    assert [error.exception_class for result in results for error in result.errors] == [OSError, ValueError]


def test_run_needs_no_database(offload):
    result = tasks.answer.enqueue()

    offload.run()

    result.refresh()
    assert result.return_value == 42


@pytest.mark.django_db(transaction=True)
def test_run_keeps_the_connection_of_the_test_open(offload):
    connection.ensure_connection()
    open_connection = connection.connection
    tasks.answer.enqueue()

    offload.run()

    assert connection.connection is open_connection


def test_a_connection_that_another_test_left_open_does_no_harm(offload):
    # The test before this one opened the connection, if both run in this order.
    result = tasks.answer.enqueue()

    offload.run()

    result.refresh()
    assert result.return_value == 42


def test_run_stops_if_a_task_enqueues_itself_for_ever(offload, monkeypatch):
    from django_offload.testing import memory

    monkeypatch.setattr(memory, "MOST_RUNS", 50)
    tasks.enqueues_itself_twice.enqueue()

    with pytest.raises(AssertionError, match=r"did not end\. Does a task enqueue itself for ever\?"):
        offload.run()


def test_active_restores_what_it_replaced(offload):
    def in_use():
        options = configured()["default"]
        return [store_of(options), transport_of(options), payloads_of(options)]

    def fail_inside():
        with type(offload)().active():
            assert [seam in own for seam in in_use()] == [False] * 3
            raise RuntimeError("out")

    own = [*offload.stores.values(), *offload.transports.values(), *offload.payloads.values()]
    assert in_use() == own

    with pytest.raises(RuntimeError, match="out"):
        fail_inside()

    assert in_use() == own


def test_the_mixin_must_come_first():
    with pytest.raises(
        TypeError, match=r"OrderTests names OffloadTestMixin after .* Name OffloadTestMixin first"
    ):

        class OrderTests(unittest.TestCase, OffloadTestMixin):
            """A test case that would have no `offload`."""


def results_of(offload, run):
    """Return what a function and a coroutine come to if `run` runs them inside an event loop."""
    results = [tasks.answer.enqueue(), tasks.answer_async.enqueue()]
    async_to_sync(run)()
    for result in results:
        result.refresh()
    return [(result.status, result.return_value) for result in results]


def test_arun_runs_functions_and_coroutines_in_an_event_loop(offload):
    assert results_of(offload, offload.arun) == [("SUCCESSFUL", 42)] * 2


def test_run_refuses_an_event_loop_and_names_arun(offload):
    async def run():
        with pytest.raises(SynchronousOnlyOperation, match=r"use `await offload\.arun\(\)`"):
            offload.run()
        with pytest.raises(SynchronousOnlyOperation, match=r"`await sync_to_async\(offload\.sweep\)\(\)`"):
            offload.sweep()

    results_of_run = [tasks.answer_async.enqueue()]
    async_to_sync(run)()

    # Nothing was run, so nothing is recorded as FAILED.
    results_of_run[0].refresh()
    assert results_of_run[0].status == TaskResultStatus.READY


def test_run_works_in_an_event_loop_if_django_allows_it(offload, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

    async def run():
        assert offload.run() == 2

    assert results_of(offload, run) == [("SUCCESSFUL", 42)] * 2


def test_the_remaining_time_of_a_task_falls(offload):
    result = unit_tasks.works_in_time.enqueue(0.02)

    offload.run()

    result.refresh()
    before, after = result.return_value
    assert before <= 285, "an invocation's 300 seconds, of which 5 % are kept to store the outcome"
    assert before - after >= 0.02


def test_the_remaining_time_begins_with_the_timeout_of_the_queue(offload, settings):
    settings.TASKS = tasks_setting(
        modules=["tests.unit.tasks"], in_tests="memory", queues={"default": {"timeout": 60}}
    )
    with type(offload)().active() as own:
        result = unit_tasks.works_in_time.enqueue(0)
        own.run()
        result.refresh()

    assert 50 < result.return_value[0] <= 57, "5 % are kept to store the outcome"


def test_no_invocation_has_less_than_no_time():
    clock = VirtualClock()
    invocation = Invocation("worker", 10.0, clock=clock)
    clock.skip_to(clock() + timedelta(minutes=1))

    assert invocation.get_remaining_time_in_millis() == 0


def test_time_that_is_skipped_within_a_task_is_gone(offload):
    unit_tasks.ON_STEP.append(lambda: offload.clock.skip_to(offload.clock() + timedelta(minutes=2)))
    try:
        result = unit_tasks.works_in_time.enqueue(200)
        offload.run()
    finally:
        unit_tasks.ON_STEP.clear()

    result.refresh()
    before, after = result.return_value
    # Both are whole milliseconds, whose difference as floats may be a little less.
    assert 240 <= round(before - after, 3) < 250, "two steps of two minutes"
