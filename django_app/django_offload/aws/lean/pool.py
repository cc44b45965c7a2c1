"""The connections to one address that wait for their next request, shared by every thread of a process."""

import math
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable

from ...exceptions import NoAnswer, OffloadError
from .connection import Address, Connection
from .opening import Opening, Steps
from .steps import Places, connected, secured
from .trust import given_bundle, narrow, wide

# AWS, and what translates addresses on the way, forgets connections that were idle for minutes.
LONGEST_IDLE_SECONDS = 50.0
MOST_IDLE = 32
# One used so lately is not looked at, for that takes a call to the system, where other threads take over; had
# it ended meanwhile, the call would be sent once more.
FRESH_SECONDS = 0.1
# Connections that are made together ask once where to; who comes later asks again.
PLACES_SECONDS = 1.0


class Pool:
    """Hands a connection to one caller at a time; the one used last goes first."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # Its ends are changed atomically: threads need no lock.
        self._idle: deque[tuple[float, Connection]] = deque()
        self._trust: ssl.SSLContext | None = None
        self._asked: tuple[float, Places] = (-math.inf, ())

    def take(self) -> Connection | None:
        """Return a connection that seems to live, None if there is none."""
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # Another thread was faster.
                return None
            waited = time.monotonic() - since
            if waited < LONGEST_IDLE_SECONDS and (waited < FRESH_SECONDS or connection.idle()):
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keep a connection whose answer was read, if it can carry another."""
        if connection.reusable and len(self._idle) < MOST_IDLE:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def opening(self, request: bytes, timeout: float, send_timeout: Callable[[], float]) -> Opening:
        """Begin to make a connection, within `timeout` seconds, that then sends this request."""
        return Opening(self._made(request, time.monotonic() + timeout, send_timeout), self._address.url)

    def _made(self, request: bytes, ends: float, send_timeout: Callable[[], float]) -> Steps:
        connection = yield from self._connected(ends)
        connection.send(request, send_timeout())
        return connection

    def _connected(self, ends: float) -> Steps:
        address, trust = self._address, None
        if address.tls:
            trust = self._trust = self._trust or narrow(given_bundle())
        try:
            sock = yield from connected(self._places(), ends)
        except OffloadError:  # A task's deadline, which is a TimeoutError too.
            raise
        except TimeoutError as exc:
            raise NoAnswer(address.url, "Connect timeout on endpoint URL:") from exc
        except OSError as exc:
            raise NoAnswer(address.url, "Could not connect to the endpoint URL:") from exc
        if trust is None:
            return Connection(address.url, sock)
        try:
            return Connection(address.url, (yield from secured(sock, trust, address.host_bytes, ends)))
        except OffloadError:
            raise
        except ssl.SSLCertVerificationError as exc:
            if self._widened(trust):
                return (yield from self._connected(ends))
            raise NoAnswer(
                address.url, f"TLS does not trust ({exc.verify_message}) the endpoint URL:"
            ) from exc
        except OSError as exc:
            raise NoAnswer(address.url, "TLS failed with the endpoint URL:") from exc

    def _places(self) -> Places:
        """Return where the address is."""
        asked, places = self._asked
        if time.monotonic() - asked > PLACES_SECONDS:
            places = socket.getaddrinfo(self._address.host_bytes, self._address.port, type=socket.SOCK_STREAM)
            self._asked = (time.monotonic(), places)
        return places

    def close(self) -> None:
        """Close what waits."""
        while self._idle:
            self._idle.pop()[1].close()

    def _widened(self, failed: ssl.SSLContext) -> bool:
        """Trust what the system trusts from now on; False if that is what failed, or others were named."""
        if given_bundle() is not None or failed is wide():
            return False
        self._trust = wide()
        return True
