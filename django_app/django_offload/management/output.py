"""What commands print: lines and tables for people, JSON for programs, colours and progress on terminals."""

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
from .progress import Progress, ProgressBar, ProgressLines, has_rich
from .rendering import Styled, one_line, table_lines

STYLES = {
    "plain": str,
    "heading": make_style(opts=("bold",)),
    "good": make_style(fg="green"),
    "bad": make_style(fg="red", opts=("bold",)),
    "busy": make_style(fg="yellow"),
    "info": make_style(fg="cyan"),
}
# Control sequences of terminals.
CURSOR_HOME, CLEAR_SCREEN, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"


class Output(BaseCommand):
    """A command that writes lines, tables and JSON to its stdout, and progress to its stderr."""

    as_json = False
    _progress_bar: ProgressBar | None = None
    _screen_lines: list[str] | None = None  # Of the screen that redraw() collects now.
    _screen_cleared = False

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        no_color: bool = False,
        force_color: bool = False,
    ) -> None:
        # Django colours errors on every terminal, whatever NO_COLOR says.
        plain = no_color or not (force_color or wants_colour(stderr or sys.stderr, os.environ))
        super().__init__(stdout, stderr, plain, force_color)
        self.coloured = False

    def configure_output(self, *, as_json: bool, no_color: bool, force_color: bool) -> None:
        """Choose between JSON and text, and between colours and none, from the command's options."""
        self.as_json = as_json
        for stream in (self.stdout, self.stderr):
            # A terminal or a pipe may know few characters, and tasks may contain any.
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")
        self.coloured = force_color or (not no_color and wants_colour(self.stdout, os.environ))

    def terminal_size(self) -> os.terminal_size:
        """Return the current size of the terminal. The variables COLUMNS and LINES override it."""
        try:
            columns, lines = os.get_terminal_size(self.stdout.fileno())
        except (OSError, ValueError):
            columns, lines = 0, 0
        return shutil.get_terminal_size((columns or 80, lines or 24))

    def write_line(self, *pieces: str) -> None:
        """
        Print `pieces` as one line, each Styled piece in its colour.

        Line breaks and control characters become escapes, so that no text of a task forges a line.

        Print nothing with --json, because stdout then contains only JSON.
        """
        if self.as_json:
            return
        text = ""
        for piece in pieces:
            escaped = one_line(piece)
            if self.coloured and isinstance(piece, Styled):
                apply_style: Any = STYLES[piece.style]
                escaped = str(apply_style(escaped))
            text += escaped
        text = text.rstrip(" ")
        if self._screen_lines is not None:
            self._screen_lines.append(text)
            return
        bar = self._progress_bar
        if bar is None or not self.stdout.isatty() or not bar.write_above(text):
            self.stdout.write(text)

    def write_json(self, value: object) -> None:
        """With --json, print `value`. Instants and durations are in ISO 8601."""
        if self.as_json:
            self.stdout.write(json.dumps(value, indent=2, cls=DjangoJSONEncoder))

    def write_json_line(self, value: object) -> None:
        """With --json, print `value` on one line of a sequence of lines (JSON Lines)."""
        if self.as_json:
            self.stdout.write(json.dumps(value, cls=DjangoJSONEncoder))
            self.stdout.flush()

    def write_table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print `rows` below `headings` in aligned columns that fit the terminal, except with --json."""
        # In a file or a pipe, a table may be as wide as it needs.
        width = self.terminal_size().columns if self.stdout.isatty() else None
        for pieces in table_lines(headings, rows, width):
            self.write_line(*pieces)

    @contextmanager
    def redraw(self) -> Iterator[None]:
        """Collect the lines written inside and print them together; on a terminal, replace the last ones."""
        self._screen_lines = []
        try:
            yield
        finally:
            lines, self._screen_lines = self._screen_lines, None
        if self.as_json:
            return
        if can_move_cursor(self.stdout):
            rows = self.terminal_size().lines - 1
            screen = "".join(f"{line}{CLEAR_LINE}\n" for line in lines[:rows])
            clear = "" if self._screen_cleared else CLEAR_SCREEN
            self.stdout.write(f"{clear}{CURSOR_HOME}{screen}{CLEAR_BELOW}", ending="")
            self._screen_cleared = True
        else:
            self.stdout.write("\n".join([*lines, ""]))
        self.stdout.flush()

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        """
        Show the progress of long work on stderr.

        With rich on a terminal it is a bar, and other lines appear above it. Otherwise it is a plain line
        every 5 seconds.
        """
        label = one_line(label)
        if not (can_move_cursor(self.stderr) and has_rich()):
            yield ProgressLines(label, lambda text: self.stderr.write(text, str))
            return
        # Write to the stream itself, because Django's wrapper adds a line break to each write.
        wrapper: Any = self.stderr
        self._progress_bar = ProgressBar(label, wrapper._out, coloured=self.coloured)
        try:
            yield self._progress_bar
        finally:
            self._progress_bar.close()
            self._progress_bar = None


def can_move_cursor(stream: Any) -> bool:
    """Return True if `stream` is a terminal that understands control sequences."""
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
