"""Every text that differs from a signed message in one place."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django_offload.exceptions import MessageRefused
from django_offload.protocol.enqueued_task import EnqueuedTask, Reference
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import Keyring, TaskMessage, decode, encode

KEYS = Keyring(["secret"], "shop:default")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SMALL = EnqueuedTask(
    id="0123456789abcdef" * 2,
    alias="default",
    name="shop.tasks.send",
    queue="default",
    arguments=dump([[1, "\u00fc"], {"to": None}]),
    enqueued_at=NOW,
)
LARGE = replace(
    SMALL, reference=Reference(key=f"payloads/{SMALL.id}/arguments", sha256="0f" * 32, size=300_001)
)
FULL = replace(
    SMALL,
    run_after=NOW + timedelta(hours=1),
    owner="user:1",
    depth=3,
    traceparent=f"00-{'0af7651916cd43dd' * 2}-b7ad6b7169203331-01",
    options={"timeout": 20, "max_attempts": 5, "priority": -1},
)
MESSAGES = {
    name: encode(TaskMessage(enqueued=enqueued, expires_at=NOW + timedelta(days=7)), KEYS)
    for name, enqueued in {"small": SMALL, "with a reference": LARGE, "with every field": FULL}.items()
}
# A byte of a message is ASCII. A byte beyond arrives as the character that Latin-1 has for it.
EVERY_BYTE = [chr(byte) for byte in range(256)]
# What a forger would put in: a digit, a letter, what JSON is made of, what ends a text, what looks alike.
TELLING = [*'0aA"\\{}[],: ', "\n", "\0", "\x7f", "\u0430", "\ud800", "\uff10"]


def flipped(text: str) -> Iterator[str]:
    """Yield the text with each bit of each byte flipped."""
    for position, character in enumerate(text):
        for bit in range(8):
            yield f"{text[:position]}{chr(ord(character) ^ (1 << bit))}{text[position + 1 :]}"


def forgeries(text: str, characters: Iterable[str]) -> Iterator[str]:
    """Yield the text with each byte replaced, deleted or doubled, and with these characters at each place."""
    yield from flipped(text)
    for position in range(len(text) + 1):
        before, after = text[:position], text[position:]
        for character in characters:
            yield f"{before}{character}{after}"
            yield f"{before}{character}{after[1:]}"
        yield f"{before}{after[1:]}"
        yield f"{before}{after[:1]}{after}"
        yield f"{before}{after[1:2]}{after[:1]}{after[2:]}"
        yield before
        yield after


def accepted(text: str, forged: Iterable[str]) -> tuple[int, list[str]]:
    """Return how many texts differ from the message, and those of them that are accepted all the same."""
    count, found = 0, []
    for each in forged:
        if each == text:
            continue
        count += 1
        try:
            decode(each, KEYS)
        except MessageRefused:
            continue
        found.append(each)
    return count, found
