"""A record and what stands beside it, as pages and commands show them."""

import json
from typing import Any

from ..definition.offload_task import AnyTask, OffloadTask
from ..definition.registry import registry
from ..definition.signatures import signature_of
from ..exceptions import PayloadLost, UnknownTask
from ..payloads import fetch, fetch_result
from ..protocol.record import ARGUMENTS_PART, TaskRecord
from .find import StoredTask
from .status import status_of

HIDDEN = "********"


def described(found: StoredTask) -> dict[str, Any]:
    """Return all that a record tells: its status, arguments (sensitive ones hidden), result or error."""
    record, parts = found.record, dict(found.parts)
    lost = None
    try:
        parts |= fetch_result(record, found.options)
        if record.result_part is not None and record.result_part not in parts:
            raise PayloadLost(record.result_part, "gone")
    except PayloadLost as exc:
        lost = str(exc)
    status = status_of(record, parts, traceback=True)
    if lost is not None:
        status["lost_result"] = lost
        status.pop("return_value", None)
    return {
        **status,
        "owner": record.enqueued.owner,
        "worker_ids": record.worker_ids,
        **_arguments(found),
    }


def _arguments(found: StoredTask) -> dict[str, Any]:
    """Return the arguments of a record, those that its task calls sensitive hidden; or where they went."""
    enqueued, text = found.record.enqueued, found.parts.get(ARGUMENTS_PART)
    try:
        if enqueued.reference is not None:
            text = fetch(enqueued.reference, found.options)
        elif text is None and not found.record.inline:
            raise PayloadLost(ARGUMENTS_PART, "gone")
    except PayloadLost as exc:
        return {"lost_arguments": str(exc)}
    args, kwargs = json.loads(text or enqueued.arguments)
    try:
        task = registry().resolve(enqueued.name)
    except UnknownTask:
        # Which of them are sensitive, nobody knows any more.
        return {"args": [HIDDEN] * len(args), "kwargs": dict.fromkeys(kwargs, HIDDEN)}
    sensitive = set(task.sensitive) if isinstance(task, OffloadTask) else set()
    names = _names(task)
    shown = [HIDDEN if name in sensitive else value for name, value in zip(names, args, strict=False)]
    return {
        "args": shown + [HIDDEN if sensitive else value for value in args[len(names) :]],
        "kwargs": {name: HIDDEN if name in sensitive else value for name, value in kwargs.items()},
    }


def parameters(record: TaskRecord) -> list[str]:
    """Return the names of what a task's function takes, as far as a declared module defines it."""
    try:
        return _names(registry().resolve(record.enqueued.name))
    except UnknownTask:
        return []


def _names(task: AnyTask) -> list[str]:
    return list(signature_of(task).parameters)
