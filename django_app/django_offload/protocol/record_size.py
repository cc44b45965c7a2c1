"""How much fits into the first KB of a record. Every write bills the record per started KB."""

from collections.abc import Mapping
from typing import Any

from .conditional_write import Attributes, Value
from .enqueued_task import EnqueuedTask
from .json_codec import dump

# The size of one write unit. DynamoDB rounds up.
UNIT_BYTES = 1_024
# Longer arguments become a part beside the record.
INLINE_ARGUMENTS_BYTES = 400
# So do arguments that exceed this together with the other texts of a new record. A claim, the failure of an
# attempt and another claim then fit into the same KB.
INITIAL_TEXT_BYTES = 570
# Space for attributes that are added later: the flag of a cancel, an error's name.
MARGIN_BYTES = 24


def is_short_text(value: object, most_bytes: int) -> bool:
    """Return True if a value is a text that UTF-8 can carry, in at most so many bytes."""
    try:
        return isinstance(value, str) and len(value.encode()) <= most_bytes
    except UnicodeEncodeError:  # It contains half of a surrogate pair.
        return False


def fits_inline(enqueued: EnqueuedTask, listed: bool = False) -> bool:
    """Return True if the record itself contains the arguments. `listed` is as initial_item() takes it."""
    size = len(enqueued.arguments)
    if enqueued.reference is not None or size > INLINE_ARGUMENTS_BYTES:
        return False
    size += len(enqueued.alias) + len(enqueued.name) + len(enqueued.queue)
    size += len(enqueued.owner or "") + len(enqueued.traceparent or "")
    if enqueued.tenant is not None or enqueued.unique is not None:
        size += len("tenantunique") + len(enqueued.tenant or "") + len(enqueued.unique or "")
    size += len(dump(enqueued.options)) if enqueued.options else 0
    size += len(f"listed{enqueued.alias}#63") if listed else 0
    return size <= INITIAL_TEXT_BYTES


def free_bytes(attributes: Attributes) -> int:
    """Return how many bytes a record may grow within its first KB, or a negative number if it is larger."""
    size = len("partrecord")
    for name, value in attributes.items():
        size += len(name) + size_of(value)
    return UNIT_BYTES - MARGIN_BYTES - size


def size_of(value: Value) -> int:
    """Return the bytes of a value by DynamoDB's rules, or the upper bound if the rules give a range."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return (len(str(abs(value))) + 1) // 2 + 2
    size = 3
    for entry in value:
        size += 1 + size_of(entry)
    return size


def truncate(fields: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    """Return `fields` with "message" cut so that all fields have at most `max_bytes` as JSON, if possible."""
    excess = len(dump(fields)) - max_bytes
    if excess <= 0:
        return dict(fields)
    # JSON writes a character that isn't ASCII in 6 or 12 bytes.
    sizes = [len(dump(character)) - 2 for character in fields["message"]]
    remaining, end = max(sum(sizes) - excess, 0), 0
    while sizes[end : end + 1] and sizes[end] <= remaining:
        remaining -= sizes[end]
        end += 1
    return {**fields, "message": fields["message"][:end]}
