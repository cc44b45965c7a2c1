"""How far long work is: a bar on a terminal (rich, the extra `terminal`), else a plain line now and then."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

Clock = Callable[[], float]
# Work that is done sooner needs no bar, which would only flash.
BAR_AFTER_SECONDS = 0.5
LINES_EVERY_SECONDS = 5.0


class Work(Protocol):
    """Something under way that is told how far it is."""

    def at(self, done: float, total: float | None = None, text: str = "") -> None: ...


class Lines:
    """Tells how far work is by a line every 5 seconds."""

    def __init__(self, what: str, say: Callable[[str], object], clock: Clock = time.monotonic) -> None:
        self._what, self._say, self._clock = what, say, clock
        self._told_at = clock()

    def at(self, done: float, total: float | None = None, text: str = "") -> None:
        now = self._clock()
        if now - self._told_at >= LINES_EVERY_SECONDS:
            self._told_at = now
            self._say(f"{self._what}: {', '.join(filter(None, (counted(done, total), text)))}")


class Bar:
    """A bar that is drawn in place, with lines of text above it; wiped out when it is closed."""

    def __init__(self, what: str, stream: TextIO, *, coloured: bool, clock: Clock = time.monotonic) -> None:
        self._what, self._stream, self._coloured, self._clock = what, stream, coloured, clock
        self._began = clock()
        self._progress: Progress | None = None

    def at(self, done: float, total: float | None = None, text: str = "") -> None:
        if self._progress is None:
            if self._clock() - self._began < BAR_AFTER_SECONDS:
                return
            self._progress = _progress(self._what, self._stream, coloured=self._coloured)
        (task,) = self._progress.task_ids
        # A bar of an unknown total moves to and fro; rich takes 0 of 0 for finished.
        self._progress.update(
            task, completed=done, total=total or None, count=counted(done, total), text=text
        )
        self._progress.start()  # Does nothing the second time.

    def above(self, line: str) -> bool:
        """Print a line above the bar; return False where there is no bar yet."""
        if self._progress is None:
            return False
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(line), soft_wrap=True, highlight=False)
        return True

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def has_rich() -> bool:
    """Tell whether bars can be drawn."""
    return find_spec("rich") is not None


def counted(done: float, total: float | None) -> str:
    """Return how much is done, in words; nothing where that says nothing."""
    if total is None:
        return f"{done:,g}" if done else ""
    return f"{done:,g} of {total:,g}"


def _progress(what: str, stream: TextIO, *, coloured: bool) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # Where the terminal is narrow, what is said last has to give way, not the bar.
    name = Column(no_wrap=True, overflow="ellipsis", max_width=30)
    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    progress = Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False, table_column=rest),
        console=Console(file=stream, force_terminal=True, no_color=not coloured),
        expand=True,
        transient=True,
    )
    progress.add_task(what, total=None, count="", text="")
    return progress
