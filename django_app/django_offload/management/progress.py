"""The progress of long work: a bar on a terminal with rich (the extra `terminal`), otherwise a few lines."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

Clock = Callable[[], float]
# A bar for work that ends sooner would only flash.
BAR_AFTER_SECONDS = 0.5
LINES_EVERY_SECONDS = 5.0


class Progress(Protocol):
    """Shows how far long work has got."""

    def update(self, done: float, total: float | None = None, text: str = "") -> None: ...


class ProgressLines:
    """Write a line about the progress every 5 seconds."""

    def __init__(self, label: str, write: Callable[[str], object], clock: Clock = time.monotonic) -> None:
        self._label, self._write, self._clock = label, write, clock
        self._written_at = clock()

    def update(self, done: float, total: float | None = None, text: str = "") -> None:
        now = self._clock()
        if now - self._written_at >= LINES_EVERY_SECONDS:
            self._written_at = now
            self._write(f"{self._label}: {', '.join(filter(None, (count_text(done, total), text)))}")


class ProgressBar:
    """Draw a bar below the lines that are written meanwhile, and remove it at the end."""

    def __init__(self, label: str, stream: TextIO, *, coloured: bool, clock: Clock = time.monotonic) -> None:
        self._label, self._stream, self._coloured, self._clock = label, stream, coloured, clock
        self._started_at = clock()
        self._rich: RichProgress | None = None

    def update(self, done: float, total: float | None = None, text: str = "") -> None:
        if self._rich is None:
            if self._clock() - self._started_at < BAR_AFTER_SECONDS:
                return
            self._rich = rich_progress(self._label, self._stream, coloured=self._coloured)
        (task,) = self._rich.task_ids
        # With an unknown total the bar moves to and fro. For rich, 0 of 0 would mean finished.
        self._rich.update(task, completed=done, total=total or None, count=count_text(done, total), text=text)
        self._rich.start()  # Does nothing the second time.

    def write_above(self, line: str) -> bool:
        """Print a line above the bar. Return False if there is no bar yet."""
        if self._rich is None:
            return False
        from rich.text import Text

        self._rich.console.print(Text.from_ansi(line), soft_wrap=True, highlight=False)
        return True

    def close(self) -> None:
        if self._rich is not None:
            self._rich.stop()


def has_rich() -> bool:
    """Return True if rich is installed, so that bars can be drawn."""
    return find_spec("rich") is not None


def count_text(done: float, total: float | None) -> str:
    """Return "3 of 10", or "3" without a total, or "" if nothing is done and the total is unknown."""
    if total is None:
        return number_text(done) if done else ""
    return f"{number_text(done)} of {number_text(total)}"


def number_text(number: float) -> str:
    """Return a number with at most six digits, or an integer that no float can hold as it is."""
    try:
        return f"{number:,g}"
    except OverflowError:
        return f"{number:,}"


def rich_progress(label: str, stream: TextIO, *, coloured: bool) -> "RichProgress":
    """Return a bar of rich, which isn't drawn until it is started."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # On a narrow terminal, shorten the text at the end instead of the bar.
    label_column = Column(no_wrap=True, overflow="ellipsis", max_width=30)
    text_column = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    progress = Progress(
        TextColumn("{task.description}", markup=False, table_column=label_column),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False, table_column=text_column),
        console=Console(file=stream, force_terminal=True, no_color=not coloured),
        expand=True,
        transient=True,
    )
    progress.add_task(label, total=None, count="", text="")
    return progress
