"""
What AWS refuses, as the memory that stands in for it refuses it: a test fails where AWS would.

Each function raises the error that the client of AWS raises.
"""

import re
from collections.abc import Mapping

from ..conf import aws_limits
from ..exceptions import Refusal

type Value = str | int | bool | list[str]

# The attributes that are keys of an index, which can't be empty.
INDEX_KEYS = frozenset({"alias"})
# A number of so many bits has fewer digits than an attribute may have.
SHORT_BITS = 64
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
find_refused_character = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search


def refusal(operation: str, code: str, message: str) -> Refusal:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}},
    }
    return Refusal(operation, 400, response)


def invalid(message: str) -> Refusal:
    """Return DynamoDB's answer to a write that it can't make."""
    return refusal("UpdateItem", "ValidationException", message)


def utf8_size(text: str) -> int:
    """Return the bytes of a text for AWS. Raise Refusal for half of a surrogate pair."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise refusal("UpdateItem", "SerializationException", "a string isn't valid Unicode") from None


def check_key(task_id: str, part: str) -> None:
    """Raise Refusal if no item can have this key."""
    short = 0 < len(task_id) <= aws_limits.PARTITION_KEY and 0 < len(part) <= aws_limits.SORT_KEY
    if short and task_id.isascii() and part.isascii():  # Nearly always, and every write waits for this.
        return
    for name, key, most in (
        ("partition key", task_id, aws_limits.PARTITION_KEY),
        ("sort key", part, aws_limits.SORT_KEY),
    ):
        if not 0 < utf8_size(key) <= most:
            raise invalid(f"the {name} has {utf8_size(key):,} bytes, and may have 1 to {most:,}")


def check_item(attributes: Mapping[str, Value]) -> None:
    """Raise Refusal if an item with these attributes can't be stored."""
    for name in INDEX_KEYS:
        key = attributes.get(name)
        if isinstance(key, str) and not 0 < utf8_size(key) <= aws_limits.PARTITION_KEY:
            raise invalid(
                f"{name} is the key of an index, and may have 1 to {aws_limits.PARTITION_KEY:,} bytes"
            )
    size = sum(map(len, attributes))  # The names, which are ASCII.
    for name, value in attributes.items():
        # Nearly every value is one of these two, and every write in memory waits for this.
        if type(value) is str and value.isascii():
            size += len(value)
        elif type(value) is int and value.bit_length() <= SHORT_BITS:
            size += 8
        else:
            size += checked_size(name, value)
    if size > aws_limits.ITEM:
        raise invalid(f"the item has {size:,} bytes, and may have {aws_limits.ITEM:,}")


def checked_size(name: str, value: Value) -> int:
    """Return the bytes of any value of an attribute. Raise Refusal if it can't be stored."""
    if isinstance(value, str):
        return utf8_size(value)
    if isinstance(value, list):
        return 3 + sum(utf8_size(entry) + 1 for entry in value)
    if not isinstance(value, int):
        raise TypeError(f"A record can't contain the {type(value).__name__} {name}.")
    digits = str(abs(value))
    if len(digits.rstrip("0")) > aws_limits.NUMBER_DIGITS or len(digits) > aws_limits.NUMBER_MAGNITUDE:
        raise invalid(f"the number {name} has more than {aws_limits.NUMBER_DIGITS} digits")
    return 8  # About, because numbers are short.


def check_message(text: str) -> None:
    """Raise Refusal if SQS takes no message of this text."""
    refused = find_refused_character(text)
    if refused or not text:
        what = f"the character {refused[0]!a}" if refused else "no text"
        raise refusal("SendMessage", "InvalidMessageContents", f"the message contains {what}")
    if len(text) > aws_limits.QUEUE_MESSAGE:
        message = f"the message has {len(text):,} bytes, and may have {aws_limits.QUEUE_MESSAGE:,}"
        raise refusal("SendMessage", "InvalidParameterValue", message)


def check_object_key(key: str) -> None:
    """Raise Refusal if no object in a bucket can have this key."""
    size = utf8_size(key)
    if not 0 < size <= aws_limits.OBJECT_KEY:
        message = f"the key has {size:,} bytes, and may have 1 to {aws_limits.OBJECT_KEY:,}"
        raise refusal("PutObject", "KeyTooLongError", message)
