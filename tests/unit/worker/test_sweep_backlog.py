"""Six hours without an outcome: what waits in its queue is neither sent again and again nor ended."""

from collections import Counter
from datetime import timedelta

import pytest

from django_offload.protocol.record import MESSAGE_LIFE, READY, RUNNING
from django_offload.worker.sweeping.decision import MOST_SENDS
from tests.contract.records import LEASE, NOW, claimed, create_record

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def backlog(stage, enqueued):
    """Return a function that enqueues some tasks: records, and their messages in the queue."""

    def place(count):
        enqueued_tasks = [enqueued(number) for number in range(count)]
        for each in enqueued_tasks:
            create_record(stage.store, each)
            stage.transport.send("default", stage.message(each), timedelta(0))
        return enqueued_tasks

    return place


def pass_time(stage, until, *, crashing):
    """Sweep each minute; meanwhile nobody polls, or workers die of whatever they see, unclaimed."""
    done = Counter()
    while stage.now < until:
        if crashing:
            while stage.transport.receive("default"):
                pass
        stage.now += MINUTE
        done.update(stage.sweep())
    return done


def messages(stage):
    return len(stage.transport.queues["default"].messages)


@pytest.mark.parametrize("crashing", [False, True], ids=["nobody polls", "workers crash"])
@pytest.mark.parametrize(("count", "most_extra"), [(1, MOST_SENDS), (5, 10), (50, 5)])
def test_six_hours_in_a_queue_add_few_messages_and_end_no_task(stage, backlog, count, most_extra, crashing):
    enqueued_tasks = backlog(count)

    done = pass_time(stage, NOW + 6 * HOUR, crashing=crashing)

    assert messages(stage) - count == done["sent"] <= most_extra
    assert {stage.record(each).status for each in enqueued_tasks} == {READY}


def test_what_was_sent_in_vain_is_ended_once_its_queue_is_empty(stage, backlog):
    (lone,) = backlog(1)
    pass_time(stage, NOW + 6 * HOUR, crashing=True)
    stage.transport.queues["default"].messages.clear()

    stage.now = stage.record(lone).due_at

    assert stage.sweep() == {"ended": 1}
    assert stage.record(lone).error["class"] == "django_offload.exceptions.DeadLettered"


def test_what_was_sent_in_vain_is_not_ended_while_nobody_says_what_its_queue_holds(
    stage, backlog, monkeypatch
):
    (lone,) = backlog(1)
    monkeypatch.setattr(stage.transport, "depth", lambda queue: 1 / 0)

    done = pass_time(stage, NOW + 12 * HOUR, crashing=False)

    assert done["sent"] == MOST_SENDS
    assert stage.record(lone).status == READY


def lose(stage, lost):
    """Have a worker claim a task and die."""
    stage.store.change(lost.id, claimed(lost.id, stage.now, enqueued=lost))
    stage.now += LEASE + MINUTE


def test_a_killed_task_is_sent_again_into_a_backlog(stage, enqueued, backlog):
    backlog(50)
    lost = enqueued(100)
    lose(stage, lost)

    stage.sweep()

    assert stage.record(lost).sends == 1
    assert messages(stage) == 51


@pytest.mark.parametrize("others", [0, 50])
def test_a_killed_task_that_no_worker_takes_again_is_ended_at_last(stage, enqueued, backlog, others):
    backlog(others)
    lost = enqueued(100)
    lose(stage, lost)

    done = pass_time(stage, NOW + 6 * HOUR, crashing=True)
    assert stage.record(lost).status == RUNNING
    assert stage.record(lost).sends == MOST_SENDS
    assert done["ended"] == 0

    for _ in range(3 * MESSAGE_LIFE.days):
        stage.now += 12 * HOUR
        stage.transport.queues["default"].messages = dict(
            list(stage.transport.queues["default"].messages.items())[:1]
        )
        stage.sweep()

    assert stage.record(lost).error["class"] == "django_offload.exceptions.Expired"
