"""What a write costs in DynamoDB, computed from an item before and after it: moto always says 1."""

import math
from collections.abc import Sequence
from typing import Any

from django_offload.protocol.record import PROJECTED
from django_offload.stores.listing import DUE, HISTORY, SHARDED_HISTORY

UNIT = 1024  # Bytes that one write unit pays for, begun ones counted whole.
KEYS = {index.name: (index.partition, index.instant) for index in (DUE, HISTORY, SHARDED_HISTORY)}

type Item = dict[str, dict[str, Any]]


def size(value: dict[str, Any]) -> int:
    """Return the bytes of a value by DynamoDB's rules, rounded up where they leave a range."""
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return math.ceil(len(content.strip("-")) / 2) + 2
    if kind == "BOOL":
        return 1
    return 3 + sum(1 + size(entry) for entry in content)


def item_size(item: Item | None) -> int:
    return sum(len(name.encode()) + size(value) for name, value in (item or {}).items())


def entry(item: Item | None, index: str) -> Item | None:
    """
    Return what an index holds of an item; None where it holds nothing.

    That is its own keys, the table's, and what the template has it include.
    """
    held = (*KEYS[index], "id", "part", *PROJECTED)
    found = {name: value for name, value in (item or {}).items() if name in held}
    return found if all(key in found for key in KEYS[index]) else None


def units(before: Item | None, after: Item | None, indexes: Sequence[str] = (DUE.name,)) -> int:
    """Return what one write costs: the larger of both items, and what changes in each of these indexes."""
    base = max(math.ceil(max(item_size(before), item_size(after)) / UNIT), 1)
    return base + sum(
        entry_units(entry(before, index), entry(after, index), KEYS[index]) for index in indexes
    )


def entry_units(was: Item | None, is_: Item | None, keys: tuple[str, str]) -> int:
    """Return what an index costs: nothing, a write in its place, or one for each of the old and the new."""
    if was == is_:
        return 0
    if was and is_ and all(was[key] == is_[key] for key in keys):
        return math.ceil(max(item_size(was), item_size(is_)) / UNIT)
    return sum(math.ceil(item_size(found) / UNIT) for found in (was, is_))
