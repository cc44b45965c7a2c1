"""How commands speak: lines and tables for readers, JSON for programs; colours and bars on terminals."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.termcolors import make_style

from ..local.lambda_.log_lines import wants_colour
from .long_work import Bar, Lines, Work, has_rich
from .tables import Painted, drawn, harmless

_COLOURS = {
    "plain": str,
    "heading": make_style(opts=("bold",)),
    "good": make_style(fg="green"),
    "bad": make_style(fg="red", opts=("bold",)),
    "busy": make_style(fg="yellow"),
    "waits": make_style(fg="cyan"),
}
_HOME, _CLEAR, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"


class Output(BaseCommand):
    """A command's stdout and stderr."""

    as_json = False
    _bar: Bar | None = None
    _frame: list[str] | None = None
    _drawn = False

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        no_color: bool = False,
        force_color: bool = False,
    ) -> None:
        # Django colours errors on every terminal; NO_COLOR counts for them too.
        plain = no_color or not (force_color or wants_colour(stderr or sys.stderr, os.environ))
        super().__init__(stdout, stderr, plain, force_color)
        self.coloured = False

    def speak(self, *, as_json: bool, no_color: bool, force_color: bool) -> None:
        """Learn from a command's options how its reader wants to be spoken to."""
        self.as_json = as_json
        self.coloured = force_color or (not no_color and wants_colour(self.stdout, os.environ))

    @property
    def width(self) -> int | None:
        """How many columns the terminal has; None where stdout is none, and nothing need fit."""
        return self._size.columns if self.stdout.isatty() else None

    @property
    def _size(self) -> os.terminal_size:
        """The size of the terminal that stdout is, as it is now; COLUMNS and LINES overrule it."""
        try:
            columns, lines = os.get_terminal_size(self.stdout.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return shutil.get_terminal_size((columns or 80, lines or 24))

    def line(self, *pieces: str) -> None:
        """
        Print `pieces` as one line, control characters as \\x.., Painted ones in their colour.

        Not with --json: then only `data` may be on stdout.
        """
        if self.as_json:
            return
        text = "".join(self._shown(piece) for piece in pieces).rstrip(" ")
        if self._frame is not None:
            self._frame.append(text)
        elif self._bar is None or not self.stdout.isatty() or not self._bar.above(text):
            self.stdout.write(text)

    def data(self, value: object) -> None:
        """Print `value` as JSON where --json asks for it, instants and durations as ISO 8601."""
        if self.as_json:
            self.stdout.write(json.dumps(value, indent=2, cls=DjangoJSONEncoder))

    def data_line(self, value: object) -> None:
        """Print `value` as one line of JSON, of several that follow each other (JSON Lines)."""
        if self.as_json:
            self.stdout.write(json.dumps(value, cls=DjangoJSONEncoder))
            self.stdout.flush()

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print `rows` below `headings` in aligned columns that fit the terminal; not with --json."""
        for pieces in drawn(headings, rows, self.width):
            self.line(*pieces)

    @contextmanager
    def picture(self) -> Iterator[None]:
        """Print what is said inside at once, on a terminal over the picture before."""
        self._frame = []
        try:
            yield
        finally:
            lines, self._frame = self._frame, None
        if self.as_json:
            return
        if _draws(self.stdout):
            rows = self._size.lines - 1
            shown = "".join(f"{line}{_REST_OF_LINE}\n" for line in lines[:rows])
            self.stdout.write(f"{'' if self._drawn else _CLEAR}{_HOME}{shown}{_REST_OF_SCREEN}", ending="")
            self._drawn = True
        else:
            self.stdout.write("\n".join([*lines, ""]))
        self.stdout.flush()

    @contextmanager
    def working(self, what: str) -> Iterator[Work]:
        """
        Show on stderr how far long work is: a bar on a terminal with rich, else a plain line every 5 seconds.

        Lines that are printed meanwhile stand above the bar.
        """
        if not (_draws(self.stderr) and has_rich()):
            yield Lines(what, lambda text: self.stderr.write(text, str))
            return
        # Django's wrapper would end each write with a new line.
        stream: Any = self.stderr
        self._bar = Bar(what, stream._out, coloured=self.coloured)
        try:
            yield self._bar
        finally:
            self._bar.close()
            self._bar = None

    def _shown(self, piece: str) -> str:
        text = harmless(piece)
        if self.coloured and isinstance(piece, Painted):
            paint: Any = _COLOURS[piece.meaning]
            return str(paint(text))
        return str(text)


def _draws(stream: Any) -> bool:
    """Tell whether `stream` is a terminal on which the cursor can be moved."""
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
