"""
What AWS refuses, as the memory that stands in for it refuses it: a test fails where AWS would.

Each function raises the error that the client of AWS raises.
"""

import re
from collections.abc import Mapping

from ..exceptions import Refusal

type Value = str | int | bool | list[str]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: bytes of UTF-8.
MOST_PARTITION_KEY_BYTES, MOST_SORT_KEY_BYTES, MOST_ITEM_BYTES = 2_048, 1_024, 400 * 1_024
# The significant digits of a number, and all of its digits.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
MOST_SIGNIFICANT_DIGITS, MOST_DIGITS = 38, 126
# The attributes that are keys of an index, which can't be empty.
INDEX_KEYS = frozenset({"alias"})
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MOST_MESSAGE_BYTES = 1_048_576
find_refused_character = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MOST_OBJECT_KEY_BYTES = 1_024


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
    for name, key, most in (
        ("partition key", task_id, MOST_PARTITION_KEY_BYTES),
        ("sort key", part, MOST_SORT_KEY_BYTES),
    ):
        if not 0 < utf8_size(key) <= most:
            raise invalid(f"the {name} has {utf8_size(key):,} bytes, and may have 1 to {most:,}")


def check_item(attributes: Mapping[str, Value]) -> None:
    """Raise Refusal if an item with these attributes can't be stored."""
    size = 0
    for name, value in attributes.items():
        if isinstance(value, str):
            if name in INDEX_KEYS and not 0 < utf8_size(value) <= MOST_PARTITION_KEY_BYTES:
                raise invalid(
                    f"{name} is the key of an index, and may have 1 to {MOST_PARTITION_KEY_BYTES:,} bytes"
                )
            size += utf8_size(value)
        elif isinstance(value, list):
            size += 3 + sum(utf8_size(entry) + 1 for entry in value)
        elif isinstance(value, int):
            digits = str(abs(value))
            if len(digits.rstrip("0")) > MOST_SIGNIFICANT_DIGITS or len(digits) > MOST_DIGITS:
                raise invalid(f"the number {name} has more than {MOST_SIGNIFICANT_DIGITS} digits")
            size += 8  # About, because numbers are short.
        else:
            raise TypeError(f"A record can't contain the {type(value).__name__} {name}.")
        size += utf8_size(name)
    if size > MOST_ITEM_BYTES:
        raise invalid(f"the item has {size:,} bytes, and may have {MOST_ITEM_BYTES:,}")


def check_message(text: str) -> None:
    """Raise Refusal if SQS takes no message of this text."""
    refused = find_refused_character(text)
    if refused or not text:
        what = f"the character {refused[0]!a}" if refused else "no text"
        raise refusal("SendMessage", "InvalidMessageContents", f"the message contains {what}")
    if len(text) > MOST_MESSAGE_BYTES:
        message = f"the message has {len(text):,} bytes, and may have {MOST_MESSAGE_BYTES:,}"
        raise refusal("SendMessage", "InvalidParameterValue", message)


def check_object_key(key: str) -> None:
    """Raise Refusal if no object in a bucket can have this key."""
    size = utf8_size(key)
    if not 0 < size <= MOST_OBJECT_KEY_BYTES:
        message = f"the key has {size:,} bytes, and may have 1 to {MOST_OBJECT_KEY_BYTES:,}"
        raise refusal("PutObject", "KeyTooLongError", message)
