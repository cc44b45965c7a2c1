"""The unique key of a task: what of a call says that another call asks for the same work."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from inspect import Parameter, signature
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
    value = own_value(task, unique, args, kwargs) if callable(unique) else call_value(task, args, kwargs)
    if value is None:
        return enqueued
    return replace(enqueued, unique=key_digits(options.stack, enqueued.name, value))


def overlap_key(enqueued: EnqueuedTask, options: Options, schedule: str) -> EnqueuedTask:
    """Return the task of an occurrence with the key of its schedule, so that one is under way at a time."""
    # Four elements, so that it is the text of no task's key.
    return replace(enqueued, unique=key_digits(options.stack, options.alias, schedule, "overlap"))


def key_digits(stack: str, *value: object) -> str:
    """Return 32 hexadecimal digits of a key. Equal JSON has equal digits, whatever the order of its keys."""
    text = json.dumps([stack, *value], sort_keys=True, allow_nan=False)
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


def own_value(
    task: AnyTask, unique: Callable[..., object], args: list[Any], kwargs: dict[str, Any]
) -> object:
    """Return what the task's own function makes of the arguments of a call."""
    name, is_sensitive = name_of(task), bool(getattr(task, "sensitive", ()))
    try:
        value = call_by_name(task, unique, args, kwargs)
    except Exception as exc:  # noqa: BLE001, a function of the project may raise anything
        reason = type(exc).__name__ if is_sensitive else f"{type(exc).__name__}: {exc}"
        raise InvalidTask(
            f"unique of task {name} raised {reason}. It is called with the arguments that it names, as JSON "
            "makes them, and returns the key."
        ) from (None if is_sensitive else exc)
    if value is not None and not is_json(value):
        raise InvalidTask(
            f"unique of task {name} returned a {type(value).__name__} that JSON can't carry. Return text, a "
            "number, or a list or dictionary of them; or None for a call that needs no key."
        )
    return value


def call_by_name(
    task: AnyTask, unique: Callable[..., object], args: list[Any], kwargs: dict[str, Any]
) -> object:
    """
    Call a function with those arguments of a task's call that it names, however the call passes them.

    One that has positional parameters without names, such as *args, is called as the task is.
    """
    parameters = signature(unique).parameters.values()
    if takes_positions(parameters):
        return unique(*args, **kwargs)
    bound = signature_of(task).bind(*args, **kwargs)
    bound.apply_defaults()
    named: dict[str, Any] = {}
    for parameter in signature_of(task).parameters.values():
        value = bound.arguments[parameter.name]
        named |= value if parameter.kind is Parameter.VAR_KEYWORD else {parameter.name: value}
    if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        wanted = {parameter.name for parameter in parameters}
        named = {name: value for name, value in named.items() if name in wanted}
    return unique(**named)


def takes_positions(parameters: Iterable[Parameter]) -> bool:
    """Return True if some parameters of a function can't be passed by their names."""
    return any(
        parameter.kind in {Parameter.VAR_POSITIONAL, Parameter.POSITIONAL_ONLY} for parameter in parameters
    )


def strange_parameters(task: AnyTask, unique: Callable[..., object]) -> list[str]:
    """Return the parameters that a task's own function needs, and that the task doesn't have."""
    known = signature_of(task).parameters
    parameters = signature(unique).parameters.values()
    if takes_positions(parameters) or any(one.kind is Parameter.VAR_KEYWORD for one in known.values()):
        return []  # Only a call says whether they fit.
    return [
        one.name
        for one in parameters
        if one.kind is not Parameter.VAR_KEYWORD and one.default is Parameter.empty and one.name not in known
    ]
