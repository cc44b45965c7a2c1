"""The memory that stands in for AWS takes what AWS takes, and not a byte more. The limits are AWS's own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.backends.base import MOST_OWNER_BYTES
from django_offload.conf import aws_limits
from django_offload.conf.options import MOST_ALIAS_CHARACTERS
from django_offload.definition.context import MOST_KEY_BYTES
from django_offload.definition.option_checks import MOST_NAME_BYTES
from django_offload.exceptions import Refusal
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.message import Keyring, TaskMessage, decode, encode
from django_offload.protocol.record import (
    ARGUMENTS_PART,
    LONGEST_DELAY,
    MESSAGE_LIFE,
    PART_BYTES,
    error_part,
    initial_item,
)
from django_offload.protocol.transitions import create
from django_offload.stores.listing import MOST_READ
from django_offload.stores.memory import MemoryStore
from django_offload.stores.memory_listing import MemoryListing
from django_offload.transports import batches
from django_offload.transports.memory import MemoryTransport

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ID = "0123456789abcdef" * 2


def part(task_id: str, name: str, text: str = "") -> None:
    MemoryStore().put_part(task_id, name, text, 2**31)


def record(**attributes: Any) -> None:
    MemoryStore().change(ID, create({"id": ID, **attributes}))


def record_of(task_id: str) -> None:
    MemoryStore().change(task_id, create({"id": task_id}))


def message(text: str) -> None:
    MemoryTransport(lambda: NOW).send("default", text, NOW - NOW)


def stored(key: str) -> None:
    MemoryPayloads().put(key, b"")


# What is written, the most that AWS takes, and what it says to more. "é" has two bytes.
OVERHEAD = len("id" + ID + "part" + "text" + "ttl") + 8
TABLE: dict[str, tuple[Any, Any, Any, str]] = {
    "partition key": (lambda key: part(key, "a"), "é" * 1_024, "é" * 1_024 + "a", "ValidationException"),
    "empty partition key": (lambda key: part(key, "a"), "a", "", "ValidationException"),
    "sort key": (lambda key: part("a", key), "é" * 512, "é" * 512 + "a", "ValidationException"),
    "empty sort key": (lambda key: part("a", key), "a", "", "ValidationException"),
    "id of a record": (record_of, "é" * 1_024, "é" * 1_025, "ValidationException"),
    "empty id of a record": (record_of, "a", "", "ValidationException"),
    "half a character in a key": (
        lambda key: part("a", key),
        "\U0001f600",
        "\ud83d",
        "SerializationException",
    ),
    "item": (
        lambda text: part(ID, "a", text),
        "x" * (409_600 - OVERHEAD - 1),
        "x" * (409_600 - OVERHEAD),
        "ValidationException",
    ),
    "item in bytes": (lambda text: part(ID, "a", text), "é" * 204_000, "é" * 204_800, "ValidationException"),
    "half a character": (lambda text: record(owner=text), "é", "\ud800", "SerializationException"),
    "list": (
        lambda texts: record(workers=texts),
        ["x" * 400_000],
        ["x" * 204_800] * 2,
        "ValidationException",
    ),
    "attribute name": (lambda name: record(**{name: 1}), "x" * 400_000, "x" * 409_600, "ValidationException"),
    "key of an index": (lambda alias: record(alias=alias), "é" * 1_024, "é" * 1_025, "ValidationException"),
    "empty key of an index": (lambda alias: record(alias=alias), "a", "", "ValidationException"),
    "empty text": (lambda text: record(owner=text), "", "\udc00", "SerializationException"),
    "digits": (lambda number: record(due_at=number), -(10**38) + 1, 10**38 + 1, "ValidationException"),
    "magnitude": (lambda number: record(due_at=number), 10**125, -(10**126), "ValidationException"),
    "message": (message, "x" * 1_048_576, "x" * 1_048_577, "InvalidParameterValue"),
    "empty message": (message, " ", "", "InvalidMessageContents"),
    "character of a message": (
        message,
        "\t\n\r \ud7ff\ue000\ufffd\U0010ffff",
        "\x0b",
        "InvalidMessageContents",
    ),
    "NUL": (message, "\\u0000", "\x00", "InvalidMessageContents"),
    "half a character in a message": (message, "\\ud800", "\ud800", "InvalidMessageContents"),
    "no character": (message, "\ufffd", "\uffff", "InvalidMessageContents"),
    "object key": (stored, "é" * 512, "é" * 512 + "a", "KeyTooLongError"),
    "empty object key": (stored, "a", "", "KeyTooLongError"),
    "half a character in an object key": (stored, "\U0001f600", "\ud83d", "SerializationException"),
}


@pytest.mark.parametrize(("write", "most", "more", "code"), TABLE.values(), ids=TABLE)
def test_the_memory_takes_what_aws_takes_and_refuses_more(
    write: Any, most: Any, more: Any, code: str
) -> None:
    write(most)

    with pytest.raises(Refusal) as refused:
        write(more)
    assert refused.value.code == code


def test_what_no_adapter_could_write_is_an_error_in_memory_too() -> None:
    for value in (1.5, None, {"a": 1}):
        with pytest.raises(TypeError, match="A record can't contain the"):
            record(due_at=value)


@pytest.mark.parametrize(
    "read", [lambda store, key: store.get(key), lambda store, key: store.get_part(key, "a")]
)
def test_the_memory_refuses_to_read_a_key_that_dynamodb_refuses(read: Any) -> None:
    assert read(MemoryStore(), "a") is None

    with pytest.raises(Refusal, match="ValidationException"):
        read(MemoryStore(), "")


def test_the_memory_reads_as_many_records_at_once_as_dynamodb() -> None:
    listing = MemoryListing(MemoryStore())

    assert listing.get_many([ID] * MOST_READ) == []
    with pytest.raises(ValueError, match=r"Cannot read 101 records at once\. Read at most 100"):
        listing.get_many([ID] * (MOST_READ + 1))


def test_our_own_limits_are_within_those_of_aws() -> None:
    assert (batches.MOST_ENTRIES, batches.MOST_BYTES) == (10, 1_048_576)
    assert 1_024 - len("step#") == MOST_KEY_BYTES
    assert timedelta(minutes=15) == LONGEST_DELAY
    assert MESSAGE_LIFE <= aws_limits.QUEUE_RETENTION


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600"])
def test_the_largest_task_that_is_accepted_fits_into_its_message_record_and_parts(character: str) -> None:
    def longest(most_bytes: int) -> str:
        return character * (most_bytes // len(character.encode()))

    enqueued = EnqueuedTask(
        id=ID,
        alias=character * MOST_ALIAS_CHARACTERS,
        name=longest(MOST_NAME_BYTES),
        queue="q" * 30,
        arguments=f'[["{"x" * (PART_BYTES - 9)}"],{{}}]',
        enqueued_at=NOW,
        run_after=NOW,
        owner=longest(MOST_OWNER_BYTES),
        depth=1_000,
        traceparent=f"00-{'1' * 32}-{'2' * 16}-01",
        root=ID,
        options={"max_attempts": 100, "retry_on": ["shop.errors.Error"] * 100},
    )
    keyring = Keyring(["secret"], f"shop:{enqueued.queue}")

    text = encode(TaskMessage(enqueued=enqueued, expires_at=NOW), keyring)

    assert len(enqueued.arguments) == PART_BYTES
    assert decode(text, keyring).enqueued == enqueued
    assert len(text) < aws_limits.FUNCTION_EVENT
    message(text)
    record(**{name: value for name, value in initial_item(enqueued).items() if name != "id"})
    part(ID, ARGUMENTS_PART, enqueued.arguments)
    part(ID, error_part(10**9), "x" * PART_BYTES)
