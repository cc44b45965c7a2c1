"""Rows as text: in aligned columns, or one value a line where a terminal is too narrow for them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from textwrap import wrap
from typing import Self

GAP = "  "
# Of the last column, which says the most, a terminal shows this much at least.
LEAST = 20
# What a task raised or was given is shown as text, and never moves the cursor or retitles the window.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


class Painted(str):
    """Text and what it means, which a terminal shows as a colour."""

    __slots__ = ("meaning",)
    meaning: str

    def __new__(cls, text: object, meaning: str) -> Self:
        made = super().__new__(cls, text)
        made.meaning = meaning
        return made


def harmless(text: str) -> str:
    """Return `text` with its control characters as \\x.., so that it is nothing but text to a terminal."""
    shown = text.translate(_CONTROLS)
    return Painted(shown, text.meaning) if isinstance(text, Painted) else shown


def drawn(
    headings: Sequence[str], rows: Iterable[Sequence[object]], width: int | None
) -> Iterator[list[str]]:
    """
    Yield the lines of a table as their pieces, numbers to the right.

    What is wider than `width` is cut in its last column; that is told below each row where too little of it
    were left; and where the others do not fit either, each value has a line.
    """
    found = [list(row) for row in rows]
    cells = [[_cell(value) for value in row] for row in found]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    right = [bool(found) and all(_is_number(row[i]) for row in found) for i in range(len(headings))]
    titles: list[str] = [Painted(heading, "heading") for heading in headings]
    before = sum(widths[:-1]) + len(GAP) * (len(widths) - 2)
    if width is None or before + len(GAP) + min(widths[-1], LEAST) <= width:
        if width is not None:
            widths[-1] = min(widths[-1], width - before - len(GAP))
        yield from (_aligned(row, widths, right) for row in (titles, *cells))
    elif before <= width and widths[-1] > LEAST:
        yield _aligned(titles[:-1], widths[:-1], right[:-1])
        for row in cells:
            yield _aligned(row[:-1], widths[:-1], right[:-1])
            yield from ([GAP, part] for part in wrap(row[-1], width - len(GAP), break_long_words=False))
    else:
        for row in cells:
            yield from _stacked(headings, row, width)


def _aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    pieces: list[str] = []
    last = len(row) - 1
    for i, (cell, width, to_the_right) in enumerate(zip(row, widths, right, strict=True)):
        shown = _cut(cell, width)
        blanks = " " * (width - len(shown))
        pieces += [blanks, shown] if to_the_right else [shown, "" if i == last else blanks]
        pieces.append("" if i == last else GAP)
    return pieces


def _stacked(headings: Sequence[str], row: Sequence[str], width: int) -> Iterator[list[str]]:
    """Yield a row by itself: its first value as the title, each other below it."""
    widest = max(map(len, headings[1:]), default=0)
    yield [Painted(row[0], "heading")]
    for heading, cell in zip(headings[1:], row[1:], strict=True):
        names = chain([heading.ljust(widest)], repeat(" " * widest))
        # Ids and addresses stay whole, to be copied.
        parts = wrap(cell, max(width - widest - 2 * len(GAP), LEAST), break_long_words=False)
        for name, part in zip(names, parts, strict=False):
            yield [GAP, name, GAP, Painted(part, cell.meaning) if isinstance(cell, Painted) else part]


def _cell(value: object) -> str:
    if isinstance(value, Painted):
        return harmless(value)
    return "" if value is None else harmless(" ".join(str(value).split("\n")))


def _cut(cell: str, width: int) -> str:
    if len(cell) <= width:
        return cell
    shown = f"{cell[: width - 1]}…"
    return Painted(shown, cell.meaning) if isinstance(cell, Painted) else shown


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, Painted) and value.isdecimal())
