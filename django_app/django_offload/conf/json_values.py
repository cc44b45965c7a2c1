"""
What JSON can carry, and what to pass instead of the rest.

This is imported only after the fast encoder has refused a value, or has written keys that may not be text.
It is in `conf`, because schedules in TASKS have arguments too.
"""

import dataclasses
import ipaddress
import json
import pathlib
import re
import zoneinfo
from collections import UserString
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from inspect import isawaitable
from io import IOBase
from math import isfinite
from types import ModuleType
from typing import Any
from uuid import UUID

from django.utils.functional import LazyObject, Promise

# Types that a newcomer passes, with the name of each and what to pass. The first that fits counts.
REMEDIES: tuple[tuple[tuple[type, ...], str, str], ...] = (
    (
        (datetime,),
        "a datetime",
        "Pass {0}.isoformat(), and use datetime.fromisoformat() in the task.",
    ),
    ((date,), "a date", "Pass {0}.isoformat(), and use date.fromisoformat() in the task."),
    ((time,), "a time", "Pass {0}.isoformat(), and use time.fromisoformat() in the task."),
    ((timedelta,), "a timedelta", "Pass {0}.total_seconds(), and use timedelta(seconds=...) in the task."),
    ((UUID,), "a UUID", "Pass str({0}), and use UUID() in the task if it needs one."),
    ((Decimal,), "a Decimal", "Pass str({0}), and use Decimal() in the task."),
    ((Fraction,), "a Fraction", "Pass str({0}), and use Fraction() in the task."),
    ((complex,), "a complex number", "Pass [{0}.real, {0}.imag]."),
    ((pathlib.PurePath,), "a path", "Pass str({0}), if workers can read the file there."),
    ((zoneinfo.ZoneInfo,), "a time zone", "Pass {0}.key, and use ZoneInfo() in the task."),
    (
        (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
        "an IP address or network",
        "Pass str({0}).",
    ),
    ((UserString,), "a UserString", "Pass str({0})."),
    ((AbstractSet,), "a set", "Pass list({0})."),
    ((AsyncIterator,), "an asynchronous iterator", "Pass a list: [item async for item in {0}]."),
    ((IOBase,), "an open file", "Write it where workers can read it, and pass its name."),
    ((Iterator,), "an iterator", "Pass list({0})."),
    ((BaseException,), "an exception", "Pass str({0})."),
    ((ModuleType,), "a module", "Pass numbers, text, lists and dictionaries."),
)
BYTES = (bytes, bytearray, memoryview)
# Sequences of which no list is made: of a UserString each item is a UserString again, without an end.
NO_LISTS = (*BYTES, UserString)
# A longer key is cut in a path.
LONGEST_KEY = 40
# Of lists and dictionaries in each other. What reads a value may be nearer to Python's recursion limit than
# what wrote it. A text of arguments has two levels more: [args, kwargs].
MOST_LEVELS = 398
# Of a whole number, as in protocol.json_codec.
MOST_DIGITS = 4_300
# Two halves of a character, of which JSON makes the character.
find_surrogate_pair = re.compile("[\ud800-\udbff][\udc00-\udfff]").search
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
OTHERWISE = "Pass numbers, text, lists and dictionaries that describe it."


class NotJSON(Exception):
    """A value that JSON can't carry: where it is, what it is, and what to pass instead."""

    def __init__(self, path: str, what: str, advice: str) -> None:
        self.path, self.what, self.advice = path, what, advice
        super().__init__(f"{path} is {what}")


def plain(value: Any, name: str) -> Any:
    """
    Return a value that JSON can carry as numbers, text, lists and dictionaries.

    Raise NotJSON for the first value in it that JSON can't carry, which includes bytes and dictionaries with
    other keys than text. Its path begins with `name`: order.items[3].price.
    """
    try:
        return plain_copy(value, name, name, ())
    except RecursionError:
        raise NotJSON(name, "nested too deeply", "Pass a flatter value, or a file's location.") from None


def plain_copy(value: Any, path: str, name: str, outer: tuple[int, ...]) -> Any:
    """Do what plain() does. `name` is the end of the path, and `outer` has the ids of the values around."""
    if issubclass(type(value), LazyObject):
        value = unwrapped(value)
    if isinstance(value, str):
        refuse_surrogate_pair(value, path, name)
        return value
    if value is None:
        return value
    if isinstance(value, int):
        return small_enough(value, path, name)
    if isinstance(value, float):
        if not isfinite(value):
            raise NotJSON(
                path, f"{NOT_FINITE[str(value)]}, which JSON doesn't have", "Pass None instead of it."
            )
        return value
    is_mapping = isinstance(value, Mapping)
    if not is_mapping and (isinstance(value, NO_LISTS) or not isinstance(value, Sequence)):
        raise NotJSON(path, *what_and_remedy(value, name))
    if id(value) in outer:
        raise NotJSON(path, "a value that contains itself", "Pass a copy without the loop.")
    if len(outer) == MOST_LEVELS:
        raise RecursionError
    outer = (*outer, id(value))
    if not is_mapping:
        return [
            plain_copy(item, f"{path}[{index}]", f"{name}[{index}]", outer)
            for index, item in enumerate(value)
        ]
    copy = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotJSON(
                path,
                f"a dictionary with a key of type {type_name(key)}, and JSON makes text of it",
                "Pass a dictionary whose keys are text, or a list of pairs.",
            )
        refuse_surrogate_pair(key, f"a key of {path}", "key")
        step = f"[{key[:LONGEST_KEY]!r}]"
        is_name = key.isidentifier() and len(key) <= LONGEST_KEY
        paths = (f"{path}.{key}", key) if is_name else (path + step, name + step)
        copy[key] = plain_copy(item, *paths, outer)
    return copy


def refuse_surrogate_pair(text: str, path: str, name: str) -> None:
    """Raise NotJSON for a text that JSON gives back as another one."""
    if not text.isascii() and find_surrogate_pair(text):
        raise NotJSON(
            path,
            "a text with the two halves of a surrogate pair, and JSON makes one character of them",
            f'Pass {name}.encode("utf-16", "surrogatepass").decode("utf-16", "replace").',
        )


def refuse_changed(value: Any, read: Any, path: str) -> None:
    """
    Raise NotJSON for the first value that JSON gives back as another one.

    `value` is a value in Django's normal form, and `read` is what its JSON text says.
    """
    if value == read:
        return
    if isinstance(value, dict) and isinstance(read, dict) and value.keys() == read.keys():
        for key, item in value.items():
            refuse_changed(item, read[key], f"{path}[{key[:LONGEST_KEY]!r}]")
    if isinstance(value, list) and isinstance(read, list) and len(value) == len(read):
        for index, item in enumerate(value):
            refuse_changed(item, read[index], f"{path}[{index}]")
    raise NotJSON(path, "a value that JSON gives back as another one", "Pass a value of Python's own types.")


def refuse_shared_keys(value: Any, path: str) -> None:
    """
    Raise NotJSON for the first dictionary in a value in which two keys become one text, such as 1 and "1".

    Raise it too for a whole number that other processes can't read. JSON must be able to carry the value.
    """
    if isinstance(value, Mapping):
        keys: dict[str, Any] = {}
        for key, item in value.items():
            text = key_text(key)
            if text in keys:
                raise NotJSON(
                    path,
                    f"a dictionary in which JSON makes one text of the keys {keys[text]!r} and {key!r}",
                    "Return a dictionary whose keys are text, or a list of pairs.",
                )
            keys[text] = key
            refuse_shared_keys(item, f"{path}[{text[:LONGEST_KEY]!r}]")
    elif isinstance(value, int):
        small_enough(value, path, path)
    elif isinstance(value, Sequence) and not isinstance(value, (str, *BYTES)):
        for index, item in enumerate(value):
            refuse_shared_keys(item, f"{path}[{index}]")


def key_text(key: Any) -> str:
    """Return what JSON makes of a key of a dictionary."""
    if isinstance(key, str) and key.isascii():  # Of two halves of another character JSON makes one.
        return key
    if isinstance(key, bytes):
        return key.decode()
    (text,) = json.loads(json.dumps({key: None}))
    return str(text)


def unwrapped(value: Any) -> Any:
    """Return what a lazy object, such as request.user, stands for."""
    _ = value.__class__  # Evaluates it.
    return value._wrapped


def small_enough(value: int, path: str, name: str) -> int:
    """Return a whole number that Python turns into text. Raise NotJSON for a longer one."""
    try:
        if len(int.__repr__(value).lstrip("-")) <= MOST_DIGITS:
            return value
    except ValueError:
        pass
    raise NotJSON(
        path,
        f"a whole number of more than {MOST_DIGITS:,} digits, the most that Python writes",
        f"Pass hex({name}), and use int(text, 16) in the task.",
    )


def what_and_remedy(value: Any, name: str) -> tuple[str, str]:
    """Return what a value is, and what to pass instead. `name` is what the caller knows it by."""
    # Django's own first, because a QuerySet or a file also looks like something more general.
    found = of_django(value, name) or of_python(value, name)
    if found is not None:
        return found
    for kinds, what, advice in REMEDIES:
        if isinstance(value, kinds):
            return what, advice.format(name)
    what = f"of type {type_name(value)}"
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "tolist"):
        return what, f"Pass {name}.tolist()."
    if library == "pandas" and hasattr(value, "to_dict"):
        return what, f"Pass {name}.to_dict(), or write it to a file and pass its name."
    if hasattr(type(value), "model_dump"):
        return what, f'Pass {name}.model_dump(mode="json").'
    if isinstance(value, Collection):
        return what, f"Pass list({name})."
    return what, OTHERWISE


