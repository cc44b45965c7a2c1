"""Batches of items whose content never changes: a batch takes no condition, so no record is among them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..wire import LeftOut, another_round, begun

# Of one BatchWriteItem, which may have 16 MB: as much as 25 items of ours (DynamoDB quotas, 2025).
MOST_ITEMS = 25

type Item = Mapping[str, Any]
type Begin = Callable[..., Callable[[], Mapping[str, Any]]]


def write_all(table: str, items: Sequence[Item], begin: Begin) -> list[Exception | None]:
    """
    Write items in batches that are under way together; return what went wrong with each, None where written.

    What DynamoDB leaves unprocessed is written again in another batch, and only that.
    """
    failed: dict[int, Exception] = {}
    rounds, left_out = 0, _round(table, dict(enumerate(items)), begin, failed)
    while left_out and another_round(rounds):
        again = {number: items[number] for number in left_out}
        rounds, left_out = rounds + 1, _round(table, again, begin, failed)
    failed |= {number: LeftOut("BatchWriteItem", "it stayed unprocessed") for number in left_out}
    return [failed.get(number) for number in range(len(items))]


def _round(table: str, items: Mapping[int, Item], begin: Begin, failed: dict[int, Exception]) -> list[int]:
    """Write items, note what failed, and return the numbers of those that were left unprocessed."""
    waiting = [
        (batch, begun(partial(begin, RequestItems={table: _puts(batch)}))) for batch in _batches(items)
    ]
    left_out: list[int] = []
    for batch, wait in waiting:
        answer = wait()
        if isinstance(answer, Exception):
            # The client has tried again already, where that helps.
            failed.update(dict.fromkeys(batch, answer))
            continue
        unprocessed = {
            _known(write["PutRequest"]["Item"]) for write in answer.get("UnprocessedItems", {}).get(table, ())
        }
        left_out += [number for number, item in batch.items() if _known(item) in unprocessed]
    return left_out


def _batches(items: Mapping[int, Item]) -> Iterator[dict[int, Item]]:
    numbers = list(items)
    for start in range(0, len(numbers), MOST_ITEMS):
        yield {number: items[number] for number in numbers[start : start + MOST_ITEMS]}


def _puts(batch: Mapping[int, Item]) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": item}} for item in batch.values()]


def _known(item: Item) -> tuple[str, str]:
    """Return what no other item of the table has."""
    return item["id"]["S"], item["part"]["S"]
