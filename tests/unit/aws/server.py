"""A server on loopback that follows a script, request by request, and records the requests."""

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django_offload.aws.lean import SERVICES, Client
from django_offload.aws.lean.endpoint import Endpoint, address_of

PATIENCE_SECONDS = 10.0
# A step of the script, which answers one request. If it returns False, the connection is closed.
type Answering = Callable[[socket.socket], bool]


def says(body: bytes = b"{}", status: str = "200 OK", headers: str = "", *, stays: bool = True) -> Answering:
    """Return a step that sends a response whose length is known."""
    head = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode()
    return raw(head + body, stays=stays)


def raw(data: bytes, *, stays: bool = True) -> Answering:
    """Return a step that sends exactly these bytes."""

    def answer(connection: socket.socket) -> bool:
        connection.sendall(data)
        return stays

    return answer


def closes(connection: socket.socket) -> bool:
    """Close the connection without a response."""
    return False


class Scripted:
    """Answers requests on all connections by its script, and with `{}` after the end of the script."""

    def __init__(
        self, *script: Answering, tls: ssl.SSLContext | None = None, meeting: threading.Barrier | None = None
    ) -> None:
        self.script, self._tls = deque(script), tls
        self._meeting = meeting  # All connections wait here before the server reads from any of them.
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._meeting is not None:
            self._meeting.abort()
        self.cut()

    def cut(self) -> None:
        """Close every connection, as a server does with idle ones after some minutes."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, threading.BrokenBarrierError):
            connection.settimeout(PATIENCE_SECONDS)
            if self._meeting is not None:
                self._meeting.wait(PATIENCE_SECONDS)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self.connections += 1
            self._open.append(connection)
            with connection:
                while request := _read(connection):
                    self.requests.append(request)
                    answer = self.script.popleft() if self.script else says()
                    if not answer(connection):
                        return


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(
    *script: Answering,
    service: str = "dynamodb",
    tls: ssl.SSLContext | None = None,
    tries: int = 4,
    meeting: threading.Barrier | None = None,
) -> Iterator[tuple[Scripted, Client]]:
    """Run a server with this script, and yield it with a lean client."""
    server = Scripted(*script, tls=tls, meeting=meeting)
    address = address_of(server.url)
    assert address is not None
    client = Client(SERVICES[service](), Endpoint(address=address, region="eu-west-1"), 5.0, 5.0, tries)
    try:
        yield server, client
    finally:
        client.close()
        server.close()