def of_python(value: Any, name: str) -> tuple[str, str] | None:
    """Do what what_and_remedy() does, for values whose remedy depends on more than their type."""
    if isinstance(value, BYTES):
        return "bytes", f"Pass text: {name}.decode(), or base64.b64encode({name}).decode()."
    if isinstance(value, Enum):
        attribute = "value" if isinstance(value.value, (str, int, float)) else "name"
        return f"a member of the Enum {type_name(value)}", f"Pass {name}.{attribute}."
    if isawaitable(value):
        return "a coroutine or another awaitable", f"Pass its value: await {name}."
    if isinstance(value, type):
        return f"the class {value.__qualname__}", "Pass a name that the task can look up."
    if dataclasses.is_dataclass(value):
        return f"a dataclass ({type_name(value)})", f"Pass dataclasses.asdict({name})."
    if callable(value):
        return "a function or another callable", "Pass a name that the task can look up."
    return None


def of_django(value: Any, name: str) -> tuple[str, str] | None:
    """Do what what_and_remedy() does, for values of Django."""
    from django.core.files.base import File
    from django.db.models import Manager, Model, QuerySet
    from django.db.models.fields.files import FieldFile
    from django.db.models.query import RawQuerySet
    from django.http import HttpRequest

    from ..compat import Task, TaskResult

    if isinstance(value, Model):
        key = f"{name}.pk" if isinstance(value.pk, (int, str, type(None))) else f"str({name}.pk)"
        kind = f"a model instance ({type_name(value)})"
        if value.pk is None or value._state.adding:
            return f"{kind} that isn't saved", f"Pass {key} after {name}.save(), and load it in the task."
        return kind, f"Pass {key}, and load it in the task."
    if isinstance(value, QuerySet) and getattr(value, "_fields", None) is not None:
        return "a QuerySet", f"Pass list({name})."
    if isinstance(value, (QuerySet, Manager)):
        keys = f'list({name}.values_list("pk", flat=True))'
        return f"a {type_name(value)}", f"Pass {keys}, and query them in the task."
    if isinstance(value, RawQuerySet):
        return "a RawQuerySet", f"Pass [instance.pk for instance in {name}], and query them in the task."
    if isinstance(value, Promise):
        return "a lazy string", f"Pass str({name})."
    if isinstance(value, FieldFile):
        return "a file of a model", f"Pass {name}.name, or the primary key of its instance."
    if isinstance(value, File):
        return "a file", f"Pass the name that default_storage.save({name}.name, {name}) returns."
    if isinstance(value, HttpRequest):
        return "a request", f"Pass what the task needs of it, such as {name}.user.pk."
    if isinstance(value, TaskResult):
        return "a task result", f"Pass {name}.id, and use get_result() in the task."
    if isinstance(value, Task):
        return "a task", "Pass a name that the task can look up, and import the other task in its module."
    if value.__class__.__qualname__ == "AnonymousUser":
        return "an AnonymousUser", f"Pass {name}.pk, which is None, and handle that in the task."
    return None


def type_name(value: Any) -> str:
    """Return the name of a value's class. A lazy object has the class of what it stands for."""
    name: str = value.__class__.__qualname__
    return name
