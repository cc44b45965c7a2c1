"""Writes from outside an attempt that were made, and then repeated since their reply was lost."""

from datetime import timedelta

import pytest

from django_offload.compat import signals
from django_offload.exceptions import DeadLettered, WorkerLost
from django_offload.operations.cancel import cancel
from django_offload.operations.fail import fail_record
from django_offload.operations.redrive import redrive
from django_offload.protocol.record import FAILED, READY
from tests.contract.records import NOW, create_record
from tests.faults import RepeatingStore, WatchingStore

MINUTE = timedelta(minutes=1)


@pytest.fixture
def repeated(stage, enqueued):
    """Return a function that enqueues a task, and from then on repeats one write to its record."""

    def place(name, **known):
        one = enqueued(**known)
        create_record(stage.store, one)
        stage.store = RepeatingStore(stage.store, name)
        return one

    return place


@pytest.fixture
def finished():
    """The ids of what task_finished told of."""
    told = []

    def hear(task_result, **kwargs):
        told.append(task_result.id)

    signals.task_finished.connect(hear)
    yield told
    signals.task_finished.disconnect(hear)


def waiting(stage):
    return len(stage.transport.queues["default"].messages)


def test_what_the_sweeper_moved_it_sends(stage, repeated):
    lost = repeated("send again")
    stage.now = NOW + 10 * MINUTE

    assert stage.sweep() == {"sent": 1}
    assert waiting(stage) == stage.record(lost).sends == 1


def test_what_became_ready_is_sent(stage, repeated):
    dead = repeated("redrive")
    fail_record(stage.store, dead, stage.options, NOW, DeadLettered("the test says so"))

    verdict = redrive(stage.store, dead.id, stage.options, NOW + MINUTE)

    assert (verdict.done, verdict.text) == (True, "READY again, and sent.")
    assert stage.record(dead).status == READY
    assert waiting(stage) == 1


def test_of_two_who_redrive_at_one_instant_one_sends(stage, enqueued):
    dead = enqueued()
    create_record(stage.store, dead)
    fail_record(stage.store, dead, stage.options, NOW, DeadLettered("the test says so"))

    verdicts = []

    def again(task_id=dead.id):
        verdicts.append(redrive(stage.store, task_id, stage.options, NOW))

    stage.store = WatchingStore(stage.store, "redrive", again)
    again()

    assert [verdict.done for verdict in verdicts] == [True, False]
    assert waiting(stage) == 1


def test_what_was_cancelled_is_told_as_cancelled(stage, repeated, finished):
    waits = repeated("cancel")

    record = cancel(stage.store, waits, stage.options, NOW)

    assert record is not None
    assert record.status == FAILED
    assert finished == [waits.id]
    assert cancel(stage.store, waits, stage.options, NOW + MINUTE) is None


def test_what_was_ended_from_outside_is_told_as_ended(stage, repeated, finished):
    waits = repeated("abandon")

    record = fail_record(stage.store, waits, stage.options, NOW, DeadLettered("the test says so"))

    assert record is not None
    assert record.status == FAILED
    assert finished == [waits.id]


def test_a_failure_that_comes_after_its_task_was_given_up_is_told_once(stage, enqueued, finished):
    failing = enqueued(args=(None,))
    create_record(stage.store, failing)
    later = NOW + timedelta(hours=1)
    inner = stage.store
    stage.store = WatchingStore(
        inner, "fail", lambda task_id: fail_record(inner, failing, stage.options, later, WorkerLost(1))
    )

    assert stage.deliver(failing) is None

    assert stage.record(failing).error["class"] == "django_offload.exceptions.WorkerLost"
    assert finished == [failing.id]


def test_a_failure_whose_reply_was_lost_is_told(stage, repeated, finished):
    failing = repeated("fail", args=(None,))

    assert stage.deliver(failing) is None

    assert stage.record(failing).error["class"] == "builtins.TypeError"
    assert finished == [failing.id]
