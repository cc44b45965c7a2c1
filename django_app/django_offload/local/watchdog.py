"""
A process that kills the others if their parent is killed.

It reads process groups from stdin: "+<group>" after one starts and "-<group>" after it ends. When stdin
closes, it kills the groups that are left. A pipe closes when its writer ends, even if the writer is killed.
The watched processes do nothing for this, so busy or hanging ones end too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

CLOSE_SECONDS = 5.0


def watch() -> None:
    """Read stdin to its end, then kill every group that wasn't removed."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        kill_group(group)


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Send a signal to a process group, if it still exists."""
    # macOS raises PermissionError if only a zombie is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


class Watchdog:
    """Starts the watching process and sends it the process groups to watch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # With -I -S it starts in 15 ms, because it needs only the standard library. Ctrl-C in the terminal
        # doesn't reach it, because it has its own session.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def add(self, group: int) -> None:
        self._send(f"+{group}\n")

    def remove(self, group: int) -> None:
        self._send(f"-{group}\n")

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        # Without the watching process, which may be killed or closed, the parent alone ends the others.
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def close(self) -> None:
        """End the watching process, which kills the groups that weren't removed."""
        assert self._process.stdin is not None
        with self._lock, contextlib.suppress(BrokenPipeError):  # The process may be killed already.
            self._process.stdin.close()
        # It has only signals to send. If it can't, it ends with this process.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)


if __name__ == "__main__":
    watch()
