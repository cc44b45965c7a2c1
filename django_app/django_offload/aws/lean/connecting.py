"""How connections are made: in steps that do not block, so that a thread can make many of them together."""

import errno
import os
import socket
import ssl
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any, NamedTuple

from ...exceptions import CallFailed, NoAnswer, OffloadError
from .connection import Connection


class SocketWait(NamedTuple):
    """What a step waits for. If it does not happen in time, TimeoutError is thrown into the generator."""

    sock: socket.socket
    events: int  # EVENT_READ or EVENT_WRITE.
    deadline: float  # By time.monotonic().


type Steps = Generator[SocketWait, None, Connection]
# What getaddrinfo() returns.
type SocketAddresses = Sequence[tuple[Any, ...]]


def connect_socket(addresses: SocketAddresses, deadline: float) -> Generator[SocketWait, None, socket.socket]:
    """
    Connect to the first address that answers. Each one but the last may use half of the remaining time.

    Raise the OSError of the last address if none answers.
    """
    for number, (family, kind, protocol, _, address) in enumerate(addresses, 1):
        is_last, sock = number == len(addresses), socket.socket(family, kind, protocol)
        own_deadline = deadline if is_last else (time.monotonic() + deadline) / 2
        try:
            sock.setblocking(False)
            code = sock.connect_ex(address)
            if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
                yield SocketWait(sock, EVENT_WRITE, own_deadline)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except BaseException as exc:
            sock.close()
            # A task's deadline is an OSError too, but the address did not cause it.
            if is_last or not isinstance(exc, OSError) or isinstance(exc, OffloadError):
                raise
        else:
            return sock
    raise OSError("The name has no address")


def start_tls(
    sock: socket.socket, context: ssl.SSLContext, host: bytes, deadline: float
) -> Generator[SocketWait, None, ssl.SSLSocket]:
    """Do the TLS handshake. Raise OSError if it fails."""
    try:
        tls_socket = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        while True:
            try:
                tls_socket.do_handshake()
            except ssl.SSLWantReadError:
                yield SocketWait(tls_socket, EVENT_READ, deadline)
            except ssl.SSLWantWriteError:
                yield SocketWait(tls_socket, EVENT_WRITE, deadline)
            else:
                return tls_socket
    except BaseException:
        tls_socket.close()
        raise


class PendingConnection:
    """A connection that is being made; it closes when the object is dropped."""

    def __init__(self, steps: Steps, url: str) -> None:
        self._steps, self._url = steps, url
        self._connection: Connection | None = None
        self._failure: CallFailed | None = None
        self.waits_for: SocketWait | None = None
        self.advance()

    def advance(self, *, timed_out: bool = False) -> None:
        """Run until the next step that has to wait."""
        self.waits_for = None
        try:
            self.waits_for = self._steps.throw(TimeoutError()) if timed_out else next(self._steps)
        except StopIteration as stop:
            self._connection = stop.value
        except CallFailed as exc:
            self._failure = exc

    def connection(self) -> Connection:
        """Wait for the connection and return it. Raise NoAnswer if it fails or takes too long."""
        finish_all([self])
        connection, self._connection = self._connection, None
        if connection is None:
            # Without a failure, another exception ended the steps, and a caller has caught it since.
            raise self._failure or NoAnswer(self._url, "Could not connect to the endpoint URL:")
        return connection


class CurrentGroup(threading.local):
    """The connections of this thread that are made together, or None outside made_together()."""

    pending: list[PendingConnection] | None = None


current_group = CurrentGroup()


class MadeTogether(AbstractContextManager[None]):
    """A class, because every enqueue enters one and a generator of contextlib takes twice as long."""

    __slots__ = ("_outer", "_pending")

    def __enter__(self) -> None:
        self._outer, self._pending = current_group.pending, list[PendingConnection]()
        current_group.pending = self._pending

    def __exit__(self, *exc: object) -> None:
        current_group.pending = self._outer
        if exc[0] is None and self._pending:
            finish_all(self._pending)


def made_together() -> AbstractContextManager[None]:
    """Make all connections that calls inside the block need at its end, at the same time."""
    return MadeTogether()


def join_group(pending: PendingConnection) -> bool:
    """Add a connection to this thread's group. Return False if there is none, so that the caller waits."""
    if current_group.pending is None:
        return False
    current_group.pending.append(pending)
    return True


def finish_all(connections: Sequence[PendingConnection]) -> None:
    """Wait until each connection is made or has failed."""
    while waits := {pending: pending.waits_for for pending in connections if pending.waits_for is not None}:
        with DefaultSelector() as selector:
            for pending, wait in waits.items():
                selector.register(wait.sock, wait.events, pending)
            first_deadline = min(wait.deadline for wait in waits.values())
            events = selector.select(max(first_deadline - time.monotonic(), 0.0))
            ready = {key.data for key, _ in events}
        now = time.monotonic()
        for pending, wait in waits.items():
            if pending in ready:
                pending.advance()
            elif wait.deadline <= now:
                pending.advance(timed_out=True)
