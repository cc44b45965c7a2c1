"""What a mapping gets from its queue in this process, compared with what boto3 gets over HTTP."""

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.aws.sqs_event import make_record
from django_offload.local.errors import QueueCallFailed

# No other test uses this region, because moto keeps its state by process and region, not by server.
REGION = "ap-southeast-4"
SOURCE = f"arn:aws:sqs:{REGION}:123456789012:shop"
NUMBERS = itertools.count()
ALL: dict[str, Any] = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}


class Queue:
    """One queue, and the two ways to it."""

    def __init__(self, server: MotoServer, name: str, region: str = REGION) -> None:
        from django_offload.local.aws.queues import QueuesInProcess

        self.stopping = threading.Event()
        self.boto3 = server.client("sqs")
        self.in_process = QueuesInProcess(server.port, region, self.stopping)
        self.boto3.create_queue(QueueName=name)
        self.name, self.url = name, self.in_process.get_queue_url(QueueName=name)["QueueUrl"]

    def receive(self, wait_seconds: int = 0) -> list[dict[str, Any]]:
        answer = self.in_process.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds, **ALL
        )
        return answer.get("Messages", [])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with MotoServer(region=REGION) as server:
        yield server


@pytest.fixture
def queue(server: MotoServer) -> Queue:
    return Queue(server, f"shop-{next(NUMBERS)}")


def test_a_record_is_the_same_as_over_http(queue: Queue) -> None:
    attributes: dict[str, Any] = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    queue.boto3.send_message(
        QueueUrl=queue.url, MessageBody="ä", MessageAttributes=attributes, MessageGroupId="tenant"
    )

    (in_process,) = [make_record(message, SOURCE) for message in queue.receive()]
    queue.boto3.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=in_process["receiptHandle"], VisibilityTimeout=0
    )
    over_http = make_record(queue.boto3.receive_message(QueueUrl=queue.url, **ALL)["Messages"][0], SOURCE)

    for record in in_process, over_http:
        del record["receiptHandle"], record["attributes"]["ApproximateReceiveCount"]
    assert in_process == over_http
    assert in_process["messageAttributes"]["seal"]["binaryValue"] == "AP8="


def test_failed_messages_come_back_and_deleted_ones_do_not(queue: Queue) -> None:
    for text in "failed", "deleted":
        queue.boto3.send_message(QueueUrl=queue.url, MessageBody=text)
    handles = {message["Body"]: message["ReceiptHandle"] for message in queue.receive()}

    queue.in_process.delete_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": "0", "ReceiptHandle": handles["deleted"]}]
    )
    queue.in_process.change_message_visibility_batch(
        QueueUrl=queue.url,
        Entries=[{"Id": "0", "ReceiptHandle": handles["failed"], "VisibilityTimeout": 0}],
    )

    assert [message["Body"] for message in queue.receive()] == ["failed"]


def test_a_waiting_receive_returns_a_message_that_is_sent_meanwhile(queue: Queue) -> None:
    sender = threading.Timer(
        0.1, queue.boto3.send_message, kwargs={"QueueUrl": queue.url, "MessageBody": "x"}
    )
    sender.start()

    assert [message["Body"] for message in queue.receive(wait_seconds=20)] == ["x"]
    sender.join()


def test_a_waiting_receive_ends_when_everything_stops(queue: Queue) -> None:
    threading.Timer(0.1, queue.stopping.set).start()
    start = time.monotonic()

    assert queue.receive(wait_seconds=20) == []
    assert time.monotonic() - start < 10


def test_a_message_over_its_retention_is_not_received(queue: Queue) -> None:
    queue.boto3.set_queue_attributes(QueueUrl=queue.url, Attributes={"MessageRetentionPeriod": "60"})
    queue.boto3.send_message(QueueUrl=queue.url, MessageBody="old")
    from moto.sqs.models import sqs_backends

    (message,) = sqs_backends["123456789012"][REGION].queues[queue.name]._messages
    message.sent_timestamp -= 61_000

    assert queue.receive() == []


def test_a_queue_that_is_gone_is_an_error_that_names_the_call(queue: Queue) -> None:
    with pytest.raises(QueueCallFailed, match=r"refused ReceiveMessage: .*queue.* start offload_local again"):
        queue.in_process.receive_message(QueueUrl=f"{queue.url}-none", WaitTimeSeconds=1)
