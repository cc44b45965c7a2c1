"""Queue, mapping, function and dead-letter queue together, on moto's server."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from django_offload.local.aws.event_source_mapping import deployed_mappings
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.aws.stack_deploy import deploy
from django_offload.local.errors import StackFailed
from tests.unit.local.fakes import eventually

from .templates import stack

# moto's state belongs to the process: a region of these tests' own keeps them apart from others.
REGION = "eu-north-1"
OTHER_REGION = "eu-west-3"


def client(service: str) -> Any:
    """Return a client as any process has it: from the environment alone."""
    return _client(service, os.environ["AWS_ENDPOINT_URL"])


@cache
def _client(service: str, endpoint: str) -> Any:
    import boto3

    return boto3.session.Session().client(service)


def url(name: str) -> str:
    return str(client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def count(name: str) -> int:
    keys = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url(name), AttributeNames=keys)["Attributes"]
    return sum(int(attributes[key]) for key in keys)


# Each test's own stack, and the handler that its worker runs.
STACKS = {
    "deployed": "acknowledge",
    "drained": "acknowledge",
    "partial": "give_back",
    "changed": "acknowledge",
    "invoked": "describe",
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    """AWS in this process; each test leaves its queue empty, so that others do not drain it."""
    templates: dict[str, str] = {}
    for name, handler in STACKS.items():
        templates |= stack(name, handler)
    with LocalAWS(in_process=True, region=REGION, templates=templates) as aws:
        yield aws
        for name in STACKS:
            aws.server.client("cloudformation").delete_stack(StackName=name)


def test_a_stack_is_deployed_with_its_mappings_disabled_and_read_back(aws: LocalAWS) -> None:
    states = {
        mapping["State"] for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]
    }
    mappings = {mapping.queue: mapping for mapping in deployed_mappings(aws.server)}

    assert aws.outputs["deployed"] == {"QueueName": "deployed"}
    assert states == {"Disabled"}
    assert (mappings["deployed"].batch_size, mappings["deployed"].window_seconds) == (5, 0)
    assert (mappings["deployed"].concurrency, mappings["deployed"].partial) == (7, True)
    assert (mappings["deployed-dead"].concurrency, mappings["deployed-dead"].partial) == (None, False)
    assert aws.functions.get("deployed-worker").environment == {"COLOUR": "blue"}
    assert aws.schedule is not None
    assert [rule.period.total_seconds() for rule in aws.schedule.rules] == [60] * len(STACKS)


def test_draining_hands_every_message_to_its_function(aws: LocalAWS) -> None:
    for number in range(7):
        client("sqs").send_message(QueueUrl=url("drained"), MessageBody=str(number))

    assert aws.poll_once() == 5
    assert aws.drain() == 2
    assert aws.drain() == 0
    assert count("drained") == 0


def test_a_failed_message_returns_and_ends_in_the_dead_letter_queue(aws: LocalAWS) -> None:
    sqs = client("sqs")
    for body in ("good", "bad"):
        sqs.send_message(QueueUrl=url("partial"), MessageBody=body)

    assert aws.drain() == 2
    assert count("partial") == 1
    deliveries = 0

    def delivered_twice() -> bool:
        nonlocal deliveries
        deliveries += aws.drain()
        return deliveries >= 2

    # Once more by the worker, since maxReceiveCount is 2, and once by the dead-letter function.
    eventually(delivered_twice)
    assert deliveries == 2
    assert count("partial") + count("partial-dead") == 0


def test_a_changed_visibility_decides_when_a_message_comes_again(aws: LocalAWS) -> None:
    sqs = client("sqs")
    sqs.send_message(QueueUrl=url("changed"), MessageBody="any")
    received = sqs.receive_message(QueueUrl=url("changed"))["Messages"][0]

    assert aws.poll_once() == 0
    sqs.change_message_visibility(
        QueueUrl=url("changed"), ReceiptHandle=received["ReceiptHandle"], VisibilityTimeout=0
    )

    assert aws.poll_once() == 1


def test_one_endpoint_serves_the_whole_lambda_client(aws: LocalAWS) -> None:
    functions = client("lambda")

    answer = functions.invoke(FunctionName="invoked-worker", Payload=b'{"n": 1}')
    later = functions.invoke(FunctionName="invoked-worker", Payload=b"{}", InvocationType="Event")

    assert json.load(answer["Payload"])["event"] == {"n": 1}
    assert later["StatusCode"] == 202
    assert aws.drain() == 1
    assert functions.get_function(FunctionName="invoked-worker")["Configuration"]["MemorySize"] == 256
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="nobody")
    with pytest.raises(functions.exceptions.RequestTooLargeException):
        functions.invoke(
            FunctionName="invoked-worker", InvocationType="Event", Payload=json.dumps("x" * 1024 * 1024)
        )


def test_a_stack_that_cannot_be_created_says_why() -> None:
    template = """
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: broken
      Runtime: python3.13
      Handler: a.b
      Role: arn:aws:iam::123456789012:role/nobody
      Code: {S3Bucket: offload-local-code, S3Key: code.zip}
"""
    with (
        LocalAWS(in_process=True, region=OTHER_REGION, templates={}) as aws,
        pytest.raises(StackFailed) as caught,
    ):
        deploy(aws.server, "broken", template)

    assert str(caught.value) == (
        "The stack broken couldn't be created: The role defined for the function cannot be assumed by "
        "Lambda. Correct TASKS, or check the template with manage.py offload_template."
    )


def test_a_crash_is_delivered_again_and_ends_in_the_dead_letter_queue() -> None:
    before, environment = set(threading.enumerate()), dict(os.environ)
    lines: list[str] = []

    with LocalAWS(region=OTHER_REGION, templates=stack("crashed", "crash"), concurrency=1, log=lines.append):
        client("sqs").send_message(QueueUrl=url("crashed"), MessageBody="poison")
        deadline = time.monotonic() + 20
        while not any("handled poison" in line for line in lines):
            assert time.monotonic() < deadline, lines
            time.sleep(0.02)

    assert [line for line in lines if "handled" in line or "about to crash" in line][:2] == [
        "crashed-worker: about to crash"
    ] * 2
    assert lines[-1].startswith("crashed-dead-letter: handled poison")
    # Nothing is left of it.
    eventually(lambda: set(threading.enumerate()) <= before)
    assert dict(os.environ) == environment


def test_a_reset_deletes_messages_and_deploys_again() -> None:
    # In another process, because a reset deletes all of moto's state in the process.
    program = textwrap.dedent("""
        import django
        django.setup()
        from django_offload.local.aws.local_aws import LocalAWS
        from tests.integration.local.templates import stack
        with LocalAWS(in_process=True, templates=stack("again", "acknowledge")) as aws:
            sqs = aws.server.client("sqs")
            sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="again")["QueueUrl"], MessageBody="old")
            aws.reset()
            drained, mappings = aws.drain(), len(aws.mappings)
            sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="again")["QueueUrl"], MessageBody="new")
            print("drained", drained, aws.drain(), "of", mappings)
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )

    assert run.stdout.splitlines()[-1:] == ["drained 0 1 of 2"], run.stderr
