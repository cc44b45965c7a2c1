"""The idle connections to one address, which all threads of a process share."""

import math
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable

from ...exceptions import NoAnswer, OffloadError
from .certificates import aws_context, configured_bundle, system_context
from .connecting import PendingConnection, SocketAddresses, Steps, connect_socket, start_tls
from .connection import Address, Connection

# AWS, and devices that translate addresses on the way, drop connections that are idle for minutes.
LONGEST_IDLE_SECONDS = 50.0
MOST_IDLE = 32
# A connection used so recently is not polled, because that system call lets other threads take over. If the
# server has closed it meanwhile, the call is sent again.
FRESH_SECONDS = 0.1
# Connections that are made together share one lookup of the name; later ones look it up again.
LOOKUP_SECONDS = 1.0


class Pool:
    """Gives a connection to one caller at a time, the most recently used one first."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # A deque changes atomically at its ends, so that threads need no lock.
        self._idle: deque[tuple[float, Connection]] = deque()
        self._tls_context: ssl.SSLContext | None = None
        self._lookup: tuple[float, SocketAddresses] = (-math.inf, ())

    def take(self) -> Connection | None:
        """Return an idle connection that seems alive, or None."""
        while self._idle:
            try:
                idle_since, connection = self._idle.pop()
            except IndexError:  # Another thread took the last one.
                return None
            idle_seconds = time.monotonic() - idle_since
            if idle_seconds < LONGEST_IDLE_SECONDS and (idle_seconds < FRESH_SECONDS or connection.idle()):
                return connection
            connection.close()
        return None

    def put_back(self, connection: Connection) -> None:
        """Keep a connection whose response was read, if it can carry another request."""
        if connection.reusable and len(self._idle) < MOST_IDLE:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def connect(self, request: bytes, timeout: float, send_timeout: Callable[[], float]) -> PendingConnection:
        """Start to make a connection within `timeout` seconds, which then sends the request."""
        steps = self._connect_and_send(request, time.monotonic() + timeout, send_timeout)
        return PendingConnection(steps, self._address.url)

    def _connect_and_send(self, request: bytes, deadline: float, send_timeout: Callable[[], float]) -> Steps:
        connection = yield from self._connect_steps(deadline)
        connection.send(request, send_timeout())
        return connection

    def _connect_steps(self, deadline: float) -> Steps:
        address, context = self._address, None
        if address.tls:
            context = self._tls_context = self._tls_context or aws_context(configured_bundle())
        try:
            looked_up_at, socket_addresses = self._lookup
            if time.monotonic() - looked_up_at > LOOKUP_SECONDS:
                socket_addresses = socket.getaddrinfo(
                    address.host_bytes, address.port, type=socket.SOCK_STREAM
                )
                self._lookup = (time.monotonic(), socket_addresses)
            sock = yield from connect_socket(socket_addresses, deadline)
        except OffloadError:  # A task's deadline is a TimeoutError too.
            raise
        except TimeoutError as exc:
            raise NoAnswer(address.url, "Connect timeout on the endpoint URL:") from exc
        except OSError as exc:
            raise NoAnswer(address.url, "Could not connect to the endpoint URL:") from exc
        if context is None:
            return Connection(address.url, sock)
        try:
            tls_socket = yield from start_tls(sock, context, address.host_bytes, deadline)
            return Connection(address.url, tls_socket)
        except OffloadError:
            raise
        except ssl.SSLCertVerificationError as exc:
            # Without a configured bundle, trust everything that the system trusts from now on.
            if configured_bundle() is None and context is not system_context():
                self._tls_context = system_context()
                return (yield from self._connect_steps(deadline))
            raise NoAnswer(
                address.url, f"The certificate is not trusted ({exc.verify_message}) at the endpoint URL:"
            ) from exc
        except OSError as exc:
            raise NoAnswer(address.url, "The TLS handshake failed at the endpoint URL:") from exc

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop()[1].close()
