"""
The process that ends the others if the one that started them is killed.

It reads process groups from stdin, "+<group>" when one was started and "-<group>" when it has ended, and
kills those that are left when stdin closes: a pipe closes with its writer, however that ends. Nothing in
the watched processes takes part, so busy or hanging ones end too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def watch() -> None:
    """Follow stdin to its end, then kill every group that was not taken off."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        kill_group(group)


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Send a signal to a process group, which may be gone."""
    # macOS answers with PermissionError where only a zombie is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


class Warden:
    """Starts the watching process, and tells it what to watch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # -I -S: it needs nothing but the standard library, and is there in 15 ms. A session of its own, so
        # that Ctrl-C in the terminal does not reach it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def add(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the watching process; it kills what it was told of and not told off."""
        assert self._process.stdin is not None
        # Somebody may have killed it.
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        # If somebody killed it, or it was closed, processes are ended by their parent alone.
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()


if __name__ == "__main__":
    watch()
