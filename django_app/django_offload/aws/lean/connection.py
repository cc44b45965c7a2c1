"""One HTTP/1.1 connection: a request goes out, its answer comes in."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from ...exceptions import NoAnswer, OffloadError, StaleConnection
from .answer import Answer, headers_of, usual

CHUNK_BYTES = 65_536
# Nearly every answer is shorter; memory for the largest would be asked of the system for each.
USUAL_BYTES = 4_096
# An answer asked for later than that has probably come: to look first takes a call to the system for nothing.
SOON_SECONDS = 0.0002
# What a socket raises that cannot go on without waiting.
WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# No answer of the services spoken to is near that size.
LARGEST_BYTES = 64 * 2**20
ENDLESS = "an answer without end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service listens."""

    url: str  # As people know it.
    host: str
    port: int
    tls: bool

    @property
    def host_bytes(self) -> bytes:
        """The host as the system takes it: for text Python would import its tables of international names."""
        return self.host.encode("ascii" if self.host.isascii() else "idna")

    @property
    def named(self) -> str:
        """The header `host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def _watch(sock: socket.socket) -> Callable[[float], object]:
    """Return what waits so many milliseconds, at most, for something to read, and tells whether there is."""
    if hasattr(select, "poll"):
        watch = select.poll()
        watch.register(sock, select.POLLIN)
        return watch.poll
    return lambda wait: select.select([sock], [], [], wait / 1_000)[0]


def _wait(sock: socket.socket, events: int, ends: float) -> None:
    """Wait until a socket can go on. Raise TimeoutError if that takes longer."""
    with DefaultSelector() as selector:
        selector.register(sock, events)
        if not selector.select(max(ends - time.monotonic(), 0.0)):
            raise TimeoutError


class Connection:
    """
    A socket to an address. Whoever drops it closes it; whatever goes wrong makes it unfit for more.

    The socket never waits by itself: one with a time-out asks the system before each step whether it can
    go on, and lets other threads take over that often.
    """

    def __init__(self, url: str, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.url, self._socket = url, sock
        self.used = False  # Has it carried an answer already?
        self.reusable = False
        self._readable = _watch(sock)
        self._sent = self._ends = 0.0  # By time.monotonic().

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def idle(self) -> bool:
        """Tell whether nothing came in since the last answer: neither an end nor what nobody asked for."""
        return not self._readable(0)

    def send(self, request: bytes, timeout: float) -> None:
        """Send a request. Raise StaleConnection, or NoAnswer, if it cannot be sent in time."""
        self.reusable = False
        self._sent = time.monotonic()
        try:
            try:
                sent = self._socket.send(request)
            except WAITS:
                sent = 0
            if sent < len(request):
                self._send_rest(memoryview(request)[sent:], self._sent + timeout)
        except OffloadError:  # A task's deadline, which is an OSError too: nothing to try again.
            self.close()
            raise
        except OSError as exc:
            raise self._failed(exc, nothing_read=True) from exc

    def receive(self, timeout: float) -> Answer:
        """Return the answer to the request that was sent. Raise as send() does if that takes longer."""
        now = time.monotonic()
        data, self._ends = bytearray(), now + timeout
        try:
            first = self._come() if now - self._sent > SOON_SECONDS else None
            if first is None:
                self._readable(timeout * 1_000)
                first = self._come()
            answer = usual(first) if first else None
            self.reusable = answer is not None
            if answer is None:
                if first is not None:
                    self._keep(first, data)
                answer = self._answer(data)
        except OffloadError:
            self.close()
            raise
        except (ValueError, EOFError, OSError) as exc:
            raise self._failed(exc, nothing_read=not data) from exc
        self.used = True
        return answer

    def _come(self) -> bytes | None:
        """Return what has come, None if that is nothing, or only TLS's own."""
        try:
            return self._socket.recv(USUAL_BYTES)
        except WAITS:
            return None

    def _send_rest(self, rest: memoryview, ends: float) -> None:
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except WAITS as exc:
                reads = isinstance(exc, ssl.SSLWantReadError)
                _wait(self._socket, EVENT_READ if reads else EVENT_WRITE, ends)

    def _failed(self, exc: Exception, *, nothing_read: bool) -> NoAnswer:
        """Close, and return what that means for the call."""
        self.close()
        if isinstance(exc, TimeoutError):
            return NoAnswer(self.url, "No answer in time from endpoint URL:")
        if self.used and nothing_read:
            return StaleConnection(self.url)
        return NoAnswer(self.url, "The answer broke off, or is none, from endpoint URL:")

    def _answer(self, data: bytearray) -> Answer:
        status, version, headers = self._head(data)
        while 100 <= status < 200:
            status, version, headers = self._head(data)
        closes = "close" in headers.get("connection", "" if version == "HTTP/1.1" else "close").lower()
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunks(data)
        elif "content-length" in headers:
            body = self._take(data, int(headers["content-length"]))
        elif status in (204, 304):
            body = b""
        else:
            body, closes = self._rest(data), True
        self.reusable = not closes and not data
        return Answer(status, headers, body)

    def _head(self, data: bytearray) -> tuple[int, str, dict[str, str]]:
        while (end := data.find(b"\r\n\r\n")) < 0:
            self._more(data)
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        del data[: end + 4]
        version, status, *_ = first.split(" ", 2)
        if not version.startswith("HTTP/1."):
            raise ValueError(first)
        return int(status), version, headers_of(lines)

    def _more(self, data: bytearray) -> None:
        """Read on, for as long as is left: an answer that drips must not outlive its time."""
        if self._ends <= time.monotonic():
            raise TimeoutError
        try:
            self._keep(self._socket.recv(CHUNK_BYTES), data)
        except WAITS as exc:
            writes = isinstance(exc, ssl.SSLWantWriteError)
            _wait(self._socket, EVENT_WRITE if writes else EVENT_READ, self._ends)

    def _keep(self, part: bytes, data: bytearray) -> None:
        if not part:
            raise EOFError
        data += part
        if len(data) > LARGEST_BYTES:
            raise ValueError(ENDLESS)

    def _take(self, data: bytearray, size: int) -> bytes:
        if size < 0:
            raise ValueError("a negative length")
        while len(data) < size:
            self._more(data)
        taken = bytes(data[:size])
        del data[:size]
        return taken

    def _chunks(self, data: bytearray) -> bytes:
        body = bytearray()
        while size := int(self._line(data).partition(b";")[0], 16):
            body += self._take(data, size)
            if len(body) > LARGEST_BYTES:
                raise ValueError(ENDLESS)
            self._line(data)
        while self._line(data):
            continue  # Trailers.
        return bytes(body)

    def _line(self, data: bytearray) -> bytes:
        while (end := data.find(b"\r\n")) < 0:
            self._more(data)
        return self._take(data, end + 2)[:-2]

    def _rest(self, data: bytearray) -> bytes:
        while True:
            try:
                self._more(data)
            except (EOFError, ssl.SSLEOFError):
                return self._take(data, len(data))
