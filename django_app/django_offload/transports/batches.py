"""Batches of messages: as many as SQS takes in one call, and again what it left out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import another_round, begun, made_together
from ..exceptions import LeftOut

# Of one SendMessageBatch, its messages counted together (AWS quotas, 2025).
MOST_ENTRIES = 10
MOST_BYTES = 1_048_576

# Texts by their number, which is the id of their entry.
type Entries = Mapping[int, str]
type Answer = Mapping[str, Any]


def batches(entries: Entries) -> Iterator[dict[int, str]]:
    """Yield entries in batches that SQS takes; every text is ASCII."""
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


def failures_of(
    texts: Sequence[str], begin: Callable[[Entries], Callable[[], Answer]]
) -> Callable[[], list[Exception | None]]:
    """
    Begin to send all texts in batches; return what ends it, with what went wrong with each.

    An entry that SQS left out, by a fault of its own, is sent again in another batch, and only that one.
    """
    failed: dict[int, Exception] = {}
    waiting = _begun(dict(enumerate(texts)), begin)

    def ended() -> list[Exception | None]:
        rounds, left_out = 0, _ended(waiting, failed)
        while left_out and another_round(rounds):
            again = {number: texts[number] for number in left_out}
            for number in again:
                del failed[number]
            rounds, left_out = rounds + 1, _ended(_begun(again, begin), failed)
        return [failed.get(number) for number in range(len(texts))]

    return ended


def _begun(
    entries: Entries, begin: Callable[[Entries], Callable[[], Answer]]
) -> list[tuple[Entries, Callable[[], Answer | Exception]]]:
    with made_together():
        return [(batch, begun(partial(begin, batch))) for batch in batches(entries)]


def _ended(
    waiting: Sequence[tuple[Entries, Callable[[], Answer | Exception]]], failed: dict[int, Exception]
) -> list[int]:
    """Wait for batches, note what failed, and return the numbers of those entries that may be sent again."""
    left_out = []
    for batch, wait in waiting:
        answer = wait()
        if isinstance(answer, Exception):
            # The client has tried again already, where that helps.
            failed.update(dict.fromkeys(batch, answer))
            continue
        for entry in answer.get("Failed", ()):
            number = int(entry["Id"])
            failed[number] = LeftOut("SendMessageBatch", f"{entry['Code']}, {entry.get('Message', '')}")
            if not entry["SenderFault"]:
                left_out.append(number)
    return left_out
