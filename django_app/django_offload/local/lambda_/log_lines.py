"""The log lines of functions, with the task that wrote each and a colour for every task."""

import re
from collections.abc import Mapping
from typing import Protocol, Self

from ...logs.escaping import one_line
from ...protocol.enqueued_task import ID_PATTERN

# Surrounds the task's id at the start of each line that the task wrote. No text contains this character.
MARK = "\x1e"
_MARKED_ID = re.compile(f"^{MARK}({ID_PATTERN}){MARK}")
_LOGGED_ID = re.compile(rf"\bTask id=({ID_PATTERN})\b")
# Foreground colours that are readable on dark and light backgrounds: red to cyan, then the bright ones.
_COLOURS = (*range(31, 37), *range(91, 97))


class LogLine(str):
    """A line as it is shown without colours, with its function, task and text."""

    __slots__ = ("function", "prefix", "task_id", "text")
    function: str
    prefix: str
    task_id: str | None
    text: str

    def __new__(cls, function: str, output: str) -> Self:
        """Return the line for one line of output from a process of `function`."""
        marked = _MARKED_ID.match(output)
        # What a task prints may come from anybody, so it must not control the terminal.
        text = one_line(output[marked.end() :] if marked else output)
        match = marked or _LOGGED_ID.search(text)
        task_id = match[1] if match else None
        prefix = f"{function} {task_id[:8]}:" if task_id else f"{function}:"
        line = super().__new__(cls, f"{prefix} {text}")
        line.function, line.prefix, line.task_id, line.text = function, prefix, task_id, text
        return line

    @property
    def metric(self) -> bool:
        """Whether the line is a metric for CloudWatch instead of text for readers."""
        return self.text.startswith('{"_aws":')

    def painted(self) -> str:
        """Return the line with the colour of its task, for a terminal."""
        if self.task_id is None:
            return str(self)
        colour = _COLOURS[int(self.task_id[:8], 16) % len(_COLOURS)]
        return f"\x1b[{colour}m{self.prefix}\x1b[0m {self.text}"


class Stream(Protocol):
    """An output stream that may be a terminal."""

    def isatty(self) -> bool: ...


def wants_colour(stream: Stream, environ: Mapping[str, str]) -> bool:
    """Return True if `stream` is a terminal that may show colours (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
