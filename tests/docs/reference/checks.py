"""The system checks: each id, what it says, and what to do."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import LIBRARY, comment_at, modules, tree_of

ID = re.compile(r"(?:django_offload\.)?(?P<id>[EWI]\d{3})")
LEVELS = {"E": "error", "W": "warning", "I": "info"}
# What is called to make one, of Django or of conf/validation.py.
MAKERS = {"Problem", "Error", "Warning", "Info"}
OR = " Or: "


class Message(NamedTuple):
    """What one place in the code says under an id."""

    id: str
    text: str  # Empty if the code doesn't spell it out.
    comment: str
    hint: str
    place: str


def ids() -> set[str]:
    """Return every id that the library's code names."""
    return {
        found["id"]
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and (found := ID.fullmatch(str(node.value)))
    }


@cache
def checks() -> list[Entry]:
    """Return an entry for each id. A text that only the moment knows is told by the comment above it."""
    by_id: dict[str, list[Message]] = defaultdict(list)
    for message in messages():
        by_id[message.id].append(message)
    return [check(name, by_id[name]) for name in sorted(ids(), key=lambda name: (name[1:], name[0]))]


def check(name: str, found: list[Message]) -> Entry:
    texts = [message.text for message in found if message.text] or [message.comment for message in found]
    hints = [message.hint for message in found if message.hint] or ["Do what its hint says."]
    return Entry(
        name=f"django_offload.{name}",
        facts=(LEVELS[name[0]],),
        sentence=OR.join(dict.fromkeys(texts)),
        advice=OR.join(dict.fromkeys(hints)),
        place=", ".join(message.place for message in found) or "no call makes it",
    )


def messages() -> Iterator[Message]:
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS:
                yield from message(path, node)


def message(path: Path, call: ast.Call) -> Iterator[Message]:
    """Yield what a call says, if it has an id of ours."""
    named = {word.arg: word.value for word in call.keywords}
    name, text, hint = (
        call.args if len(call.args) == 3 else [named.get("id"), *call.args[:1], named.get("hint")]
    )
    found = ID.fullmatch(str(name.value)) if isinstance(name, ast.Constant) else None
    if found:
        comment = comment_at(path, call.lineno)
        place = f"{path.relative_to(LIBRARY)}:{call.lineno}"
        yield Message(found["id"], spelt(path, text), comment, spelt(path, hint), place)


def spelt(path: Path, text: ast.expr | None) -> str:
    """Return a text that the code spells out, with … for what only the moment knows; else an empty one."""
    match text:
        case ast.Constant(value=str(value)):
            return value
        case ast.IfExp(body=body):
            return spelt(path, body)
        case ast.JoinedStr(values=values):
            return "".join(part(path, value) for value in values)
    return ""


def part(path: Path, value: ast.expr) -> str:
    match value:
        case ast.Constant(value=text):
            return str(text)
        case ast.FormattedValue(value=ast.Name(id=name)):
            known: Any = getattr(imported(path), name, None)
            return known if isinstance(known, str) else "…"
    return "…"


def imported(path: Path) -> Any:
    name = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
    return importlib.import_module(name.removesuffix(".__init__"))
