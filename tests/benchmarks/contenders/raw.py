"""Plain boto3, doing what a task needs and no more; and a bare socket, the floor."""

import json
import os
import socket
import ssl
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.held import BORN

from . import QUEUE_URL, TABLE, Work, boto3_clients

BATCH, BULK = 10, 50
# As long as a message of ours.
BODY = json.dumps(
    {
        "v": 1,
        "kid": "0" * 8,
        "id": "0" * 32,
        "alias": "default",
        "queue": "default",
        "name": "tests.benchmarks.tasks.nothing",
        "args": [7],
        "kwargs": {},
        "enqueued_at": 1700000000000000,
        "expires_at": 1700604800000000,
        "sig": "0" * 64,
    },
    separators=(",", ":"),
)


def send() -> Work:
    sqs, _ = boto3_clients()
    return Work(once=lambda: sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=BODY))


def record_and_send() -> Work:
    sqs, dynamodb = boto3_clients()

    def once() -> None:
        put(dynamodb, item())
        sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=BODY)

    return Work(once=once)


def floor() -> Work:
    """One request, ready made, through one socket: what nobody can be cheaper than."""
    address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    plain = socket.create_connection((address.hostname or "", address.port or 0))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire: Any = plain
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
        wire = context.wrap_socket(plain, server_hostname=address.hostname)
    body = json.dumps({"QueueUrl": QUEUE_URL, "MessageBody": BODY})
    head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: AmazonSQS.SendMessage\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()

    def once() -> None:
        wire.sendall(request)
        answer = wire.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")

    return Work(once=once)


def send_batch() -> Work:
    sqs, _ = boto3_clients()

    def once() -> None:
        for _ in range(BULK // BATCH):
            entries = [{"Id": str(number), "MessageBody": BODY} for number in range(BATCH)]
            sqs.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)

    return Work(once=once, tasks=BULK)


def record_and_send_batch() -> Work:
    import boto3

    sends = send_batch()
    table = boto3.resource("dynamodb").Table(TABLE)

    def once() -> None:
        with table.batch_writer() as batch:
            for _ in range(BULK):
                batch.put_item(Item={name: next(iter(value.values())) for name, value in item().items()})
        sends.once()

    return Work(once=once, tasks=BULK)


def loop() -> Work:
    """Receive ten, record the outcome of each, delete them together."""
    sqs, dynamodb = boto3_clients()

    def once() -> None:
        for message in received(sqs):
            put(dynamodb, {**item(), "result": {"S": message["Body"][:4]}})

    return Work(once=once, tasks=BATCH, prepare=lambda count: fill(sqs, count))


def loop_with_claim() -> Work:
    sqs, dynamodb = boto3_clients()

    def once() -> None:
        for _ in received(sqs):
            both_writes(dynamodb)

    return Work(once=once, tasks=BATCH, prepare=lambda count: fill(sqs, count))


def claim_and_outcome() -> Work:
    """The same two calls that our worker makes of each task, their arguments ready made."""
    import django

    django.setup()
    from django_offload.protocol import transitions
    from django_offload.stores.dynamodb import update

    _, dynamodb = boto3_clients()
    now = datetime.now(UTC)
    held = {"token": "0" * 16, "now": now}
    claim = transitions.claim(None, worker_id="0" * 16, lease_until=now, max_attempts=3, **held)
    succeed = transitions.succeed(fence=1, result_ttl=timedelta(days=14), kept={"result": "null"}, **held)
    writes = [{**update(claim), "ReturnValues": "ALL_OLD"}, update(succeed)]

    def once() -> None:
        for _ in range(BATCH):
            key = {"id": {"S": uuid.uuid4().hex}, "part": {"S": "record"}}
            for write in writes:
                dynamodb.update_item(
                    TableName=TABLE, Key=key, ReturnValuesOnConditionCheckFailure="ALL_OLD", **write
                )

    return Work(once=once, tasks=BATCH)


def item() -> dict[str, Any]:
    """Return a record as ours is."""
    return {"id": {"S": uuid.uuid4().hex}, "part": {"S": "record"}, **BORN}


def put(dynamodb: Any, record: dict[str, Any]) -> None:
    dynamodb.put_item(
        TableName=TABLE,
        Item=record,
        ConditionExpression="attribute_not_exists(#id)",
        ExpressionAttributeNames={"#id": "id"},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def both_writes(dynamodb: Any) -> None:
    """Claim a record, and write its outcome."""
    key = {"id": {"S": uuid.uuid4().hex}, "part": {"S": "record"}}
    for was, becomes in (("READY", "RUNNING"), ("RUNNING", "SUCCESSFUL")):
        dynamodb.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="SET #status = :status, #at = :at, #fence = if_not_exists(#fence, :none) + :one",
            ConditionExpression="attribute_not_exists(#id) OR #status = :was",
            ExpressionAttributeNames={"#status": "status", "#at": "at", "#fence": "fence", "#id": "id"},
            ExpressionAttributeValues={
                ":status": {"S": becomes},
                ":was": {"S": was},
                ":at": {"N": "1700000000000000"},
                ":none": {"N": "0"},
                ":one": {"N": "1"},
            },
            ReturnValues="ALL_OLD",
        )


def received(sqs: Any) -> Iterator[dict[str, Any]]:
    """Yield ten messages, and delete them when they were worked on."""
    messages = sqs.receive_message(QueueUrl=QUEUE_URL, MaxNumberOfMessages=BATCH)["Messages"]
    yield from messages
    entries = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]
    sqs.delete_message_batch(QueueUrl=QUEUE_URL, Entries=entries)


def fill(sqs: Any, count: int) -> None:
    """Send what `count` calls will receive."""
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(BATCH)]
    for _ in range(count):
        sqs.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)
