"""
Hides the values of sensitive arguments in texts: errors, tracebacks, progress and lines of the log.

Only a task with `sensitive` arguments needs this module, so only such a task imports it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import Parameter
from traceback import format_exception, format_tb
from typing import Any
from urllib.parse import quote, quote_plus

from .offload_task import AnyTask
from .signatures import signature_of

HIDDEN = "********"
# A shorter text is a part of many words, so its replacement would garble a text without hiding the value.
SHORTEST = 6
# Python and libraries cut long values. A text that has this much of the beginning of a value shows too much.
LONGEST_HEAD = 32
# A text of these characters is written alike everywhere.
same_everywhere = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
SEQUENCES = (list, tuple, set, frozenset)
# Bounds for large values, because an attempt that reached its deadline has two seconds to store its error.
MOST_LINES, MOST_TWICE_ESCAPED = 1_000, 10_000


class Mask:
    """Replaces values by asterisks wherever a text contains one, whole or cut."""

    __slots__ = ("complete", "forms")

    def __init__(self, values: Iterable[Any]) -> None:
        self.complete = True  # False if a value is too short to be found in a text.
        forms: dict[str, None] = {}
        for value in values:
            for leaf in leaves(value):
                # An exception group indents each line of a message, so each must be long enough.
                lines = [line.strip() for line in leaf.splitlines()]
                self.complete &= all(len(line) >= SHORTEST for line in lines if line)
                forms |= dict.fromkeys(spellings(leaf))
            for key in keys(value):
                forms |= dict.fromkeys(spellings(key))
        self.forms = [form for form in forms if len(form) >= SHORTEST and not form.isspace()]

    def __call__(self, text: str) -> str:
        """Return the text without the values, also if they overlap or only their beginning is left."""
        spans = sorted(span for form in self.forms for span in occurrences(form, text))
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            if start > end or not parts:
                parts += [text[end:start], HIDDEN]
            end = max(end, stop)
        return "".join([*parts, text[end:]])

    def traceback(self, exc: BaseException) -> str:
        """
        Return the traceback of an exception for a log, where nobody's permissions are checked.

        If a value is too short to be found, the message is left out.
        """
        if self.complete:
            return self("".join(format_exception(exc)))
        frames = "".join(format_tb(exc.__traceback__))
        return self(f"Traceback (most recent call last):\n{frames}{type(exc).__qualname__}\n")


def sensitive_values(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values of the sensitive arguments, and the defaults of those that weren't given."""
    positional, by_name = are_sensitive(task, args, kwargs)
    yield from (value for value, hidden in zip(args, positional, strict=True) if hidden)
    yield from (value for name, value in kwargs.items() if by_name[name])
    parameters = signature_of(task).parameters
    given = {*list(parameters)[: len(args)], *kwargs}
    for name in sensitive_names(task) - given:
        default = parameters[name].default if name in parameters else Parameter.empty
        if default is not Parameter.empty:
            yield default


def sensitive_names(task: AnyTask) -> set[str]:
    return set(getattr(task, "sensitive", ()))


def are_sensitive(
    task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[bool], dict[str, bool]]:
    """
    Return of each positional and each keyword argument whether it is sensitive.

    If the function doesn't take the arguments any more, all of them are, because only the code that enqueued
    them knows which is which.
    """
    sensitive, signature = sensitive_names(task), signature_of(task)
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return [bool(sensitive)] * len(args), dict.fromkeys(kwargs, bool(sensitive))
    of_kind: dict[Any, list[str]] = {}
    for name, parameter in signature.parameters.items():
        of_kind.setdefault(parameter.kind, []).append(name)
    names = of_kind.get(Parameter.POSITIONAL_ONLY, []) + of_kind.get(Parameter.POSITIONAL_OR_KEYWORD, [])
    names += of_kind.get(Parameter.VAR_POSITIONAL, []) * (len(args) - len(names))
    by_keyword = {*names, *of_kind.get(Parameter.KEYWORD_ONLY, [])}
    others_are = not sensitive.isdisjoint(of_kind.get(Parameter.VAR_KEYWORD, []))
    return (
        [name in sensitive for name in names[: len(args)]],
        {name: name in sensitive if name in by_keyword else others_are for name in kwargs},
    )


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts of the values inside a value. None and blank texts have nothing to hide."""
    for inner in walk(value):
        if inner is not None and not isinstance(inner, (Mapping, *SEQUENCES)):
            text = text_of(inner)
            if text.strip():
                yield text


def keys(value: Any) -> Iterator[str]:
    """Yield the keys of the dictionaries inside a value. A short key is taken for the name of a field."""
    for inner in walk(value):
        if isinstance(inner, Mapping):
            yield from map(text_of, inner)


def walk(value: Any) -> Iterator[Any]:
    """Yield a value and all values inside it, without recursion, because JSON may be nested deeply."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        yield inner
        if isinstance(inner, Mapping):
            waiting.extend(inner.values())
        elif isinstance(inner, SEQUENCES):
            waiting.extend(inner)


def text_of(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001, the default of a parameter may be an object of any class
        return "?"


def spellings(text: str) -> Iterator[str]:
    """Yield a text and its lines, and how repr(), JSON and URLs write them, also a second time."""
    yield text
    yield text.strip()
    if same_everywhere(text):
        return
    for once in escaped(text):
        yield once
        if len(text) <= MOST_TWICE_ESCAPED:
            yield from escaped(once)
    lines = text.splitlines()
    # An exception group and a debugger indent the lines of a message.
    for line in lines[:MOST_LINES] if len(lines) > 1 else ():
        yield line.strip()
        yield from escaped(line.strip())


def escaped(text: str) -> Iterator[str]:
    """Yield a text as repr(), ascii(), JSON and URLs write it."""
    data = text.encode("utf-8", "surrogatepass")
    # Python escapes an apostrophe only beside a quotation mark, which the text around the value may contain.
    for beside in ("", '"'):
        yield repr(beside + text)[1 + len(beside) : -1]
        yield ascii(beside + text)[1 + len(beside) : -1]
        yield repr(beside.encode() + data)[2 + len(beside) : -1]
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield quote(data)
    yield quote(data, safe="")
    yield quote_plus(data)


def occurrences(form: str, text: str) -> Iterator[tuple[int, int]]:
    """
    Yield from where to where a text contains a form, or at least half of its beginning (32 characters).

    This is the search of Knuth, Morris and Pratt: every character is looked at once, whatever repeats itself.
    """
    least = max(SHORTEST, min(len(form) // 2, LONGEST_HEAD))
    start = text.find(form[:least])
    if start < 0:
        return
    # The part of the form that the text may contain, and for each length of it, its longest proper beginning
    # that is its end too.
    form = form[: len(text)]
    borders = [0, 0]
    for character in form[1:]:
        border = borders[-1]
        while border and form[border] != character:
            border = borders[border]
        borders.append(border + 1 if form[border] == character else 0)
    matched = 0
    for position in range(start, len(text)):
        while matched and (matched == len(form) or form[matched] != text[position]):
            if matched >= least:
                yield position - matched, position
            matched = borders[matched]
        matched += form[matched] == text[position]
    if matched >= least:
        yield len(text) - matched, len(text)
