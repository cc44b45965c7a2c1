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
        self._owed = False  # Whether a line was ended for its writer, who may yet do so.

    def write(self, text: str) -> int:
        owed, self._owed = self._owed, False
        if not text or (owed and text == "\n"):
            return len(text)
        # AWS's client ends a traceback without a line's end: it would wait for the next line, and join it.
        self._owed = "\n" in text and not text.endswith("\n")
        lines = f"{text}\n" if self._owed else text
        mark = _mark()
        body = lines[:-1].replace("\n", f"\n{mark}") + lines[-1]
        self._stream.write(f"{mark}{body}" if self._at_the_start else body)
        self._at_the_start = lines.endswith("\n")
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _mark() -> str:
    """Return the mark of the task that runs here; empty where none does."""
    # Not imported for this: the function may have nothing to do with Django.
    context = sys.modules.get("django_offload.definition.context")
    running = context.current() if context is not None else None
    return f"{MARK}{running.task_result.id}{MARK}" if running is not None else ""


def main() -> None:
    """Serve invocations until the Runtime API hands out no more."""
    from awslambdaric.__main__ import main as serve

    sys.stdout, sys.stderr = Marked(sys.stdout), Marked(sys.stderr)
    serve(sys.argv)


if __name__ == "__main__":
    main()
