"""An enqueued task as a row of the outbox keeps it."""

import json
from dataclasses import asdict
from typing import Any

from ..protocol.enqueued_task import EnqueuedTask, Reference
from ..protocol.json_codec import dump, from_micros, to_micros


def pack(enqueued: EnqueuedTask) -> str:
    """Return a birth as JSON text, for a row of the outbox."""
    fields = asdict(enqueued)
    for name in ("enqueued_at", "run_after"):
        fields[name] = to_micros(fields[name]) if fields[name] else None
    return dump(fields)


def unpack(text: str) -> EnqueuedTask:
    """Return the birth that pack() wrote."""
    fields: dict[str, Any] = json.loads(text)
    for name in ("enqueued_at", "run_after"):
        fields[name] = from_micros(fields[name]) if fields[name] is not None else None
    reference = fields.pop("reference")
    return EnqueuedTask(**fields, reference=Reference(**reference) if reference else None)
