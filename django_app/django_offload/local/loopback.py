"""HTTP servers on 127.0.0.1 that close all of their connections and threads when they stop."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..aws.loopback import LOOPBACK
from .errors import PortTaken

# How often a server checks whether to stop. It still answers requests at once.
POLL_SECONDS = 0.1
LARGEST_PORT = 65_535
# How many ports after the preferred one free_port() tries.
PORTS_TO_TRY = 100
# How long stop() waits for the handlers whose connections it ended.
JOIN_SECONDS = 3.0


class StoppableServer(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """Serves each connection in its own thread, and ends all of these threads when it stops."""

    daemon_threads = True

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


class RequestHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection without logging them, so that only functions write logs."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes. With Nagle, the second waits 40 ms for the first's acknowledgement.
    disable_nagle_algorithm = True
    server: "LoopbackServer"

    def parse_request(self) -> bool:
        """Return False, and refuse the request, if it comes from a page in a browser."""
        if not super().parse_request():
            return False
        if "Origin" not in self.headers:  # Browsers send it, AWS clients don't.
            return True
        self.close_connection = True
        self.send_error(HTTPStatus.FORBIDDEN)
        return False

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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited.
        pass


class LoopbackServer(StoppableServer, socketserver.TCPServer):
    """An HTTP server on a port of 127.0.0.1. Port 0 means any free port."""

    # TCPServer, because HTTPServer asks the DNS for its own name.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, handler: type[RequestHandler], service: Any, port: int = 0) -> None:
        self.service = service  # The object that the handler calls.
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
