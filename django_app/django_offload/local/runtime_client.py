"""
What a function's process runs: AWS's own runtime client, with the lines of each task marked by its id.

Lines that a task writes look like anybody's; who reads them together wants to know whose they are.
"""

import sys
from typing import Any, TextIO

from .log_lines import MARK


class Marked:
    """A text stream that begins every line a task writes with that task's id."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._at_the_start = True  # Of a line.

    def write(self, text: str) -> int:
        mark = _mark()
        if mark and text:
            ended = text.endswith("\n")
            body = (text[:-1] if ended else text).replace("\n", f"\n{mark}")
            self._stream.write(f"{mark if self._at_the_start else ''}{body}{chr(10) if ended else ''}")
        else:
            self._stream.write(text)
        self._at_the_start = text.endswith("\n") if text else self._at_the_start
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _mark() -> str:
    """Return the mark of the task that runs here; empty where none does."""
    # Not imported for this: the function may have nothing to do with Django.
    context = sys.modules.get("django_offload.context")
    running = context.current() if context is not None else None
    return f"{MARK}{running.task_result.id}{MARK}" if running is not None else ""


def main() -> None:
    """Serve invocations until the Runtime API hands out no more."""
    from awslambdaric.__main__ import main as serve

    sys.stdout, sys.stderr = Marked(sys.stdout), Marked(sys.stderr)
    serve(sys.argv)


if __name__ == "__main__":
    main()
