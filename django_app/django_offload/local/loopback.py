"""HTTP servers on 127.0.0.1 that close all of their connections and threads when they stop."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from email.errors import MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..aws.loopback import LOOPBACK
from .errors import PortTaken
from .guard import Refusal, error_response, refusal

# How often a server checks whether to stop. It still answers requests at once.
POLL_SECONDS = 0.1
LARGEST_PORT = 65_535
# How many ports after the preferred one free_port() tries.
PORTS_TO_TRY = 100
# How long stop() waits for the handlers whose connections it ended.
JOIN_SECONDS = 3.0
# How much of a refused request is received, unread, so that its sender gets to the answer.
DISCARDED_BYTES = 1024 * 1024
DISCARD_SECONDS = 1.0


class StoppableServer(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """Serves each connection in its own thread, and ends all of these threads when it stops."""

    daemon_threads = True
    # Requests must be signed with it. None serves unsigned requests too.
    access_key: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open_connections: dict[threading.Thread, socket.socket] = {}
        self._serving_thread: threading.Thread | None = None
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        def serve_connection() -> None:
            try:
                self.process_request_thread(request, client_address)
            finally:
                self._open_connections.pop(threading.current_thread(), None)

        thread = threading.Thread(
            target=serve_connection, name=f"{type(self).__name__}-connection", daemon=True
        )
        self._open_connections[thread] = request
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error, because clients may disconnect and handlers report their own errors."""

    def start(self) -> None:
        """Serve in a separate thread until stop() is called."""
        self._serving_thread = threading.Thread(
            target=lambda: self.serve_forever(POLL_SECONDS), name=type(self).__name__, daemon=True
        )
        self._serving_thread.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        if self._serving_thread is None:
            return
        self.shutdown()
        self._serving_thread.join()
        self._serving_thread = None
        self.server_close()
        deadline = time.monotonic() + JOIN_SECONDS
        for thread, connection in list(self._open_connections.items()):
            with contextlib.suppress(OSError):  # The client may have closed it already.
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(max(0.0, deadline - time.monotonic()))


class GuardedRequests(BaseHTTPRequestHandler):
    """Refuses the requests of web pages and of strangers, before it reads their body."""

    # Headers and body are two writes. With Nagle, the second waits 40 ms for the first's acknowledgement.
    disable_nagle_algorithm = True
    server: Any  # A StoppableServer with the number of its port.

    def parse_request(self) -> bool:
        """Return False, and answer with an error, if the request is malformed or refused."""
        return super().parse_request() and self.is_served()

    def handle_expect_100(self) -> bool:
        """Ask for the body only if the request is served."""
        return self.is_served() and super().handle_expect_100()

    def is_served(self) -> bool:
        """Return True if the guard lets the request pass. Otherwise answer with its refusal."""
        headers = self.headers.items()
        # The parser ignores all headers after a line that it doesn't understand.
        if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in self.headers.defects):
            message = "A line of the request's head isn't a header. Use an AWS client."
            refused: Refusal | None = Refusal(code="AccessDenied", message=message)
        else:
            server = self.server
            refused = refusal(
                self.command, self.path, headers, port=server.port, access_key=server.access_key
            )
        if refused is None:
            return True
        self.close_connection = True
        extra_headers, body = error_response(refused, self.path, headers)
        self.send_response(HTTPStatus.FORBIDDEN)
        for name, value in {
            **extra_headers,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)
        self.discard_body()
        return False

    def discard_body(self) -> None:
        """Receive what the client still sends, because it wouldn't read the answer after a reset."""
        deadline = time.monotonic() + DISCARD_SECONDS
        received = 0
        with contextlib.suppress(OSError):  # The client may have closed it already, or send too slowly.
            self.connection.shutdown(socket.SHUT_WR)
            while received < DISCARDED_BYTES and (seconds_left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(seconds_left)
                part = self.connection.recv(65_536)
                if not part:
                    return
                received += len(part)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited.
        """Write nothing, so that only functions write logs."""


class RequestHandler(GuardedRequests):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: "LoopbackServer"

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def respond(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response. It is JSON unless the headers name another type."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class LoopbackServer(StoppableServer, socketserver.TCPServer):
    """
    An HTTP server on a port of 127.0.0.1. Port 0 means any free port.

    With `access_key` it serves only requests that are signed with it.
    """

    # TCPServer, because HTTPServer asks the DNS for its own name.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self, handler: type[RequestHandler], service: Any, port: int = 0, *, access_key: str | None = None
    ) -> None:
        self.service = service  # The object that the handler calls.
        self.access_key = access_key
        super().__init__((LOOPBACK, port), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def bind_port(port: int) -> socket.socket:
    """Return a socket bound to `port`. Raise OSError if another program uses the port."""
    bound_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Servers do the same, so a port counts as free while its last connections are still closing.
    bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound_socket.bind((LOOPBACK, port))
    except OSError:
        bound_socket.close()
        raise
    return bound_socket


def refuse_taken_port(port: int, purpose: str, remedy: str) -> None:
    """Raise PortTaken if another program listens on `port`."""
    try:
        bind_port(port).close()
    except OSError as exc:
        raise PortTaken(port, purpose, remedy) from exc


def free_port(preferred: int, purpose: str, remedy: str) -> int:
    """Return `preferred` or the next free port; 0 means any. Raise PortTaken if no port near it is free."""
    for port in range(preferred, min(preferred + PORTS_TO_TRY, LARGEST_PORT) + 1):
        try:
            with bind_port(port) as bound_socket:
                return int(bound_socket.getsockname()[1])
        except OSError:
            continue
    raise PortTaken(preferred, purpose, remedy)
