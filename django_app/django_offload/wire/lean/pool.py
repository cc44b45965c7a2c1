"""The connections to one address that wait for their next request, shared by every thread of a process."""

import socket
import ssl
import time
from collections import deque

from ...exceptions import OffloadError
from .connection import Address, Connection
from .errors import NoAnswer
from .trust import given_bundle, narrow, wide

# AWS, and what translates addresses on the way, forgets connections that were idle for minutes.
LONGEST_IDLE_SECONDS = 50.0
MOST_IDLE = 32


class Pool:
    """Hands a connection to one caller at a time; the one used last goes first."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # Its ends are changed atomically: threads need no lock.
        self._idle: deque[tuple[float, Connection]] = deque()
        self._trust: ssl.SSLContext | None = None

    def take(self) -> Connection | None:
        """Return a connection that seems to live, None if there is none."""
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # Another thread was faster.
                return None
            if time.monotonic() - since < LONGEST_IDLE_SECONDS and connection.idle():
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection whose answer was read, if it can carry another."""
        if connection.reusable and len(self._idle) < MOST_IDLE:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def open(self, timeout: float) -> Connection:
        """Return a new connection. Raise NoAnswer if there is none within `timeout` seconds."""
        address = self._address
        try:
            sock = socket.create_connection((address.host, address.port), timeout)
        except OffloadError:  # A task's deadline, which is a TimeoutError too.
            raise
        except TimeoutError as exc:
            raise NoAnswer(address.url, "Connect timeout on endpoint URL:") from exc
        except OSError as exc:
            raise NoAnswer(address.url, "Could not connect to the endpoint URL:") from exc
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return Connection(address.url, self._secured(sock) if address.tls else sock)
        except OffloadError:
            sock.close()
            raise
        except ssl.SSLCertVerificationError as exc:
            sock.close()
            if self._widened():
                return self.open(timeout)
            raise NoAnswer(
                address.url, f"TLS does not trust ({exc.verify_message}) the endpoint URL:"
            ) from exc
        except OSError as exc:
            sock.close()
            raise NoAnswer(address.url, "TLS failed with the endpoint URL:") from exc

    def close(self) -> None:
        """Close what waits."""
        while self._idle:
            self._idle.pop()[1].close()

    def _secured(self, sock: socket.socket) -> ssl.SSLSocket:
        if self._trust is None:
            self._trust = narrow(given_bundle())
        return self._trust.wrap_socket(sock, server_hostname=self._address.host)

    def _widened(self) -> bool:
        """Trust what the system trusts from now on; False if that is so already, or others were named."""
        if given_bundle() is not None or self._trust is wide():
            return False
        self._trust = wide()
        return True
