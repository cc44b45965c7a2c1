"""What a write costs in DynamoDB, computed from an item before and after it: moto always says 1."""

import math
from typing import Any

UNIT = 1024  # Bytes that one write unit pays for, begun ones counted whole.
INDEX_KEYS = ("due_shard", "due_at")

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


def entry(item: Item | None) -> tuple[Any, ...] | None:
    """Return what the sparse index, of keys only, holds of an item; None where it holds nothing."""
    keys = tuple((item or {}).get(key) for key in INDEX_KEYS)
    return None if None in keys else keys


def units(before: Item | None, after: Item | None) -> int:
    """Return what one write costs: the larger of both items, and the index's entries that go and come."""
    base = max(math.ceil(max(item_size(before), item_size(after)) / UNIT), 1)
    was, is_ = entry(before), entry(after)
    return base if was == is_ else base + (was is not None) + (is_ is not None)
