"""With --json, keep stdout for the command's JSON: what the project prints and logs goes to stderr."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TextIO


@contextmanager
def stdout_for_json() -> Iterator[TextIO]:
    """
    Send whatever this process and its children write to stdout to stderr, and yield the real stdout.

    Handlers of logging keep the stream that they found when they were made, so the descriptor itself leads
    to stderr meanwhile.
    """
    stdout, stderr = sys.stdout, sys.stderr
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
        try:
            yield real
        finally:
            with suppress(OSError):
                stdout.flush()  # What the project printed without a line break, while it leads to stderr.
            os.dup2(saved, descriptor)
