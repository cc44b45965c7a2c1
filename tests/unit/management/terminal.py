"""A real terminal of the system, of a chosen width, that commands print on."""

import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Terminal:
    """A terminal: `stream` is what a command has as stdout or stderr, `shown` all that came through."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.shown = stream, ""


@contextmanager
def terminal(columns: int, lines: int = 24) -> Iterator[Terminal]:
    """Open one, and read what is written on it until it is closed."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    read: list[bytes] = []
    reader = threading.Thread(target=_read, args=(ours, read), daemon=True)
    reader.start()
    stream = open(theirs, "w", encoding="utf-8")  # noqa: SIM115, closed below, before its reader is joined
    opened = Terminal(stream)
    try:
        yield opened
    finally:
        stream.close()
        reader.join(10)
        os.close(ours)
        opened.shown = b"".join(read).decode().replace("\r\n", "\n")


def _read(descriptor: int, into: list[bytes]) -> None:
    """Read until the other side is closed, which Linux tells as an error and others as an end."""
    try:
        while data := os.read(descriptor, 65_536):
            into.append(data)
    except OSError:
        return
