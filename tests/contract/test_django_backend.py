"""Django's own tests of backends, for these backends. README.md lists the cases that do not fit."""

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from django_offload.backends import base
from django_offload.compat import (
    TASKS,
    InvalidTask,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    TaskResultMismatch,
    TaskResultStatus,
    default_task_backend,
    task_backends,
)
from tests.contract import tasks
from tests.contract.setup import STACK

SYNC_AND_ASYNC = pytest.mark.parametrize("task", [tasks.nothing, tasks.nothing_async], ids=["sync", "async"])


def assert_in_order(result):
    assert result.enqueued_at <= result.started_at <= result.last_attempted_at <= result.finished_at


def test_the_default_backend_is_the_one_of_tasks(offloaded, backend, settings):
    assert default_task_backend == task_backends["default"]
    assert type(task_backends["default"]) is getattr(base, backend)
    assert default_task_backend.alias == "default"
    assert default_task_backend.options == settings.TASKS["default"]["OPTIONS"]
    assert default_task_backend.options["stack"] == STACK


@SYNC_AND_ASYNC
def test_an_enqueued_task_is_ready(offloaded, task):
    result = task.enqueue(1, two=3)

    assert result.status == TaskResultStatus.READY
    assert result.is_finished is False
    assert (result.started_at, result.last_attempted_at, result.finished_at) == (None, None, None)
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value
    assert result.task == task
    assert (result.args, result.kwargs) == ([1], {"two": 3})
    assert (result.attempts, result.errors, result.worker_ids) == (0, [], [])
    assert result.enqueued_at <= timezone.now()
    assert result.backend == "default"


@SYNC_AND_ASYNC
def test_an_enqueued_task_runs(offloaded, task):
    result = task.enqueue(1, two=3)

    assert offloaded.run() == 1
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.is_finished is True
    assert_in_order(result)
    assert result.return_value is None
    assert result.task == task
    assert (result.args, result.kwargs) == ([1], {"two": 3})
    assert result.attempts == len(result.worker_ids) == 1


@SYNC_AND_ASYNC
def test_aenqueue_and_arefresh_do_the_same(offloaded, task):
    result = async_to_sync(task.aenqueue)(1, two=3)
    ready = result.status

    offloaded.run()

    async_to_sync(result.arefresh)()
    assert (ready, result.status) == (TaskResultStatus.READY, TaskResultStatus.SUCCESSFUL)
    assert_in_order(result)
    assert (result.args, result.kwargs) == ([1], {"two": 3})


@pytest.mark.parametrize("task", [tasks.answer, tasks.answer_async], ids=["sync", "async"])
def test_the_return_value_is_stored(offloaded, task):
    result = default_task_backend.enqueue(task, [], {})

    offloaded.run()

    assert default_task_backend.get_result(result.id).return_value == 42
    assert async_to_sync(default_task_backend.aget_result)(result.id).return_value == 42


@pytest.mark.parametrize(
    ("task", "kind", "message"),
    [
        (tasks.raises_value_error, ValueError, "ValueError: The stock is negative\n"),
        (tasks.raises_async, LookupError, "LookupError: The order is gone\n"),
        (tasks.raises_system_exit, SystemExit, "SystemExit: The script has ended\n"),
        (
            tasks.raises_type_error,
            TypeError,
            "TypeError: object of type 'int' has no len()\n",
        ),
    ],
    ids=["exception", "async", "SystemExit", "TypeError in the body"],
)
def test_an_exception_ends_the_task(offloaded, caplog, task, kind, message):
    result = task.enqueue()

    offloaded.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.is_finished is True
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    assert_in_order(result)
    (error,) = result.errors
    assert error.exception_class is kind
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.endswith(message)
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (logged.name, logged.exc_info[0]) == (TASKS, kind)


def test_keyboard_interrupt_ends_the_process_and_not_the_task(offloaded):
    result = tasks.raises_keyboard_interrupt.enqueue()

    with pytest.raises(KeyboardInterrupt, match="Somebody pressed Ctrl-C"):
        offloaded.run()

    result.refresh()
    assert result.status == TaskResultStatus.RUNNING
    assert result.errors == []


