"""What a write costs in DynamoDB, computed from an item before and after it: moto always says 1."""

import math
from typing import Any

from django_offload.protocol.record import NEVER_CHANGED

UNIT = 1024  # Bytes that one write unit pays for, begun ones counted whole.
INDEX_KEYS = ("due_shard", "due_at")
# What the index holds of an item: its own keys, the table's, and what the template has it include.
HELD = (*INDEX_KEYS, "id", "part", *NEVER_CHANGED)

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


def entry(item: Item | None) -> Item | None:
    """Return what the sparse index holds of an item; None where it holds nothing."""
    found = {name: value for name, value in (item or {}).items() if name in HELD}
    return found if all(key in found for key in INDEX_KEYS) else None


def units(before: Item | None, after: Item | None) -> int:
    """Return what one write costs: the larger of both items, and the index's entries that go and come."""
    base = max(math.ceil(max(item_size(before), item_size(after)) / UNIT), 1)
    was, is_ = entry(before), entry(after)
    return base if was == is_ else base + sum(math.ceil(item_size(found) / UNIT) for found in (was, is_))
