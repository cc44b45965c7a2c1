"""
An enqueued task as a row of the outbox keeps it: JSON text, version 1, 2 if it has a root, or 3
if it has a unique key.

A release that adds a field which every reader must know raises the version. Other new fields are ignored by
older releases, and a field that an older release didn't write has its default, as in messages.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from types import NoneType
from typing import Any

from ..exceptions import UnknownVersion
from ..protocol.enqueued_task import REFERENCE_TYPES, EnqueuedTask, Reference, is_id
from ..protocol.json_codec import dump, from_micros, to_micros
from .start_time import FIRST_YEAR, LAST_YEAR

VERSION = 3  # The latest.

# What JSON makes of each field of an enqueued task.
TYPES: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "alias": (str,),
    "name": (str,),
    "queue": (str,),
    "arguments": (str,),
    "reference": (dict, NoneType),
    "enqueued_at": (int,),
    "run_after": (int, NoneType),
    "owner": (str, NoneType),
    "depth": (int,),
    "traceparent": (str, NoneType),
    "root": (str, NoneType),
    "tenant": (str, NoneType),
    "unique": (str, NoneType),
    "options": (dict,),
}
REQUIRED = ("id", "alias", "name", "queue", "arguments", "enqueued_at")
INSTANTS = ("enqueued_at", "run_after")
TEXTS = ("alias", "name", "queue", "owner", "traceparent", "tenant")


def pack(enqueued: EnqueuedTask) -> str:
    """Return a task as JSON text, for a row of the outbox."""
    row = asdict(enqueued)
    for name in INSTANTS:
        row[name] = to_micros(row[name]) if row[name] else None
    for name in ("root", "tenant", "unique"):  # Earlier releases read the row, too.
        if row[name] is None:
            del row[name]
    return dump({"v": 3 if "unique" in row else 2 if "root" in row else 1, **row})


def unpack(text: str) -> EnqueuedTask:
    """
    Return the task that pack() wrote.

    Raise UnknownVersion if a newer release wrote it, and ValueError or TypeError for anything else: what is
    sent from it is signed, and no worker could read it.
    """
    row: dict[str, Any] = json.loads(text)
    version = row.get("v", 1)  # The first rows have none.
    if version not in range(1, VERSION + 1):
        raise UnknownVersion(version, "The row of the outbox")
    row = known_fields(row, TYPES, REQUIRED)
    if not all(is_id(row.get(name) or row["id"]) for name in ("id", "root", "unique")):
        raise ValueError("id, root or unique isn't 32 hexadecimal digits")
    for name in INSTANTS:
        row[name] = from_micros(row[name]) if row.get(name) is not None else None
        if row[name] is not None and not FIRST_YEAR < row[name].year < LAST_YEAR:
            raise ValueError(f"{name} is in a year with which nothing can be computed")
    dump(row.get("options"))  # It raises ValueError for a number that JSON doesn't know.
    for name in TEXTS:
        (row.get(name) or "").encode()  # It raises ValueError for half a character, which AWS takes nowhere.
    if (reference := row.get("reference")) is not None:
        row["reference"] = Reference(**known_fields(reference, REFERENCE_TYPES, tuple(REFERENCE_TYPES)))
    arguments = json.loads(row["arguments"])
    args, kwargs = arguments
    if not isinstance(args, list) or not isinstance(kwargs, dict) or dump(arguments) != row["arguments"]:
        raise ValueError("arguments isn't the JSON of [args, kwargs] as this library writes it")
    return EnqueuedTask(**row)


def known_fields(
    row: Mapping[str, Any], types: Mapping[str, tuple[type, ...]], required: tuple[str, ...]
) -> dict[str, Any]:
    """Return the fields that this release knows. Raise ValueError if one is missing or has a wrong type."""
    wrong = [name for name in required if name not in row]
    wrong += [name for name in types if name in row and type(row[name]) not in types[name]]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} is missing or has a wrong type")
    return {name: row[name] for name in types if name in row}