def test_an_exception_made_of_an_exception_is_stored(offloaded):
    result = tasks.raises_nested_error.enqueue()

    offloaded.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.errors[0].exception_class is ValueError
    assert 'ValueError(ValueError("The inner one"))' in result.errors[0].traceback
    assert result.task == tasks.raises_nested_error


def test_an_exception_without_a_readable_message_is_stored(offloaded):
    result = tasks.raises_unreadable_error.enqueue()

    offloaded.run()

    result.refresh()
    assert result.errors[0].exception_class is tasks.UnreadableError


def test_a_return_value_that_json_cannot_hold_fails_the_task(offloaded):
    result = tasks.returns_what_json_cannot_hold.enqueue()

    offloaded.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert issubclass(result.errors[0].exception_class, TypeError)
    assert "Unsupported type" in result.errors[0].traceback


def test_a_return_value_is_normalised_as_django_does(offloaded):
    result = tasks.returns_a_tuple.enqueue()

    offloaded.run()

    result.refresh()
    assert result.return_value == [1, ["two", "three"]]


def test_get_result_returns_what_enqueue_returned(offloaded):
    result = default_task_backend.enqueue(tasks.nothing, (1,), {"two": None})

    assert default_task_backend.get_result(result.id) == result
    assert tasks.nothing.get_result(result.id) == result
    assert async_to_sync(tasks.nothing.aget_result)(result.id) == result


def test_refresh_changes_nothing_while_nothing_happens(offloaded):
    result = tasks.nothing.enqueue(1)
    before = tasks.nothing.get_result(result.id)

    result.refresh()
    async_to_sync(result.arefresh)()

    assert result == before


@pytest.mark.parametrize("result_id", ["123", "", "0" * 32, "../../etc/passwd", "F" * 32, "\0", 123, None])
def test_a_missing_result_raises_does_not_exist(offloaded, result_id):
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result_id)
    with pytest.raises(TaskResultDoesNotExist):
        async_to_sync(tasks.nothing.aget_result)(result_id)


def test_a_result_of_another_task_does_not_match(offloaded):
    result = tasks.nothing_async.enqueue()

    with pytest.raises(TaskResultMismatch, match="Task does not match"):
        tasks.nothing.get_result(result.id)
    with pytest.raises(TaskResultMismatch, match="Task does not match"):
        async_to_sync(tasks.nothing.aget_result)(result.id)


def test_a_task_with_takes_context_receives_it(offloaded):
    first, second = tasks.own_id.enqueue(), tasks.own_attempt.enqueue("a", 2)

    offloaded.run()

    first.refresh()
    second.refresh()
    assert first.return_value == first.id
    assert second.return_value == [1, "RUNNING", ["a", 2]]


@pytest.mark.parametrize("way", ["enqueue", "aenqueue"])
def test_the_queue_is_validated_again_when_the_task_is_enqueued(offloaded, settings, way):
    task = tasks.nothing.using(queue_name="reports")
    other = {**settings.TASKS["default"], "QUEUES": ["queue-1"]}
    settings.TASKS = {"default": other}

    enqueue = task.enqueue if way == "enqueue" else async_to_sync(task.aenqueue)

    with pytest.raises(InvalidTask, match="Queue 'reports' is not valid for backend"):
        enqueue()


def test_a_removed_backend_cannot_enqueue(offloaded, settings):
    other = {key: value for key, value in settings.TASKS.items() if key != "default"}
    settings.TASKS = other

    with pytest.raises(Exception, match="The connection 'default' doesn't exist") as raised:
        tasks.nothing.enqueue()
    assert type(raised.value) is InvalidTaskBackend


def test_checks_pass(offloaded):
    assert list(default_task_backend.check()) == []


def test_a_task_runs_on_the_queue_it_names(offloaded):
    result = tasks.on_the_queue_for_reports.enqueue()

    offloaded.run()

    result.refresh()
    assert result.return_value == "reported"
    assert tasks.on_the_queue_for_reports.get_result(result.id).task.queue_name == "reports"


def test_another_backend_of_the_same_stack_reads_the_same_record(offloaded):
    result = tasks.add.using(backend="other").enqueue(1, second=2)

    offloaded.run()

    result = default_task_backend.get_result(result.id)
    assert (result.return_value, result.backend, result.task.backend) == (3, "other", "other")
