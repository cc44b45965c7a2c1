"""Attempts that fail, and what follows."""

from datetime import UTC, datetime

import pytest

from django_offload.compat import TaskResultStatus
from tests.integration import tasks
from tests.integration.setup import MINUTE, SECOND, event_of, record_of, work_at


def run_all(aws):
    """Run what comes again by itself, and what the sweeper sends."""
    aws.run()
    while aws.sweep(ahead=SECOND).get("sent"):
        aws.run()


def test_a_task_is_retried_until_it_succeeds(both):
    result = tasks.retried.enqueue("a")
    both.fail_next(OSError("first"))
    both.fail_next(ValueError("second"))

    run_all(both)

    result.refresh()
    assert (result.status, result.attempts, result.return_value) == (TaskResultStatus.SUCCESSFUL, 3, "a")
    assert [error.exception_class for error in result.errors] == [OSError, ValueError]
    assert [error.traceback.splitlines()[-1] for error in result.errors] == [
        "OSError: first",
        "ValueError: second",
    ]
    assert tasks.RUNS == [("a", 3)]


def test_a_task_is_retried_until_its_attempts_are_used_up(both):
    result = tasks.retried.enqueue("a")
    for number in range(3):
        both.fail_next(OSError(f"number {number}"))

    run_all(both)

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 3)
    assert [error.traceback.splitlines()[-1] for error in result.errors] == [
        f"OSError: number {number}" for number in range(3)
    ]
    assert both.run() == 0


def test_without_max_attempts_an_exception_ends_the_task(both):
    result = tasks.note.enqueue("a")
    both.fail_next(OSError("once"))

    run_all(both)

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)


def test_using_changes_the_attempts_of_one_call(aws):
    result = tasks.note.using(max_attempts=2, backoff=0).enqueue("a")
    aws.fail_next(OSError("once"))

    aws.run()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)
    assert result.task.max_attempts == 2


def test_a_retry_waits_for_its_backoff(aws, queues):
    before = datetime.now(UTC)
    result = tasks.retried_later.using(backoff=600).enqueue("a")
    aws.run()
    record = record_of(result.id)
    waits = max(record.not_before - datetime.now(UTC), 0 * SECOND)

    assert record.status == "READY"
    assert before < record.not_before <= datetime.now(UTC) + 600 * SECOND
    assert record.error == {"class": "builtins.OSError", "message": "not yet"}
    assert queues.counts() == (0, 1) or waits < 3 * SECOND
    assert record.due_at == record.not_before + 5 * MINUTE


def test_neither_a_duplicate_nor_a_resend_starts_a_retry_early(aws, queues, monkeypatch):
    monkeypatch.setattr("django_offload.definition.retry_policy.random.random", lambda: 1.0)
    tasks.retried_later.enqueue("a")
    event = event_of(queues.take())
    work_at(0 * SECOND, event)

    assert work_at(9 * MINUTE, event)["batchItemFailures"] != []
    assert tasks.RUNS == ["a"]

    work_at(11 * MINUTE, event)
    assert tasks.RUNS == ["a", "a"]


def test_a_backoff_that_fails_ends_the_task_and_not_the_worker(aws):
    result = tasks.retried_with_a_broken_backoff.enqueue()

    aws.run()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    assert result.errors[0].exception_class is OSError


@pytest.mark.parametrize("exception", [SystemExit("bye"), KeyError("x"), RecursionError("deep")])
def test_whatever_a_task_raises_is_its_outcome(aws, exception):
    result = tasks.note.enqueue("a")
    aws.fail_next(exception)

    aws.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class is type(exception)
