"""A task from enqueue to outcome, through SQS, Lambda, DynamoDB and S3, also where one of them fails."""

import pytest

from django_offload.compat import (
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    default_task_backend,
    task_backends,
)
from django_offload.definition.context import OffloadContext, running
from django_offload.exceptions import EnqueueFailed, PayloadTooLarge, ResourceMissing
from django_offload.protocol.message import MAX_DEPTH
from tests.contract.setup import tasks_setting
from tests.faults import DuplicatingTransport, FailingStore, FailingTransport, store_with, transport_with
from tests.integration import tasks
from tests.integration.setup import MINUTE, MODULES, has_record
from tests.older_code import enqueued_by_older_code


def outcome(result):
    result.refresh()
    return result.status, result.attempts


def test_a_task_runs_once_and_its_outcome_is_kept(both):
    result = tasks.note.enqueue("a")

    assert both.run() == 1
    assert tasks.RUNS == ["a"]
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == "a"
    assert both.run() == 0


@pytest.mark.parametrize("characters", [0, 5_000, 310_000])
def test_arguments_of_any_size_arrive(both, characters):
    result = tasks.length.enqueue("é" + "x" * characters)

    both.run()

    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == characters + 1
    assert default_task_backend.get_result(result.id).args == ["é" + "x" * characters]


@pytest.mark.parametrize("characters", [298, 299, 299_998, 300_000])
def test_return_values_of_any_size_are_kept(aws, characters):
    result = tasks.returns_characters.enqueue(characters)

    aws.run()

    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == "x" * characters


def test_without_a_bucket_large_arguments_are_refused_at_once(both, settings):
    settings.TASKS = tasks_setting(modules=MODULES, bucket=None)

    with pytest.raises(
        PayloadTooLarge, match=r"bytes as JSON, and the limit without a bucket is 300,000 bytes\. Set"
    ):
        tasks.length.enqueue("x" * 300_000)
    assert both.run() == 0


def test_without_a_bucket_a_large_return_value_fails_the_task(both, settings):
    settings.TASKS = tasks_setting(modules=MODULES, bucket=None)
    result = tasks.returns_characters.enqueue(300_000)

    both.run()

    assert outcome(result) == (TaskResultStatus.FAILED, 1)
    assert "ResultTooLarge: The task ran, but its return value of 300,002 bytes" in result.errors[0].traceback


def test_a_message_that_is_delivered_twice_runs_once(both):
    with transport_with(DuplicatingTransport):
        result = tasks.note.enqueue("a")

    assert both.run() == 2
    assert tasks.RUNS == ["a"]
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)


@pytest.mark.parametrize("characters", [1, 310_000])
def test_a_message_whose_record_was_not_written_runs(aws, characters):
    with store_with(lambda inner: FailingStore(inner, before="create")):
        result = tasks.length.enqueue("x" * characters)
    assert not has_record(result.id)

    assert aws.run() == 1
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert default_task_backend.get_result(result.id).args == ["x" * characters]
    assert result.return_value == characters


@pytest.mark.parametrize("characters", [1, 310_000])
def test_a_record_whose_message_was_not_sent_is_sent_by_the_sweeper(both, characters):
    with transport_with(FailingTransport):
        result = tasks.length.enqueue("x" * characters)
    assert both.run() == 0

    assert both.sweep(ahead=6 * MINUTE) == {"sent": 1}
    assert both.run() == 1
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == characters


def test_a_send_whose_answer_was_lost_runs_the_task_once(both):
    with transport_with(lambda inner: FailingTransport(inner, after=True)):
        result = tasks.note.enqueue("a")

    both.run()

    assert both.sweep(ahead=6 * MINUTE) == {}
    assert tasks.RUNS == ["a"]
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)


def test_a_create_whose_answer_was_lost_runs_the_task_once(aws):
    with store_with(lambda inner: FailingStore(inner, after="create")):
        result = tasks.note.enqueue("a")

    aws.run()

    assert tasks.RUNS == ["a"]
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)


