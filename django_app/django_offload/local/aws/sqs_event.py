"""The event that Lambda makes of SQS messages, and the messages that a response acknowledges."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..lambda_.invoker import Outcome

SQSRecord = dict[str, Any]
SQSEvent = dict[str, list[SQSRecord]]

# An event of Lambda has at most 6 MB. A larger batch becomes several events.
EVENT_LIMIT = 6 * 1000 * 1000
# A generous estimate of what a record adds to its body and attributes, in bytes.
_RECORD_OVERHEAD = 2_000

_LOWER_CAMEL = {
    "StringValue": "stringValue",
    "BinaryValue": "binaryValue",
    "DataType": "dataType",
    "StringListValues": "stringListValues",
    "BinaryListValues": "binaryListValues",
}


def make_record(message: Mapping[str, Any], source_arn: str) -> SQSRecord:
    """Return the record that Lambda makes of one message from ReceiveMessage."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {
                "stringListValues": [],
                "binaryListValues": [],
                **{
                    _LOWER_CAMEL[key]: base64.b64encode(value).decode() if isinstance(value, bytes) else value
                    for key, value in attribute.items()
                },
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source_arn,
        "awsRegion": source_arn.split(":")[3],
    }


def split_into_events(records: Sequence[SQSRecord], limit: int = EVENT_LIMIT) -> Iterator[SQSEvent]:
    """Yield `records` in one event, or in several if one would exceed Lambda's limit."""
    batch: list[SQSRecord] = []
    batch_size = 0
    for record in records:
        size = len(record["body"].encode()) + len(str(record["messageAttributes"])) + _RECORD_OVERHEAD
        if batch and batch_size + size > limit:
            yield {"Records": batch}
            batch, batch_size = [], 0
        batch.append(record)
        batch_size += size
    if batch:
        yield {"Records": batch}


def acknowledge(
    event: SQSEvent, outcome: Outcome, *, partial: bool
) -> tuple[list[SQSRecord], list[SQSRecord]]:
    """
    Return the acknowledged records of `event` and the failed ones.

    `partial` means that the mapping has ReportBatchItemFailures. Without it all records share one result.
    An error of the function fails all records.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    records = event["Records"]
    if outcome.failed:
        return [], records
    if not partial:
        return records, []
    failed_ids = reported_failures(outcome)
    if failed_ids is None or not failed_ids <= {record["messageId"] for record in records}:
        return [], records
    return (
        [record for record in records if record["messageId"] not in failed_ids],
        [record for record in records if record["messageId"] in failed_ids],
    )


def reported_failures(outcome: Outcome) -> set[str] | None:
    """
    Return the message ids in a partial batch response, or None if the response is invalid.

    An empty response, `{}`, and an empty or null list report no failures. A response that isn't an object
    is invalid, and so is an id that is missing, empty or not a string.
    """
    try:
        response = outcome.value()
    except ValueError:
        return None
    if response is None:
        return set()
    if not isinstance(response, dict):
        return None
    failures = response.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list) or not all(isinstance(failure, dict) for failure in failures):
        return None
    ids = [failure.get("itemIdentifier") for failure in failures]
    return set(ids) if all(isinstance(message_id, str) and message_id for message_id in ids) else None
