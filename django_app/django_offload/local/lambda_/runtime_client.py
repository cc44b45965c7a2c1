"""
The program that a function's process runs: AWS's own runtime client, with each task's lines marked by its id.

The marks let a reader of several workers' output see which task wrote a line.
"""

import logging
import sys
from typing import Any, TextIO

from .log_lines import MARK
from .task_logs import SHORT, show_task_logs

# AWS's handler writes the text as it is.
WITH_NEWLINE = logging.Formatter(f"{SHORT._fmt}\n")


class MarkedStream:
    """A text stream that starts every line that a task writes with the task's id."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._at_line_start = True
        self._newline_added = False  # True if write() ended a line that its writer may still end.

    def write(self, text: str) -> int:
        newline_added, self._newline_added = self._newline_added, False
        if not text or (newline_added and text == "\n"):
            return len(text)
        # AWS's client doesn't end the last line of a traceback, which would join it to the next line.
        self._newline_added = "\n" in text and not text.endswith("\n")
        lines = f"{text}\n" if self._newline_added else text
        mark = current_mark()
        marked_lines = lines[:-1].replace("\n", f"\n{mark}") + lines[-1]
        self._stream.write(f"{mark}{marked_lines}" if self._at_line_start else marked_lines)
        self._at_line_start = lines.endswith("\n")
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def current_mark() -> str:
    """Return the mark of the task that runs in this thread, or an empty string."""
    # Looked up without an import, because the function may not use Django at all.
    context = sys.modules.get("django_offload.definition.context")
    task_context = context.current() if context is not None else None
    return f"{MARK}{task_context.task_result.id}{MARK}" if task_context is not None else ""


def main() -> None:
    """Serve invocations until the Runtime API is closed."""
    from awslambdaric import bootstrap
    from awslambdaric.__main__ import main as serve

    set_up_logging = bootstrap._setup_logging

    def set_up_readable_logging(*args: Any) -> None:
        """Add the handler of AWS's client, and make it show what a developer reads."""
        root = logging.getLogger()
        before = list(root.handlers)
        set_up_logging(*args)
        for handler in root.handlers:
            if handler not in before:
                show_task_logs(handler, WITH_NEWLINE)

    bootstrap._setup_logging = set_up_readable_logging
    sys.stdout, sys.stderr = MarkedStream(sys.stdout), MarkedStream(sys.stderr)
    serve(sys.argv)


if __name__ == "__main__":
    main()
