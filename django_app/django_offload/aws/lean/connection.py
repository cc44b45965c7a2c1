"""One HTTP/1.1 connection: it sends a request and receives the response."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

from ...exceptions import NoAnswer, OffloadError, StaleConnection
from .response import Response, parse_complete, parse_headers

CHUNK_BYTES = 65_536
# Nearly every response is shorter. A larger buffer costs an allocation by the system for each response.
USUAL_BYTES = 4_096
# After this time a response has probably arrived, so that polling first would waste a system call.
SOON_SECONDS = 0.0002
# What a socket raises that cannot go on without waiting.
WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# No response of these services is nearly as large.
LARGEST_BYTES = 64 * 2**20
ENDLESS = "a response without end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service listens."""

    url: str  # As users know it.
    host: str
    port: int
    tls: bool

    @property
    def host_bytes(self) -> bytes:
        """The host as bytes; given text, Python would import its tables of international names."""
        return self.host.encode("ascii" if self.host.isascii() else "idna")

    @property
    def host_header(self) -> str:
        """The value of the header `host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def make_poll(sock: socket.socket) -> Callable[[float], object]:
    """Return a function that waits for data at most so many milliseconds, and is true if there is any."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return poll.poll
    return lambda milliseconds: select.select([sock], [], [], milliseconds / 1_000)[0]


def wait_until_ready(sock: socket.socket, events: int, deadline: float) -> None:
    """Wait until a socket can go on. Raise TimeoutError if the deadline passes first."""
    with DefaultSelector() as selector:
        selector.register(sock, events)
        if not selector.select(max(deadline - time.monotonic(), 0.0)):
            raise TimeoutError


class Connection:
    """
    A connected socket, which closes when the object is dropped. After any error it carries no more requests.

    The socket does not block. A socket with a time-out would make a system call before each step, and
    would let other threads take over each time.
    """

    def __init__(self, url: str, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.url, self._socket = url, sock
        self.used = False  # Has it received a response before?
        self.reusable = False
        self._poll = make_poll(sock)
        self._sent_at = 0.0  # By time.monotonic().

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def idle(self) -> bool:
        """Return True if the server has neither closed the connection nor sent unexpected data."""
        return not self._poll(0)

    def send(self, request: bytes, timeout: float) -> None:
        """Send a request. Raise StaleConnection or NoAnswer if that fails or takes too long."""
        self.reusable = False
        self._sent_at = time.monotonic()
        try:
            try:
                sent = self._socket.send(request)
            except WAITS:
                sent = 0
            if sent < len(request):
                unsent = memoryview(request)[sent:]
                while unsent:
                    try:
                        unsent = unsent[self._socket.send(unsent) :]
                    except WAITS as exc:
                        events = EVENT_READ if isinstance(exc, ssl.SSLWantReadError) else EVENT_WRITE
                        wait_until_ready(self._socket, events, self._sent_at + timeout)
        except OffloadError:  # A task's deadline is an OSError too, and must not cause another try.
            self.close()
            raise
        except OSError as exc:
            raise self._failed(exc, nothing_read=True) from exc

    def receive(self, timeout: float) -> Response:
        """Return the response to the request. Raise StaleConnection or NoAnswer if none arrives in time."""
        now = time.monotonic()
        reader: ResponseReader | None = None
        try:
            data = self._receive_available() if now - self._sent_at > SOON_SECONDS else None
            if data is None:
                self._poll(timeout * 1_000)
                data = self._receive_available()
            response = parse_complete(data) if data else None
            self.reusable = response is not None
            if response is None:
                reader = ResponseReader(self._socket, now + timeout)
                if data is not None:
                    reader.add(data)
                response = reader.read()
                self.reusable = reader.reusable
        except OffloadError:
            self.close()
            raise
        except (ValueError, EOFError, OSError) as exc:
            raise self._failed(exc, nothing_read=reader is None or not reader.data) from exc
        self.used = True
        return response

    def _receive_available(self) -> bytes | None:
        """Return the data that has arrived, or None if there is none, or only data of TLS itself."""
        try:
            return self._socket.recv(USUAL_BYTES)
        except WAITS:
            return None

    def _failed(self, exc: Exception, *, nothing_read: bool) -> NoAnswer:
        """Close the connection, and return the exception for the call."""
        self.close()
        if isinstance(exc, TimeoutError):
            return NoAnswer(self.url, "No answer in time from the endpoint URL:")
        if self.used and nothing_read:
            return StaleConnection(self.url)
        return NoAnswer(self.url, "An incomplete or invalid answer came from the endpoint URL:")


class ResponseReader:
    """Reads a response in parts. It knows the forms of HTTP/1.1 that parse_complete() cannot parse."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = sock, deadline
        self.data = bytearray()  # Received, and not yet parsed.
        self.reusable = False  # Can the connection carry another request afterwards?

    def read(self) -> Response:
        """Return the response. Raise ValueError, EOFError or OSError if it is invalid or incomplete."""
        status, version, headers = self.read_head()
        while 100 <= status < 200:
            status, version, headers = self.read_head()
        closes = "close" in headers.get("connection", "" if version == "HTTP/1.1" else "close").lower()
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = self.read_chunks()
        elif "content-length" in headers:
            body = self.read_bytes(int(headers["content-length"]))
        elif status in (204, 304):
            body = b""
        else:
            body, closes = self.read_to_end(), True
        self.reusable = not closes and not self.data
        return Response(status, headers, body)

    def read_head(self) -> tuple[int, str, dict[str, str]]:
        while (end := self.data.find(b"\r\n\r\n")) < 0:
            self.receive_more()
        first, *lines = self.data[:end].decode("latin-1").split("\r\n")
        del self.data[: end + 4]
        version, status, *_ = first.split(" ", 2)
        if not version.startswith("HTTP/1."):
            raise ValueError(first)
        return int(status), version, parse_headers(lines)

    def read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.read_line().partition(b";")[0], 16):
            body += self.read_bytes(size)
            if len(body) > LARGEST_BYTES:
                raise ValueError(ENDLESS)
            self.read_line()
        while self.read_line():
            continue  # Trailers.
        return bytes(body)

    def read_line(self) -> bytes:
        while (end := self.data.find(b"\r\n")) < 0:
            self.receive_more()
        return self.read_bytes(end + 2)[:-2]

    def read_bytes(self, size: int) -> bytes:
        if size < 0:
            raise ValueError("a negative length")
        while len(self.data) < size:
            self.receive_more()
        part = bytes(self.data[:size])
        del self.data[:size]
        return part

    def read_to_end(self) -> bytes:
        while True:
            try:
                self.receive_more()
            except (EOFError, ssl.SSLEOFError):
                return self.read_bytes(len(self.data))

    def receive_more(self) -> None:
        """Receive more data. Raise TimeoutError after the deadline, even if data still drips in."""
        if self._deadline <= time.monotonic():
            raise TimeoutError
        try:
            self.add(self._socket.recv(CHUNK_BYTES))
        except WAITS as exc:
            events = EVENT_WRITE if isinstance(exc, ssl.SSLWantWriteError) else EVENT_READ
            wait_until_ready(self._socket, events, self._deadline)

    def add(self, part: bytes) -> None:
        """Append received data. Raise EOFError if it is empty, because then the server has closed."""
        if not part:
            raise EOFError
        self.data += part
        if len(self.data) > LARGEST_BYTES:
            raise ValueError(ENDLESS)
