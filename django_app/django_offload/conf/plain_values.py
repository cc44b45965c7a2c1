"""The values of settings as plain data, whatever was put there, and as messages show them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from reprlib import Repr
from typing import Any

from ..logs.escaping import one_line, printable

# No option is nested more deeply than the arguments of a schedule, which are left as they are.
MOST_LEVELS = 20
# The values that no code of a project can change.
PLAIN = (str, bool, int, float, bytes, timedelta, type(None))
# Only schedules have these keys. Messages describe their values, which therefore stay as they are.
ARGUMENTS = ("args", "kwargs")

_repr = Repr(maxstring=200, maxother=200, maxlong=40)


class Unusable:
    """Stands for a value that no option takes, and that may raise whatever it is asked."""

    __slots__ = ("description",)

    def __init__(self, description: str) -> None:
        self.description = description

    def __repr__(self) -> str:
        return self.description


def plain(value: Any, levels: int = MOST_LEVELS) -> Any:
    """
    Return a copy of a setting that has only plain values and collections.

    Subclasses of text and numbers become what they extend, other mappings dictionaries, and everything else
    becomes Unusable, so that no value can raise when it is compared or shown.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if levels == 0:
        return Unusable("a value that is nested too deeply")
    with suppress(Exception, SystemExit):  # A project's own class may raise anything.
        if issubclass(kind, Mapping):
            items = dict.items(value) if issubclass(kind, dict) else value.items()
            return {
                plain_key(key): item if key in ARGUMENTS else plain(item, levels - 1) for key, item in items
            }
        # By the methods of the base class, because a subclass may override them.
        collections: tuple[Any, ...] = (list, tuple, set, frozenset)
        for collection in collections:
            if issubclass(kind, collection):
                values = [plain(item, levels - 1) for item in collection.__iter__(value)]
                return tuple(values) if collection is tuple else values
        copies: tuple[tuple[type, Any], ...] = (
            (str, str.__str__),
            (int, int.__int__),
            (float, float.__float__),
            (timedelta, timedelta.__pos__),
        )
        for base, copy in copies:
            if issubclass(kind, base):
                return copy(value)
    return Unusable(f"a value of type {type_name(kind)}")


def plain_key(key: Any) -> Any:
    return key if type(key) in PLAIN else plain(key) if issubclass(type(key), str) else Unusable(shown(key))


def type_name(kind: type) -> str:
    return printable(str(type.__dict__["__qualname__"].__get__(kind)))


def shown(value: object) -> str:
    """Return the repr of a value, shortened if it is long or deep. Lone surrogates are escaped."""
    try:
        return printable(_repr.repr(value))
    except (Exception, SystemExit):  # noqa: BLE001, also an integer with more digits than Python writes
        return f"a value of type {type_name(type(value))}"


def reason(exc: BaseException) -> str:
    """Return the class and the text of an exception on one line. A project's class may have no text."""
    name = type_name(type(exc))
    try:
        text = str(exc)
    except (Exception, SystemExit):  # noqa: BLE001, the same as above
        return name
    return shortened(one_line(f"{name}: {text}" if text else name)).rstrip(".")


def shortened(text: str, longest: int = 500) -> str:
    """Return a text, without its middle if it is long."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-longest // 2 :]}"


def decodes_text(charset: str) -> bool:
    """Return True if a charset decodes any bytes to text. Python has codecs that don't, such as hex."""
    try:
        bytes(range(256)).decode(charset, "replace")
    except (LookupError, ValueError):  # One of them is UnicodeError.
        return False
    return True
