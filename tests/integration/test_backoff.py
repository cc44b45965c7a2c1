"""A `backoff` that sees the exception and the task's result."""

import logging
import sys
import time
from datetime import timedelta

import pytest

from django_offload.compat import TaskResultStatus
from tests.integration import tasks
from tests.integration.setup import SECOND, record_of


@pytest.fixture
def asked():
    """Have the backoff of the tasks call a function, and return the list of what it was called with."""
    seen = []

    def answer_by(function):
        def answer(exception, task_result):
            seen.append((exception, task_result))
            return function(exception, task_result)

        tasks.ASKED[:] = [answer]
        return seen

    yield answer_by
    tasks.ASKED.clear()


def run_all(aws):
    aws.run()
    while aws.sweep(ahead=SECOND).get("sent"):
        aws.run()


@pytest.mark.parametrize("task", [tasks.shaky, tasks.shaky_coroutine], ids=["sync", "async"])
def test_it_gets_the_exception_and_the_result_as_they_are_if_the_task_ends_now(both, asked, task):
    seen = asked(lambda exception, task_result: 0 if task_result.attempts < 2 else None)
    result = task.enqueue("a")

    run_all(both)

    result.refresh()
    assert [type(exception) for exception, _ in seen] == [OSError, OSError]
    assert [str(exception) in shown.errors[-1].traceback for exception, shown in seen] == [True, True]
    assert [(shown.status, shown.attempts, len(shown.errors)) for _, shown in seen] == [
        (TaskResultStatus.FAILED, 1, 1),
        (TaskResultStatus.FAILED, 2, 2),
    ]
    last = seen[-1][1]
    assert (last.id, last.args, last.task) == (result.id, ["a"], result.task)
    assert last.started_at <= last.last_attempted_at <= last.finished_at
    # None has ended it with an attempt left, and without a complaint.
    assert (result.status, result.attempts, result.errors) == (TaskResultStatus.FAILED, 2, last.errors)
    assert "backoff failed" not in result.errors[-1].traceback


def test_its_pause_is_waited_for(aws, asked):
    asked(lambda exception, task_result: timedelta(hours=2) if exception.errno is None else 1)
    result = tasks.shaky.enqueue("a")

    aws.run()

    record = record_of(result.id)
    assert record.status == "READY"
    assert 7_100 < (record.not_before - record.attempted_at).total_seconds() < 7_300


def sleep(exception, task_result):
    time.sleep(60)


def leave(exception, task_result):
    sys.exit("over")


FAILURES = {
    "negative": (lambda exception, task_result: -1, "backoff returned -1, which is no pause"),
    "text": (lambda exception, task_result: "1", "backoff returned '1', which is no pause"),
    "flag": (lambda exception, task_result: True, "backoff returned True, which is no pause"),
    "nan": (lambda exception, task_result: float("nan"), "backoff returned nan, which is no pause"),
    "8,000 years": (lambda exception, task_result: 8_000 * 366 * 86_400, "more than 36,500 days"),
    "endless": (lambda exception, task_result: float("inf"), "more than 36,500 days"),
    "raises": (lambda exception, task_result: exception.missing, "no attribute 'missing'"),
    "exits": (leave, "SystemExit: over"),
    "sleeps": (sleep, "DeadlineExceeded"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_one_that_fails_ends_the_task_and_says_why(aws, asked, caplog, case):
    function, problem = FAILURES[case]
    asked(function)
    result = tasks.shaky.enqueue("a")

    with caplog.at_level(logging.ERROR, "django_offload"):
        aws.run()

    result.refresh()
    assert (result.status, result.attempts, aws.run()) == (TaskResultStatus.FAILED, 1, 0)
    (error,) = result.errors
    assert error.exception_class is OSError
    assert "attempt 1 of a" in error.traceback
    assert "The task isn't tried again, because its backoff failed: " in error.traceback
    assert problem in error.traceback
    (line,) = [record for record in caplog.records if "its backoff failed" in record.getMessage()]
    assert result.id in line.getMessage()
    assert problem in caplog.text


def test_a_sensitive_value_that_it_quotes_is_hidden(aws, asked, caplog):
    asked(lambda exception, task_result: task_result.args[0])
    result = tasks.shaky_secret.enqueue("4111 1111 1111 1111")

    with caplog.at_level(logging.ERROR, "django_offload"):
        aws.run()

    result.refresh()
    assert "its backoff failed" in result.errors[-1].traceback
    assert "4111" not in result.errors[-1].traceback + caplog.text
