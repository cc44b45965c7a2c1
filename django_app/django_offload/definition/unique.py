"""The unique key of a task: what of a call says that another call asks for the same work."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from ..compat import InvalidTask
from ..conf import Options
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import load
from .offload_task import AnyTask
from .registry import name_of
from .signatures import signature_of


def with_key(enqueued: EnqueuedTask, task: AnyTask, options: Options) -> EnqueuedTask:
    """
    Return a task with its unique key, or as it is if its `unique` returns None for these arguments.

    Raise InvalidTask if there can be no key.
    """
    if not options.record_at_enqueue:
        raise InvalidTask(
            f"Task {enqueued.name} is unique, and OPTIONS['record_at_enqueue'] of '{options.alias}' is "
            "False. Only a record says whether a task still runs: remove the option, or use another backend."
        )
    unique: Any = task.unique  # type: ignore[attr-defined]
    args, kwargs = load(enqueued.arguments)
    value = key_value(task, unique, args, kwargs) if callable(unique) else call_value(task, args, kwargs)
    if value is None:
        return enqueued
    return replace(enqueued, unique=key_digits(options.stack, enqueued.name, value))


def overlap_key(enqueued: EnqueuedTask, options: Options, schedule: str) -> EnqueuedTask:
    """Return the task of an occurrence with the key of its schedule, so that one is under way at a time."""
    # Four elements, so that it is the text of no task's key.
    text = json.dumps([options.stack, options.alias, schedule, "overlap"])
    return replace(enqueued, unique=sha256(text.encode()).hexdigest()[:32])


def key_digits(stack: str, name: str, value: object) -> str:
    """Return 32 hexadecimal digits of a key. Equal JSON has equal digits, whatever the order of its keys."""
    text = json.dumps([stack, name, value], sort_keys=True, allow_nan=False)
    return sha256(text.encode()).hexdigest()[:32]


def call_value(task: AnyTask, args: list[Any], kwargs: dict[str, Any]) -> object:
    """Return the arguments of a call by the names of their parameters, with the defaults that JSON knows."""
    bound = signature_of(task).bind(*args, **kwargs)
    given = dict(bound.arguments)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name in given or is_json(value)}


def is_json(value: object) -> bool:
    try:
        json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def key_value(
    task: AnyTask, unique: Callable[..., object], args: list[Any], kwargs: Mapping[str, Any]
) -> object:
    """Return what the task's own function makes of the arguments of a call."""
    name = name_of(task)
    try:
        value = unique(*args, **kwargs)
    except Exception as exc:  # noqa: BLE001, a function of the project may raise anything
        reason = type(exc).__name__ if getattr(task, "sensitive", ()) else f"{type(exc).__name__}: {exc}"
        raise InvalidTask(
            f"unique of task {name} raised {reason}. It is called with the task's arguments, as JSON makes "
            "them, and returns the key."
        ) from (None if getattr(task, "sensitive", ()) else exc)
    if value is not None and not is_json(value):
        raise InvalidTask(
            f"unique of task {name} returned a {type(value).__name__}. Return text, a number, or a list or "
            "dictionary of them; or None for a call that needs no key."
        )
    return value
