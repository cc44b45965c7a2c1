"""
An enqueued task as a row of the outbox keeps it: JSON text, version 1.

A release that adds a field which every reader must know raises the version. Other new fields are ignored by
older releases, and a field that an older release didn't write has its default, as in messages.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from ..exceptions import UnknownVersion
from ..protocol.enqueued_task import EnqueuedTask, Reference
from ..protocol.json_codec import dump, from_micros, to_micros

VERSION = 1

FIELDS = frozenset(field.name for field in fields(EnqueuedTask))
REFERENCE_FIELDS = frozenset(field.name for field in fields(Reference))
INSTANTS = ("enqueued_at", "run_after")


def pack(enqueued: EnqueuedTask) -> str:
    """Return a task as JSON text, for a row of the outbox."""
    row = asdict(enqueued)
    for name in INSTANTS:
        row[name] = to_micros(row[name]) if row[name] else None
    return dump({"v": VERSION, **row})


def unpack(text: str) -> EnqueuedTask:
    """Return the task that pack() wrote. Raise UnknownVersion if a newer release wrote it."""
    row: dict[str, Any] = json.loads(text)
    version = row.get("v", VERSION)  # The first rows have none.
    if version != VERSION:
        raise UnknownVersion(version, "The row of the outbox")
    row = {name: value for name, value in row.items() if name in FIELDS}
    for name in INSTANTS:
        row[name] = from_micros(row[name]) if row.get(name) is not None else None
    if reference := row.get("reference"):
        row["reference"] = Reference(**{name: reference[name] for name in REFERENCE_FIELDS})
    return EnqueuedTask(**row)
