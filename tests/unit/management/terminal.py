"""A pseudoterminal of a chosen size for the output of commands."""

import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Terminal:
    """A terminal. Commands write to `stream`; afterwards `shown` is what they wrote."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.shown = stream, ""


@contextmanager
def terminal(columns: int, lines: int = 24) -> Iterator[Terminal]:
    """Open a terminal, and record its output until it is closed."""
    controller, terminal_end = os.openpty()
    fcntl.ioctl(terminal_end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    read: list[bytes] = []
    reader = threading.Thread(target=_read, args=(controller, read), daemon=True)
    reader.start()
    stream = open(terminal_end, "w", encoding="utf-8")  # noqa: SIM115, closed below, before its reader is joined
    opened = Terminal(stream)
    try:
        yield opened
    finally:
        stream.close()
        reader.join(10)
        os.close(controller)
        opened.shown = b"".join(read).decode().replace("\r\n", "\n")


def _read(descriptor: int, into: list[bytes]) -> None:
    """Read until the other side is closed. On Linux that raises an error; elsewhere it ends the data."""
    try:
        while data := os.read(descriptor, 65_536):
            into.append(data)
    except OSError:
        return
