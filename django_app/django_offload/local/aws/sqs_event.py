"""The event that Lambda makes of SQS messages, and what a response to it acknowledges."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..lambda_.invoker import Outcome

Record = dict[str, Any]
Event = dict[str, list[Record]]

# Lambda invokes with at most 6 MB of event; a batch that is larger becomes several.
EVENT_LIMIT = 6 * 1000 * 1000
# What a record adds to its body and attributes, generously.
_RECORD_OVERHEAD = 2_000

_LOWER_CAMEL = {
    "StringValue": "stringValue",
    "BinaryValue": "binaryValue",
    "DataType": "dataType",
    "StringListValues": "stringListValues",
    "BinaryListValues": "binaryListValues",
}


def make_record(message: Mapping[str, Any], source_arn: str) -> Record:
    """Return what Lambda hands to a function for one message that ReceiveMessage returned."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source_arn,
        "awsRegion": source_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    for key, said in value.items():
        found[_LOWER_CAMEL[key]] = base64.b64encode(said).decode() if isinstance(said, bytes) else said
    return found


def events(records: Sequence[Record], limit: int = EVENT_LIMIT) -> Iterator[Event]:
    """Yield `records` as one event, or as several where one would be larger than Lambda takes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        more = len(record["body"].encode()) + len(str(record["messageAttributes"])) + _RECORD_OVERHEAD
        if batch and size + more > limit:
            yield {"Records": batch}
            batch, size = [], 0
        batch.append(record)
        size += more
    if batch:
        yield {"Records": batch}


def acknowledge(event: Event, outcome: Outcome, *, partial: bool) -> tuple[list[Record], list[Record]]:
    """
    Return which records of `event` are acknowledged and which have failed.

    `partial` says whether the mapping has ReportBatchItemFailures; without it the batch stands or falls
    together. An error fails all. With it, nothing, `{}`, or an empty or null list acknowledge all; an id that
    is unknown, missing or no text fails all, as does a response that is not an object.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    records = event["Records"]
    if outcome.failed:
        return [], records
    if not partial:
        return records, []
    failed = _failed_ids(outcome)
    if failed is None or not failed <= {record["messageId"] for record in records}:
        return [], records
    return (
        [record for record in records if record["messageId"] not in failed],
        [record for record in records if record["messageId"] in failed],
    )


def _failed_ids(outcome: Outcome) -> set[str] | None:
    """Return the ids that a response gives back; None where it cannot be understood."""
    try:
        response = outcome.read()
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
    return set(ids) if all(isinstance(found, str) and found for found in ids) else None
