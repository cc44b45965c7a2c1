"""With --json, keep stdout for the command's JSON: what the project prints and logs goes to stderr."""

import atexit
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO

# The real stdout, if it was kept before the project's apps were loaded.
_kept: list[int] = []


def keep_stdout() -> None:
    """
    Send what this process prints to stderr from now on, and keep the real stdout for stdout_for_json().

    The app calls this before the models and the ready() of any app, if the process is a command with --json.
    """
    with suppress(io.UnsupportedOperation, AttributeError, OSError):
        saved = os.dup(sys.stdout.fileno())
        lead_to_stderr(sys.stdout, sys.stderr.fileno(), sys.stdout.fileno(), before_flush=True)
        _kept.append(saved)


@contextmanager
def stdout_for_json(*, is_process: bool = False) -> Iterator[TextIO]:
    """
    Send whatever this process and its children write to stdout to stderr, and yield the real stdout.

    Handlers of logging keep the stream that they found when they were made, so the descriptor itself leads
    to stderr meanwhile. If the process is the command alone (`is_process`), this is also true of what the
    project has printed but not flushed since it began, and of what it prints at its exit.
    """
    stdout, stderr = sys.stdout, sys.stderr
    if is_process and _kept:
        with open(os.dup(_kept[0]), "w", encoding=stdout.encoding, errors=stdout.errors) as real:
            yield real
        return
    if not is_process:
        stdout.flush()
    try:
        descriptor, errors = stdout.fileno(), stderr.fileno()
        saved = os.dup(descriptor)
    except (io.UnsupportedOperation, AttributeError, OSError):
        # A program put a stream of its own into sys.stdout, which has no descriptor.
        with redirect_stdout(stderr):
            yield stdout
        return
    with open(saved, "w", encoding=stdout.encoding, errors=stdout.errors) as real:
        os.dup2(errors, descriptor)
        if is_process:
            stdout.flush()
            # The last function to be registered is the first to be called.
            atexit.register(lead_to_stderr, stdout, errors, descriptor)
        try:
            yield real
        finally:
            with suppress(OSError):
                stdout.flush()  # What the project printed without a line break, while it leads to stderr.
            os.dup2(saved, descriptor)


def lead_to_stderr(stdout: TextIO, errors: int, descriptor: int, *, before_flush: bool = False) -> None:
    """Send what is printed from now on to stderr; with `before_flush`, also what wasn't flushed yet."""
    with suppress(OSError, ValueError):  # The reader or the process has closed it.
        if not before_flush:
            stdout.flush()
        os.dup2(errors, descriptor)
        stdout.flush()
