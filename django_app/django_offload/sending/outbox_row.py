"""An enqueued task as a row of the outbox keeps it."""

import json
from dataclasses import asdict
from typing import Any

from ..protocol.enqueued_task import Birth, Reference, dump, from_micros, to_micros


def pack(birth: Birth) -> str:
    """Return a birth as JSON text, for a row of the outbox."""
    fields = asdict(birth)
    for name in ("enqueued_at", "run_after"):
        fields[name] = to_micros(fields[name]) if fields[name] else None
    return dump(fields)


def unpack(text: str) -> Birth:
    """Return the birth that pack() wrote."""
    fields: dict[str, Any] = json.loads(text)
    for name in ("enqueued_at", "run_after"):
        fields[name] = from_micros(fields[name]) if fields[name] is not None else None
    reference = fields.pop("reference")
    return Birth(**fields, reference=Reference(**reference) if reference else None)
