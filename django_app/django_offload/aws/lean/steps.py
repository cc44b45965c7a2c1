"""How a socket is connected and secured, in steps that do not wait and end by the same time."""

import errno
import os
import socket
import ssl
import time
from collections.abc import Generator, Sequence
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from ...exceptions import OffloadError
from .opening import Awaited

# What getaddrinfo() returns.
type Places = Sequence[tuple[Any, ...]]


def connected(places: Places, ends: float) -> Generator[Awaited, None, socket.socket]:
    """
    Connect to the first place that answers; one that does not leaves half of the time to the others.

    Raise OSError as the last of them failed.
    """
    for number, (family, kind, protocol, _, place) in enumerate(places, 1):
        last, sock = number == len(places), socket.socket(family, kind, protocol)
        try:
            yield from _connected(sock, place, ends if last else (time.monotonic() + ends) / 2)
        except BaseException as exc:
            sock.close()
            # A task's deadline is an OSError too, and no place's fault.
            if last or not isinstance(exc, OSError) or isinstance(exc, OffloadError):
                raise
        else:
            return sock
    raise OSError("The name has no address")


def _connected(sock: socket.socket, place: Any, ends: float) -> Generator[Awaited]:
    sock.setblocking(False)
    code = sock.connect_ex(place)
    if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        yield Awaited(sock, EVENT_WRITE, ends)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def secured(
    sock: socket.socket, context: ssl.SSLContext, host: bytes, ends: float
) -> Generator[Awaited, None, ssl.SSLSocket]:
    """Shake hands. Raise OSError if that fails."""
    try:
        found = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        while True:
            try:
                found.do_handshake()
            except ssl.SSLWantReadError:
                yield Awaited(found, EVENT_READ, ends)
            except ssl.SSLWantWriteError:
                yield Awaited(found, EVENT_WRITE, ends)
            else:
                return found
    except BaseException:
        found.close()
        raise
