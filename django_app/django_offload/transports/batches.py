"""Batches of messages: as many as one call of SQS takes, and retries of those that SQS left out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import begun, made_together, pause_before_retry
from ..conf import aws_limits
from ..exceptions import LeftOut

# The limits of SendMessageBatch, the second one for all messages together.
MOST_ENTRIES, MOST_BYTES = aws_limits.QUEUE_BATCH, aws_limits.QUEUE_MESSAGE

# Texts by their number, which is the id of their entry.
type Entries = Mapping[int, str]
type Result = Mapping[str, Any]
# Starts the call for a batch, and returns a callable that waits for its result.
type Send = Callable[[Entries], Callable[[], Result]]
type SentBatch = tuple[Entries, Callable[[], Result | Exception]]


def batches(entries: Entries) -> Iterator[dict[int, str]]:
    """Yield the entries in batches that SQS takes; every text is ASCII."""
    batch: dict[int, str] = {}
    size = 0
    for number, text in entries.items():
        if batch and (len(batch) == MOST_ENTRIES or size + len(text) > MOST_BYTES):
            yield batch
            batch, size = {}, 0
        batch[number] = text
        size += len(text)
    if batch:
        yield batch


def send_in_batches(texts: Sequence[str], send: Send) -> Callable[[], list[Exception | None]]:
    """
    Start to send all texts, and return a callable that finishes it.

    It returns an exception for each text that was not sent, and None for the others. If SQS left a text out
    because of its own fault, that text alone is sent again.
    """
    failures: dict[int, Exception] = {}
    sent_batches = start_batches(dict(enumerate(texts)), send)

    def finish() -> list[Exception | None]:
        retries, left_out = 0, finish_batches(sent_batches, failures)
        while left_out and pause_before_retry(retries):
            entries = {number: texts[number] for number in left_out}
            for number in entries:
                del failures[number]
            retries, left_out = retries + 1, finish_batches(start_batches(entries, send), failures)
        return [failures.get(number) for number in range(len(texts))]

    return finish


def start_batches(entries: Entries, send: Send) -> list[SentBatch]:
    with made_together():
        return [(batch, begun(partial(send, batch))) for batch in batches(entries)]


def finish_batches(sent_batches: Sequence[SentBatch], failures: dict[int, Exception]) -> list[int]:
    """Wait for the batches, add to `failures`, and return the numbers of the entries that may be retried."""
    left_out = []
    for batch, wait in sent_batches:
        result = wait()
        if isinstance(result, Exception):
            # The client has already tried again where that helps.
            failures.update(dict.fromkeys(batch, result))
            continue
        for entry in result.get("Failed", ()):
            number = int(entry["Id"])
            failures[number] = LeftOut("SendMessageBatch", f"{entry['Code']}, {entry.get('Message', '')}")
            if not entry["SenderFault"]:
                left_out.append(number)
    return left_out
