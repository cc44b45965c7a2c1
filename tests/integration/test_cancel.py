"""Cancelled before it starts, between two attempts, and while it runs: through the page that does it."""

import pytest
from django.urls import reverse

from django_offload.compat import TaskResultStatus
from tests.integration import tasks
from tests.integration.setup import record_of


@pytest.fixture
def cancel(staff):
    def post(task_id):
        return staff.post(reverse("django_offload:cancel", args=[task_id]))

    return post


def assert_cancelled(result, attempts, errors=1):
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, attempts)
    assert len(result.errors) == errors
    assert result.errors[-1].exception_class_path == "django_offload.exceptions.Cancelled"
    assert "The task was cancelled. Enqueue it again to run it." in result.errors[-1].traceback


def test_a_task_that_has_not_started_never_does(both, cancel):
    result = tasks.note.enqueue("a")

    answer = cancel(result.id)

    assert (answer.status_code, answer.json()["status"]) == (202, "FAILED")
    assert both.run() == 1
    assert tasks.RUNS == []
    assert_cancelled(result, attempts=0)


def test_a_task_that_waits_for_its_retry_never_runs_again(aws, cancel):
    result = tasks.retried_later.enqueue("a")
    aws.run()
    ran = len(tasks.RUNS)

    cancel(result.id)

    aws.run()
    assert len(tasks.RUNS) == ran
    assert_cancelled(result, attempts=ran, errors=ran + 1)


def test_a_running_task_sees_that_it_is_cancelled_and_its_result_wins(both, cancel):
    answers = []
    tasks.HOOKS.append(lambda task_id: answers.append(cancel(task_id)))
    result = tasks.reports.enqueue()

    both.run()

    assert (answers[0].status_code, answers[0].json()["status"]) == (202, "RUNNING")
    assert answers[0].json()["progress"] == {"done": 1, "total": 4, "message": "quarter"}
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert record_of(result.id).cancelled is True


def test_a_running_task_that_fails_after_it_was_cancelled_is_not_retried(aws, cancel):
    def fail(task_id):
        cancel(task_id)
        raise OSError("stopped in the middle")

    tasks.HOOKS.append(fail)
    result = tasks.retried.enqueue("a")

    aws.run()

    assert tasks.RUNS == [("a", 1)]
    assert_cancelled(result, attempts=1, errors=2)
    assert result.errors[0].exception_class is OSError


def test_a_task_that_has_ended_cannot_be_cancelled(both, cancel):
    result = tasks.note.enqueue("a")
    both.run()

    answer = cancel(result.id)

    assert (answer.status_code, answer.json()["status"]) == (409, "SUCCESSFUL")
