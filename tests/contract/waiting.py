"""The messages that wait in a queue, as the event that Lambda receives: in memory, or through SQS."""

from typing import Any

from django_offload.conf import configured
from django_offload.local.aws.sqs_event import make_record
from django_offload.testing import Offload, sqs_event
from django_offload.testing.aws import OffloadAWS

ARN = "arn:aws:sqs:us-east-1:123456789012:{}"


def event_of_all(offloaded: Offload | OffloadAWS) -> dict[str, Any]:
    """Receive up to ten messages of the queue `default`; return them as one event."""
    name = configured()["default"].queue("default")
    if isinstance(offloaded, Offload):
        (transport,) = offloaded.transports.values()
        return sqs_event(transport.receive("default", 10), name)
    sqs = offloaded.client("sqs")
    messages = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
    )["Messages"]
    return {"Records": [make_record(message, ARN.format(name)) for message in messages]}


def positions_of(event: dict[str, Any], result: dict[str, Any]) -> list[int]:
    """Return the positions of the records that the result names as failed."""
    ids = [record["messageId"] for record in event["Records"]]
    return [ids.index(failure["itemIdentifier"]) for failure in result["batchItemFailures"]]
