"""The keys of OPTIONS, of its queues and schedules, and the options and methods of tasks."""

import dataclasses
import inspect
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django_offload.compat import Task
from django_offload.conf import Options, QueueOptions
from django_offload.conf.queue_options import DURATIONS, INDEXES, QUEUE_BOUNDS, QUEUE_KEYS
from django_offload.conf.schedules import KEYS as SCHEDULE_KEYS
from django_offload.conf.schedules import Recurrence
from django_offload.conf.validation import OPTION_KEYS
from django_offload.definition.context import OffloadContext
from django_offload.definition.offload_task import USING, OffloadTask
from tests.docs.reference.entry import Entry, code
from tests.docs.reference.sentences import comments_of_fields, docstring

# Of the fields, those that only the library itself sets or asks for.
OWN_OF_A_TASK = {"stable_name"}
OWN_OF_THE_CONTEXT = {
    *("reporter", "journal", "owner", "tenant", "tenant_of_children", "depth", "traceparent"),
    *("state", "owner_of_children", "most_enqueues", "enqueues", "budget"),
}
DAY = timedelta(days=1)


def options() -> list[Entry]:
    return of_fields(Options, OPTION_KEYS, required=("stack",))


def queue_options() -> list[Entry]:
    return [
        dataclasses.replace(entry, facts=(*entry.facts, bounds(entry.name)))
        for entry in of_fields(QueueOptions, QUEUE_KEYS)
    ]


def schedule_keys() -> list[Entry]:
    return of_fields(Recurrence, SCHEDULE_KEYS, required=("task", "when"))


def task_options() -> list[Entry]:
    of_django = {field.name for field in dataclasses.fields(Task)}
    names = [
        field.name
        for field in dataclasses.fields(OffloadTask)
        if field.name not in of_django | OWN_OF_A_TASK or field.name == "name"
    ]
    return [
        dataclasses.replace(entry, facts=(*entry.facts, "yes" if entry.name in USING else "no"))
        for entry in of_fields(OffloadTask, names)
    ]


def task_methods() -> list[Entry]:
    own = [name for name, value in vars(OffloadTask).items() if inspect.isfunction(value) and name[0] != "_"]
    return [
        Entry(name=f"{name}()", sentence=docstring(getattr(OffloadTask, name)), place=f"OffloadTask.{name}")
        for name in own
    ]


def context_members() -> list[Entry]:
    return [
        Entry(
            name=f"context.{name}{arguments(value)}",
            sentence=docstring(value),
            place=f"OffloadContext.{name}",
        )
        for name, value in vars(OffloadContext).items()
        if name[0] != "_" and name not in OWN_OF_THE_CONTEXT
    ]


def arguments(value: Any) -> str:
    """Return the arguments of a method as it is called; nothing of a property."""
    if not inspect.isfunction(value):
        return ""
    taken = list(inspect.signature(value).parameters.values())[1:]
    return f"({', '.join(map(argument, taken))})"


def argument(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    if parameter.default is parameter.empty:
        return f"{star}{parameter.name}"
    return f"{parameter.name}={parameter.default!r}"


def of_fields(of: type, names: Sequence[str], required: Sequence[str] = ()) -> list[Entry]:
    """Return an entry for each field, with its default."""
    comments = comments_of_fields(of)
    fields: dict[str, Any] = {field.name: field for field in dataclasses.fields(of)}
    return [
        Entry(
            name=name,
            facts=("required" if name in required else default(fields[name]),),
            sentence=comments.get(name, ""),
            place=f"{of.__module__}.{of.__name__}, above {name}",
        )
        for name in names
    ]


def default(field: "dataclasses.Field[Any]") -> str:
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    match value:
        case dataclasses.MISSING | None | "" | ():
            return ""
        case timedelta():
            return duration(value)
    return code(repr(value).replace("'", '"'))


def duration(value: timedelta) -> str:
    return f"{value // DAY} days" if value >= DAY else f"{value.total_seconds():g} s"


def bounds(name: str) -> str:
    """Return the range of an option of a queue."""
    if name == "index":
        return " or ".join(code(f'"{index}"') for index in INDEXES)
    low, high = QUEUE_BOUNDS[name]
    if name not in DURATIONS:
        return f"{low:,g} to {high:,.0f}"
    return f"{low:g} s to {duration(timedelta(seconds=high))}"
