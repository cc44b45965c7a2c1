"""
JSON text and instants, as messages and records contain them.

The standard library makes a new encoder for every call, which costs more than encoding a short text.
"""

import json
import json.encoder
import marshal
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from sys import get_int_max_str_digits
from typing import TYPE_CHECKING, Any

from ..compat import normalize_json
from ..exceptions import DeadlineExceeded, InvalidReturnValue

if TYPE_CHECKING:
    from ..conf.json_values import NotJSON

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Return an aware datetime as whole microseconds since 1970 UTC."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return whole microseconds since 1970 UTC as an aware datetime in UTC."""
    return EPOCH + micros * MICROSECOND


def writer(*, item: str, key: str, allow_nan: bool) -> Callable[[Any], str]:
    """
    Return a function that writes a value as ASCII JSON and keeps the order of keys.

    `item` and `key` are the separators. The function raises TypeError for a value that JSON doesn't know and
    RecursionError for one that contains itself, and without `allow_nan` ValueError for NaN and infinity.
    """
    encoder = json.JSONEncoder(check_circular=False, allow_nan=allow_nan, separators=(item, key))
    # Only CPython has an encoder in C.
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    quoted = json.encoder.encode_basestring_ascii
    write = make(None, encoder.default, quoted, None, key, item, False, False, allow_nan)
    return lambda value: "".join(write(value, 0))


_write = writer(item=",", key=":", allow_nan=False)
# Finds a key that may have been a number, True, False or None before it was written.
find_converted_key = re.compile(r'"[-0-9tfn](?:[-+.0-9e]*|rue|alse|ull)":').search
# Finds a character beyond the first 65,536, which JSON writes as two halves, or one of the halves alone.
find_surrogate = re.compile(r"\\ud[89ab]").search
# Of a whole number. Python reads no longer one, unless a process raises its own limit:
# https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
MOST_DIGITS = 4_300
find_long_number = re.compile(rf"(?<!\d)\d{{{MOST_DIGITS + 1}}}").search
_scan = json.JSONDecoder().raw_decode

# Deeper values are refused when they are written. Django and the pages walk through a value with a call for
# each level, and a reader may be nearer to Python's recursion limit (1,000) than the writer was.
MOST_LEVELS = 400
# A string, also one without an end, or anything else than a bracket. It never goes back: linear time.
_other_than_brackets = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[^][{}"]++', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def dump(value: Any) -> str:
    """
    Return a value as compact ASCII JSON, with its keys in their order.

    ASCII, because SQS refuses or changes some Unicode characters (control characters, lone surrogates).
    Raise ValueError for NaN and infinity, TypeError for a value that JSON doesn't know, and RecursionError
    for one that contains itself.
    """
    return _write(value)


def may_lack_items(value: Any, text: str) -> bool:
    """Return True if the encoder may have missed items, which a subclass of dict stores elsewhere."""
    if "{}" not in text:  # What the encoder writes for it.
        return False
    try:
        marshal.dumps(value)  # The fastest walk. It refuses every class that is derived from Python's own.
    except ValueError:
        return True
    return False


def has_long_number(text: str) -> bool:
    """Return True if a JSON text may have a whole number that only this process can read."""
    # Within Python's own limit, the encoder refuses a longer one.
    return not 0 < get_int_max_str_digits() <= MOST_DIGITS and find_long_number(text) is not None


def is_too_deep(text: str, most: int = MOST_LEVELS) -> bool:
    """
    Return True if a JSON text has more than so many lists and dictionaries in each other.

    Of a text that isn't JSON, the part that a parser reads before it finds out counts.
    """
    if text.count("[") + text.count("{") <= most:
        return False
    brackets = _other_than_brackets.sub("", text)
    return any(level > most for level in accumulate(map(_STEPS.__getitem__, brackets)))


def dump_returned(value: Any, what: str) -> str:
    """
    Return as JSON what a task or step (`what`) returned: also bytes and any mapping, as Django does.

    Raise InvalidReturnValue if JSON can't carry it, if it is nested too deeply, or if two of its keys become
    one text, and DeadlineExceeded if the time of the task ends meanwhile.
    """
    if value is None:  # Of most tasks.
        return "null"
    try:
        try:
            # If JSON knows the value, the text is the same without Django's walk through the whole value.
            text = dump(value)
            is_safe = find_converted_key(text) is None and (
                find_surrogate(text) is None or load(text) == value
            )
            if may_lack_items(value, text):
                text, is_safe = dump(normalize_json(value)), False
        except TypeError:
            text, is_safe = dump(normalize_json(value)), False
    except DeadlineExceeded:  # In a step, which runs again then.
        raise
    except Exception as exc:
        raise invalid_return_value(value, what, exc) from exc
    if is_too_deep(text):
        raise InvalidReturnValue(
            what,
            f"return_value is nested more deeply than {MOST_LEVELS} levels",
            "Return a flatter value, or the location of a file.",
        )
    if not is_safe or has_long_number(text):
        from ..conf.json_values import NotJSON, refuse_shared_keys

        try:
            refuse_shared_keys(value, "return_value")
        except NotJSON as exc:
            raise InvalidReturnValue(what, str(exc), advice_of(exc)) from None
    return text


def invalid_return_value(value: Any, what: str, exc: Exception) -> InvalidReturnValue:
    """Return the error for a value that JSON can't carry, with the path in it and what to return instead."""
    # Imported here, because most values are plain.
    from ..conf.json_values import NotJSON, plain
    from ..conf.plain_values import reason

    with suppress(Exception):  # Whatever the value raises when it is looked at.
        try:
            plain(value, "return_value")
        except NotJSON as not_json:
            return InvalidReturnValue(what, str(not_json), advice_of(not_json))
    return InvalidReturnValue(what, reason(exc))


def advice_of(exc: "NotJSON") -> str:
    """Return what to return instead. The rest of the advice is about the task that receives an argument."""
    return exc.advice.replace("Pass ", "Return ", 1).partition(", and ")[0].rstrip(".") + "."


def load(text: str) -> Any:
    """Do what json.loads() does, in a third of the time for a short text without white space around it."""
    try:
        value, end = _scan(text)
    except ValueError:
        return json.loads(text)
    return value if end == len(text) else json.loads(text)
