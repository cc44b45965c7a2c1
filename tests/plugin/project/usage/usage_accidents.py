"""Exceptions and dying workers, on demand."""

from datetime import timedelta

import pytest
from orders.models import Receipt
from orders.tasks import fetch, send, write

from django_offload.compat import TaskResultStatus


def test_a_task_fails(offload):
    result = send.enqueue(1)
    offload.fail_next(OSError("no post"))

    offload.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class is OSError


def test_a_task_fails_and_is_tried_again(offload):
    result = fetch.enqueue(1)
    offload.fail_next(OSError)
    offload.fail_next(OSError("again"))

    assert offload.run() == 3

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 3)


def test_a_worker_dies_and_another_goes_on(offload):
    result = fetch.enqueue(1)
    offload.kill_next()

    offload.run(skip=False)
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.RUNNING, 1)
    assert offload.run(skip=False) == 0

    before = offload.clock()
    offload.run()
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)
    assert offload.clock() - before > timedelta(minutes=5)


def test_every_worker_of_a_task_dies(offload):
    result = fetch.enqueue(1)
    for _ in range(3):
        offload.kill_next()

    offload.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[-1].exception_class_path.endswith("WorkerLost")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("after_work", "receipts"), [(False, 1), (True, 2)])
def test_a_worker_dies_before_or_after_its_work(offload, after_work, receipts):
    write.enqueue(1)
    offload.kill_next(after_work=after_work)

    offload.run()

    assert Receipt.objects.count() == receipts


def test_a_dying_worker_fails_its_whole_batch(offload):
    results = [send.enqueue(number) for number in range(5)]
    offload.kill_next()

    assert offload.run() == 10

    for result in results:
        result.refresh()
    assert [result.attempts for result in results] == [2, 1, 1, 1, 1]


def test_run_skips_a_start_that_no_message_can_wait_for(offload):
    start = offload.clock() + timedelta(days=2)
    result = fetch.using(run_after=start).enqueue(1)

    assert offload.run() == 1

    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.started_at >= start
