"""The first KB of a record, which every write of it bills: what fits into it. Pure."""

from collections.abc import Mapping
from typing import Any

from .conditional_write import Attributes, Value
from .enqueued_task import EnqueuedTask
from .json_codec import dump

# What one write unit pays for; begun ones are counted whole.
UNIT_BYTES = 1_024
# Arguments of more than this are kept beside the record …
INLINE_ARGUMENTS_BYTES = 400
# … and so are those that with the other texts of a birth come to more than this: a claim, the failure of an
# attempt and another claim then fit into the same KB.
BIRTH_TEXT_BYTES = 600
# For what may come to a record meanwhile: the flag of a cancel, an error's name.
MARGIN_BYTES = 24


def fits_inline(enqueued: EnqueuedTask) -> bool:
    """Tell whether the arguments stand in the record itself."""
    size = len(enqueued.arguments)
    if enqueued.reference is not None or size > INLINE_ARGUMENTS_BYTES:
        return False
    texts = len(enqueued.alias) + len(enqueued.name) + len(enqueued.queue)
    texts += len(enqueued.owner or "") + len(enqueued.traceparent or "")
    texts += len(dump(enqueued.options)) if enqueued.options else 0
    return size + texts <= BIRTH_TEXT_BYTES


def free_bytes(attributes: Attributes) -> int:
    """Return how many bytes a record may still grow by within its first KB; below 0 if it is larger."""
    taken = len("partrecord")
    for name, value in attributes.items():
        taken += len(name) + _size(value)
    return UNIT_BYTES - MARGIN_BYTES - taken


def _size(value: Value) -> int:
    """Return the bytes of a value by DynamoDB's rules, rounded up where they leave a range."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return (len(str(abs(value))) + 1) // 2 + 2
    size = 3
    for entry in value:
        size += 1 + _size(entry)
    return size


def truncate(said: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return `said` with its message cut, as far as that helps, so that it has `most` bytes as JSON."""
    over = len(dump(said)) - most
    if over <= 0:
        return dict(said)
    # JSON writes what is not ASCII in six bytes or twelve.
    sizes = [len(dump(character)) - 2 for character in said["message"]]
    left, end = max(sum(sizes) - over, 0), 0
    while sizes[end : end + 1] and sizes[end] <= left:
        left -= sizes[end]
        end += 1
    return {**said, "message": said["message"][:end]}
