"""What the reference lists: entries, in tables."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# Between the backticks of code, and outside of them.
_CODE = re.compile(r"(`[^`]*`)")
# Outside of code, Markdown would take these as markup.
_MARKUP = re.compile(r"([<*])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A thing that the reference lists, and the sentence that says what it is."""

    name: str
    sentence: str
    facts: tuple[str, ...] = ()  # The cells before the sentence.
    advice: str = ""  # The cell after it.
    place: str = ""  # Where the sentence belongs, for somebody who has to write it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table on a page of the reference."""

    page: Path
    name: str  # In the marks around it.
    headings: tuple[str, ...]
    entries: Callable[[], Sequence[Entry]]
    drawing: Callable[[], str] | None = None  # Stands above the table.

    def text(self) -> str:
        """Return the table as Markdown."""
        rows = [
            [
                f"`{entry.name}`",
                *map(prose, (*entry.facts, entry.sentence, entry.advice)[: len(self.headings) - 1]),
            ]
            for entry in self.entries()
        ]
        lines = [self.headings, *rows]
        text = "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)
        heading, _, rest = text.partition("\n")
        drawing = f"```\n{self.drawing()}\n```\n\n" if self.drawing else ""
        return f"{drawing}{heading}\n{'|---' * len(self.headings)}|\n{rest}"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or "–"


def prose(text: str) -> str:
    """Return text as Markdown, in which nothing but code is marked up."""
    parts = _CODE.split(text)
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def code(value: object) -> str:
    """Return a value as code, or nothing for nothing."""
    return f"`{value}`" if value not in (None, "") else ""
