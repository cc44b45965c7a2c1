"""Tables and records as lines of text. A line is a list of pieces, of which some have a style."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from textwrap import wrap
from typing import Any, Self

from ..logs import escaping
from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL

GAP = "  "
# The last column says most, so a terminal shows at least this many characters of it.
LAST_COLUMN_WIDTH = 20
KEY_WIDTH = 13
STATUS_STYLES = {READY: "info", RUNNING: "busy", SUCCESSFUL: "good", FAILED: "bad"}


class Styled(str):
    """Text with the name of a style, which a terminal shows as a colour."""

    __slots__ = ("style",)
    style: str

    def __new__(cls, text: object, style: str) -> Self:
        styled = super().__new__(cls, text)
        styled.style = style
        return styled


def one_line(text: str) -> str:
    """Return `text` on one line, with what would control a terminal as escapes, in the same style."""
    return with_style_of(text, escaping.one_line(text))


def with_style_of(original: str, text: str) -> str:
    """Return `text` in the style of `original`, if that has one."""
    return Styled(text, original.style) if isinstance(original, Styled) else text


def table_lines(
    headings: Sequence[str], rows: Iterable[Sequence[object]], width: int | None
) -> Iterator[list[str]]:
    """
    Yield the lines of a table that fits into `width`, with numbers aligned to the right.

    If the rows are too wide, cut the last column. If too little of it would remain, print it below each row.
    If the other columns don't fit either, print one value a line.
    """
    values = [list(row) for row in rows]
    cells = [[cell_text(value) for value in row] for row in values]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    numeric = [bool(values) and all(is_number(row[i]) for row in values) for i in range(len(headings))]
    titles: list[str] = [Styled(heading, "heading") for heading in headings]
    width_before_last = sum(widths[:-1]) + len(GAP) * (len(widths) - 2)
    if width is None or width_before_last + len(GAP) + min(widths[-1], LAST_COLUMN_WIDTH) <= width:
        if width is not None:
            widths[-1] = min(widths[-1], width - width_before_last - len(GAP))
        yield from (aligned_row(row, widths, numeric) for row in (titles, *cells))
    elif width_before_last <= width and widths[-1] > LAST_COLUMN_WIDTH:
        yield aligned_row(titles[:-1], widths[:-1], numeric[:-1])
        for row in cells:
            yield aligned_row(row[:-1], widths[:-1], numeric[:-1])
            yield from ([GAP, part] for part in wrap(row[-1], width - len(GAP), break_long_words=False))
    else:
        heading_width = max(map(len, headings[1:]), default=0)
        for row in cells:
            yield [Styled(row[0], "heading")]
            for heading, cell in zip(headings[1:], row[1:], strict=True):
                margins = chain([heading.ljust(heading_width)], repeat(" " * heading_width))
                # Don't break ids and addresses, so that readers can copy them.
                value_width = max(width - heading_width - 2 * len(GAP), LAST_COLUMN_WIDTH)
                parts = wrap(cell, value_width, break_long_words=False)
                for margin, part in zip(margins, parts, strict=False):
                    yield [GAP, margin, GAP, with_style_of(cell, part)]


def cell_text(value: object) -> str:
    """Return a value as text on one line; "" for None."""
    if isinstance(value, Styled):
        return one_line(value)
    return "" if value is None else one_line(" ".join(str(value).split("\n")))


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, Styled) and value.isdecimal())


def aligned_row(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> list[str]:
    """Return the pieces of a row, each cell cut or padded to the width of its column."""
    pieces: list[str] = []
    last = len(row) - 1
    for i, (cell, width, is_numeric) in enumerate(zip(row, widths, numeric, strict=True)):
        text = cell if len(cell) <= width else with_style_of(cell, f"{cell[: width - 1]}…")
        padding = " " * (width - len(text))
        pieces += [padding, text] if is_numeric else [text, "" if i == last else padding]
        pieces.append("" if i == last else GAP)
    return pieces


def record_lines(description: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the lines of a described record, one value a line; errors and their tracebacks come last."""
    for key, value in description.items():
        if value is None or key in {"error", "earlier_errors"}:
            continue
        if key == "status":
            text: str = styled_status(value)
        elif key == "progress":
            text = progress_text(value)
        elif key.endswith("_at") or key == "run_after":
            text = f"{value[:10]} {value[11:19]} UTC"
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield [record_key(key), text]
    for error in description.get("earlier_errors", ()):
        yield from error_lines(f"attempt {error['attempt']}" if error["attempt"] else "an attempt", error)
    if error := description.get("error"):
        yield from error_lines("error", error)


def error_lines(key: str, error: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the class and the message of an error, and the lines of its traceback if it has one."""
    yield [record_key(key), Styled(error["class"], "bad"), f": {error['message']}"]
    if error.get("traceback"):
        # Indented, because an exception may have any text, and none of its lines may look like another value.
        yield from ([escaping.INDENT, line] for line in error["traceback"].rstrip().split("\n"))


def record_key(key: str) -> Styled:
    return Styled(f"{key:<{KEY_WIDTH}} ", "heading")


def progress_text(progress: Mapping[str, Any] | None) -> str:
    """Return the progress that a task reported, such as "3 of 10, reading", or "" if there is none."""
    if not progress:
        return ""
    total, message = progress.get("total"), progress.get("message")
    total_text = f" of {total:,}" if total is not None else ""
    return f"{progress['done']:,}{total_text}{f', {message}' if message else ''}"


def styled_status(status: str) -> Styled:
    return Styled(status, STATUS_STYLES[status])
