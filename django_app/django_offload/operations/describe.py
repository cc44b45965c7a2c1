"""Describe a record with its arguments and its result, for pages and commands."""

import json
from typing import Any

from ..definition.masking import HIDDEN, are_sensitive
from ..definition.registry import registry
from ..definition.signatures import signature_of
from ..exceptions import PayloadLost, UnknownTask
from ..payloads import fetch, fetch_result
from ..protocol.record import ARGUMENTS_PART, TaskRecord, explain_unreadable
from .find import StoredTask
from .status import attempt_errors, has_own_error, status_of


def describe(stored: StoredTask) -> dict[str, Any]:
    """
    Return the status of a task, its arguments (the sensitive ones hidden), and its result or error.

    The errors of attempts that didn't end the task are "earlier_errors".
    Raise UnreadableRecord if a stored text isn't as django-offload writes it.
    """
    with explain_unreadable(stored.record.enqueued.id):
        return description_of(stored)


def description_of(stored: StoredTask) -> dict[str, Any]:
    record, parts = stored.record, dict(stored.parts)
    lost_result = None
    try:
        parts |= fetch_result(record, stored.options)
        if record.result_part is not None and record.result_part not in parts:
            raise PayloadLost(record.result_part, "gone")
    except PayloadLost as exc:
        lost_result = str(exc)
    status = status_of(record, parts, traceback=True)
    if lost_result is not None:
        status["lost_result"] = lost_result
        status.pop("return_value", None)
    errors = attempt_errors(record, parts)
    earlier = errors[:-1] if has_own_error(record, errors) else errors
    return {
        **status,
        **({"earlier_errors": earlier} if earlier else {}),
        "owner": record.enqueued.owner,
        **({"unique": record.enqueued.unique} if record.enqueued.unique else {}),
        **({} if record.enqueued.tenant is None else {"tenant": record.enqueued.tenant}),
        "worker_ids": record.worker_ids,
        **describe_arguments(stored),
    }


def describe_arguments(stored: StoredTask) -> dict[str, Any]:
    """Return the arguments of a task, the sensitive ones hidden, or the reason why they are lost."""
    enqueued, text = stored.record.enqueued, stored.parts.get(ARGUMENTS_PART)
    try:
        if enqueued.reference is not None:
            text = fetch(enqueued.reference, stored.options)
        elif text is None and not stored.record.inline:
            raise PayloadLost(ARGUMENTS_PART, "gone")
    except PayloadLost as exc:
        return {"lost_arguments": str(exc)}
    args, kwargs = json.loads(text or enqueued.arguments)
    try:
        task = registry().resolve(enqueued.name)
    except UnknownTask:
        # Hide all of them, because only the task says which are sensitive.
        return {"args": [HIDDEN] * len(args), "kwargs": dict.fromkeys(kwargs, HIDDEN)}
    positional, by_name = are_sensitive(task, args, kwargs)
    return {
        "args": [HIDDEN if hidden else value for value, hidden in zip(args, positional, strict=True)],
        "kwargs": {name: HIDDEN if by_name[name] else value for name, value in kwargs.items()},
    }


def parameter_names(record: TaskRecord) -> list[str]:
    """Return the names of the parameters of a task's function. The list is empty if the task is unknown."""
    try:
        return list(signature_of(registry().resolve(record.enqueued.name)).parameters)
    except UnknownTask:
        return []