def test_lambda_keeps_no_message_so_enqueue_fails_where_the_record_was_not_written(aws):
    direct = tasks.note.using(backend="other")

    with (
        store_with(lambda inner: FailingStore(inner, before="create")),
        pytest.raises(EnqueueFailed) as raised,
    ):
        direct.enqueue("a")

    assert str(raised.value.__cause__) == "no answer to create"
    assert aws.run() == 0
    assert tasks.RUNS == []


def test_enqueue_fails_where_neither_half_was_accepted(aws, caplog):
    with (
        store_with(lambda inner: FailingStore(inner, before="create")),
        transport_with(FailingTransport),
        pytest.raises(EnqueueFailed) as raised,
    ):
        tasks.note.enqueue("a")

    error = raised.value
    assert f"Task id={error.task_id} name=tests.integration.tasks.note couldn't be enqueued" in str(error)
    assert "Enqueue the task again when AWS answers." in str(error)
    assert str(error.__cause__) == "no answer to the send"
    assert not has_record(error.task_id)
    assert aws.run() == 0
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(error.task_id)


def test_one_failure_of_the_two_is_logged(aws, caplog):
    with store_with(lambda inner: FailingStore(inner, before="create")):
        result = tasks.note.enqueue("a")

    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith(f"Task id={result.id} name=tests.integration.tasks.note")
    assert said.endswith("failed: no answer to create")


def test_a_queue_that_is_not_deployed_is_named(aws, settings):
    settings.TASKS = tasks_setting(modules=MODULES, stack="nowhere")

    with pytest.raises(ResourceMissing) as raised:
        tasks.note.enqueue("a")

    assert str(raised.value).startswith(
        "TASKS['default']: The queue 'nowhere-default' does not exist in the AWS account and region in use. "
        "Deploy the stack"
    )


def test_arguments_that_do_not_fit_fail_the_task_unrun(both):
    result = enqueued_by_older_code(tasks.note, "a", "one too many")

    both.run()

    assert outcome(result) == (TaskResultStatus.FAILED, 0)
    assert tasks.RUNS == []
    (error,) = result.errors
    assert error.exception_class_path == "django_offload.exceptions.BadArguments"
    assert (
        "didn't run because its arguments don't match the function (too many positional arguments)"
        in error.traceback
    )


def test_a_task_enqueues_tasks(both):
    result = tasks.enqueues.enqueue("b", times=2)

    assert both.run() == 3
    assert tasks.RUNS == ["b", "b"]
    result.refresh()
    assert [default_task_backend.get_result(task_id).return_value for task_id in result.return_value] == [
        "b",
        "b",
    ]


def test_depth_is_counted_and_the_trace_goes_on(both):
    from django_offload.definition.context import trace

    token = trace.set("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    tasks.tells_its_depth.enqueue(2)
    trace.reset(token)

    both.run()

    assert [(depth, "00-" + "a" * 32 + "-" + "b" * 16 + "-01") for depth in range(3)] == tasks.RUNS


def test_a_runaway_chain_is_stopped(aws):
    result = tasks.note.enqueue("a")

    with (
        running(OffloadContext(task_result=result, depth=MAX_DEPTH)),
        pytest.raises(InvalidTask, match=r"a chain of 1,000 tasks, each enqueued by .* it\. End the chain"),
    ):
        tasks.note.enqueue("b")


def test_local_variables_of_a_failed_task_are_not_kept(aws):
    result = tasks.pays.enqueue("4111-1111-1111-1111")

    aws.run()

    result.refresh()
    assert result.errors[0].traceback.endswith("ValueError: refused\n")
    assert "4111" not in result.errors[0].traceback


def test_both_backends_reach_the_same_records(aws):
    result = tasks.note.using(backend="other").enqueue("a")

    aws.run()

    assert task_backends["default"].get_result(result.id).return_value == "a"
    assert task_backends["other"].get_result(result.id).return_value == "a"
