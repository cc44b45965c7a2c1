"""What nobody could work on: the record is the dead letter; a body that does not verify is kept apart."""

import json

import pytest

from django_offload.compat import TaskResultStatus
from tests.contract.setup import tasks_setting
from tests.integration import tasks
from tests.integration.setup import MINUTE, MODULES, claim_by_another, record_of, resigned, store


def kept(aws):
    """Return the bodies kept in the bucket, by their keys."""
    s3 = aws.client("s3")
    bucket = "contract-payloads-123456789012-us-east-1"
    found = s3.list_objects_v2(Bucket=bucket, Prefix="dead/").get("Contents", [])
    return {
        entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode()
        for entry in found
    }


def test_a_message_that_was_received_too_often_fails_its_record(aws, queues):
    result = tasks.note.enqueue("a")
    queues.use_up()
    assert queues.counts("default-dead") == (1, 0)

    aws.run()

    result.refresh()
    assert tasks.RUNS == []
    assert result.status == TaskResultStatus.FAILED
    (error,) = result.errors
    assert error.exception_class_path == "django_offload.exceptions.DeadLettered"
    assert error.traceback.endswith(
        "The task was given up: every delivery of its message failed. Look into the worker's log, fix the "
        "cause, and enqueue the task again.\n"
    )
    assert queues.counts("default-dead") == (0, 0)
    assert kept(aws) == {}


def test_a_dead_letter_without_a_record_makes_one(aws, queues):
    result = tasks.note.enqueue("a")
    queues.use_up()
    aws.client("dynamodb").delete_item(
        TableName="contract-tasks", Key={"id": {"S": result.id}, "part": {"S": "record"}}
    )

    aws.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED


def test_a_dead_letter_of_an_ended_task_changes_nothing(aws, queues):
    result = tasks.note.enqueue("a")
    body = queues.body()
    queues.send(body)
    aws.run()
    before = store().get(result.id)
    queues.send(body, "default-dead")

    aws.run()

    assert store().get(result.id) == before
    assert queues.counts("default-dead") == (0, 0)


def test_a_dead_letter_leaves_a_live_worker_alone(aws, queues):
    result = tasks.note.enqueue("a")
    queues.send(queues.body(), "default-dead")
    claim_by_another(result.id, ago=0 * MINUTE, lease=5 * MINUTE)
    before = store().get(result.id)

    aws.run()

    assert store().get(result.id) == before
    assert aws.sweep(ahead=6 * MINUTE) == {"sent": 1}


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: resigned(body, name="tests.integration.tasks.other"),
        lambda body: resigned(body, args=["forged"]),
        lambda body: resigned(body, sig="0" * 64),
        lambda body: resigned(body, sig="\ud800"),
        lambda body: resigned(body, kid="ffffffff"),
        lambda body: body[:-5],
        lambda body: "{}",
        lambda body: '{"class":"os.system","args":["true"]}',
        lambda body: "[" * 50_000,
        lambda body: " " + body,
    ],
    ids=["name", "arguments", "signature", "surrogate", "key", "cut", "empty", "other", "deep", "space"],
)
def test_a_forged_body_runs_nothing_touches_no_record_and_is_kept(aws, queues, forge):
    result = tasks.note.enqueue("a")
    body = queues.body()
    before = store().get(result.id)
    queues.send(forge(body))

    if forge(body).find("ffffffff") < 0:
        aws.run()  # Given back at once, until SQS gives it up.
    queues.use_up()
    aws.run()

    assert tasks.RUNS == []
    assert store().get(result.id) == before
    assert list(kept(aws).values()) == [forge(body)]
    (key,) = kept(aws)
    assert key.startswith("dead/default/20")
    assert queues.counts("default-dead") == (0, 0)


def test_a_message_moved_to_another_queue_is_refused(aws, queues):
    tasks.note.enqueue("a")
    queues.send(queues.body(), "reports")

    aws.run()

    assert tasks.RUNS == []
    assert [key.split("/")[1] for key in kept(aws)] == ["reports"]


def test_without_a_bucket_a_forged_body_stays_in_the_dead_letter_queue(aws, queues, settings):
    settings.TASKS = tasks_setting(modules=MODULES, bucket=None)
    queues.send("{}", "default-dead")

    aws.run()

    assert queues.counts("default-dead") == (0, 1)


def test_a_forged_payload_of_an_invocation_runs_nothing(both):
    client = both.client("lambda")
    with_signature = {"v": 1, "kid": "01234567", "name": "tests.integration.tasks.note", "sig": "0" * 64}

    import os

    import boto3

    client = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL_LAMBDA"])
    for payload in (with_signature, {"Records": []}, {"Records": [{"body": "{}"}]}, {}, [], "text"):
        client.invoke(
            FunctionName="contract-default-worker", InvocationType="Event", Payload=json.dumps(payload)
        )["Payload"].read()
    client.close()

    both.run()

    assert tasks.RUNS == []


def test_a_removed_task_becomes_a_dead_letter_that_says_so(aws, queues, settings):
    result = tasks.note.enqueue("a")
    queues.send(queues.body(), "default-dead")
    settings.TASKS = tasks_setting(modules=[])

    aws.run()

    record = record_of(result.id)
    assert record.status == "FAILED"
    assert record.error["class"] == "django_offload.exceptions.UnknownTask"
    assert record.error["message"].startswith("No task is named 'tests.integration.tasks.note'. Define it")
