"""The event that Lambda makes of messages."""

from django_offload.local.aws.sqs_event import make_record, split_into_events

ARN = "arn:aws:sqs:us-east-2:123456789012:my-queue"
# As ReceiveMessage returns it, and as AWS's documentation shows the event made of it:
# https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
MESSAGE = {
    "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "Body": "Test message.",
    "Attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
    "MessageAttributes": {
        "myAttribute": {"StringValue": "myValue", "DataType": "String"},
        "raw": {"BinaryValue": b"\x00\xff", "DataType": "Binary"},
    },
    "MD5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "MD5OfMessageAttributes": "00000000000000000000000000000000",
}
RECORD = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "body": "Test message.",
    "attributes": {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
    "messageAttributes": {
        "myAttribute": {
            "stringValue": "myValue",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "raw": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
    },
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": ARN,
    "awsRegion": "us-east-2",
}


def test_a_record_is_the_one_that_lambda_makes() -> None:
    assert make_record(MESSAGE, ARN) == RECORD


def test_a_message_without_attributes_has_empty_ones() -> None:
    bare = {key: MESSAGE[key] for key in ("MessageId", "ReceiptHandle", "Body", "MD5OfBody")}

    record = make_record(bare, ARN)

    assert (record["attributes"], record["messageAttributes"]) == ({}, {})


def test_records_make_one_event() -> None:
    records = [make_record(MESSAGE, ARN) for _ in range(10)]

    assert list(split_into_events(records)) == [{"Records": records}]


def test_a_batch_larger_than_lambda_takes_becomes_several_events() -> None:
    large = {**RECORD, "body": "x" * 2_500_000}

    sizes = [len(event["Records"]) for event in split_into_events([large] * 5)]

    assert sizes == [2, 2, 1]


def test_no_records_make_no_event() -> None:
    assert list(split_into_events([])) == []
