"""How far long work is: a bar on a terminal (rich, the extra `terminal`), else a plain line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

# Between two plain lines; what is done sooner needs none.
LINES_EVERY_SECONDS = 5.0


class Work(Protocol):
    """Something under way that is told how far it is."""

    def at(self, done: float, total: float | None = None, text: str = "") -> None: ...


class Lines:
    """Tells how far work is by a line every 5 seconds."""

    def __init__(
        self, what: str, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._say, self._clock = what, say, clock
        self._told_at = clock()

    def at(self, done: float, total: float | None = None, text: str = "") -> None:
        now = self._clock()
        if now - self._told_at >= LINES_EVERY_SECONDS:
            self._told_at = now
            self._say(f"{self._what}: {', '.join(filter(None, (counted(done, total), text)))}")


class Bar:
    """A bar that is drawn in place, with lines of text above it."""

    def __init__(self, progress: "Progress", what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None, count="", text="")

    def at(self, done: float, total: float | None = None, text: str = "") -> None:
        # A bar of an unknown total moves to and fro; rich takes 0 of 0 for finished.
        self._progress.update(
            self._task, completed=done, total=total or None, count=counted(done, total), text=text
        )

    def above(self, line: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(line), soft_wrap=True, highlight=False)


@contextmanager
def bar(what: str, stream: TextIO, *, coloured: bool) -> Iterator[Bar | None]:
    """Show a bar on `stream`, a terminal, and wipe it out at the end; None where rich is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield None
        return
    console = Console(file=stream, force_terminal=True, no_color=not coloured)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, what)


def counted(done: float, total: float | None) -> str:
    """Return how much is done, in words; nothing where that says nothing."""
    if total is None:
        return f"{done:,g}" if done else ""
    return f"{done:,g} of {total:,g}"
