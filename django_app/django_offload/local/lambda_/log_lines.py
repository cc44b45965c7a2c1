"""What functions say, line by line: which function, which task, and a colour of its own for each task."""

import re
from collections.abc import Mapping
from typing import Protocol, Self

from ...protocol.enqueued_task import ID_PATTERN

# Around the id of a task, at the start of a line that it wrote: a character that no text has.
MARK = "\x1e"
_MARKED = re.compile(f"^{MARK}({ID_PATTERN}){MARK}")
_TOLD = re.compile(rf"\bTask id=({ID_PATTERN})\b")
# Foregrounds that can be read on dark and light grounds: red to cyan, then the bright ones.
_COLOURS = (*range(31, 37), *range(91, 97))


class LogLine(str):
    """A line as it is shown without colours, and what it is made of."""

    __slots__ = ("function", "task_id", "text")
    function: str
    task_id: str | None
    text: str

    def __new__(cls, function: str, said: str) -> Self:
        """Return the line of something that a process of `function` said."""
        marked = _MARKED.match(said)
        text = said[marked.end() :] if marked else said
        told = marked or _TOLD.search(text)
        task_id = told[1] if told else None
        made = super().__new__(cls, f"{_prefix(function, task_id)} {text}")
        made.function, made.task_id, made.text = function, task_id, text
        return made

    @property
    def metric(self) -> bool:
        """Whether CloudWatch would take it for a metric, and nobody for a text."""
        return self.text.startswith('{"_aws":')

    def painted(self) -> str:
        """Return the line with the colour of its task, for a terminal."""
        if self.task_id is None:
            return str(self)
        colour = _COLOURS[int(self.task_id[:8], 16) % len(_COLOURS)]
        return f"\x1b[{colour}m{_prefix(self.function, self.task_id)}\x1b[0m {self.text}"


class Stream(Protocol):
    """What is asked of a stream that lines are written to."""

    def isatty(self) -> bool: ...


def wants_colour(stream: Stream, environ: Mapping[str, str]) -> bool:
    """Tell whether `stream` is a terminal that may be coloured (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _prefix(function: str, task_id: str | None) -> str:
    return f"{function} {task_id[:8]}:" if task_id else f"{function}:"
