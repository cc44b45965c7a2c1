"""HTTP servers on 127.0.0.1 that end when told to, with every connection and thread of theirs."""

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

# How often a server looks whether it shall stop; it answers requests at once.
TICK_SECONDS = 0.1
LARGEST_PORT = 65_535
# How many ports after the wanted one are tried.
NEAR = 100
# How long to wait for handlers whose connection was ended.
PATIENCE_SECONDS = 3.0


class Tracked(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """A thread per connection, all of which end with the server."""

    daemon_threads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open: dict[threading.Thread, socket.socket] = {}
        self._loop: threading.Thread | None = None
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve,
            args=(request, client_address),
            name=f"{type(self).__name__}-connection",
            daemon=True,
        )
        self._open[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is no news here, and handlers answer for their own errors."""

    def start(self) -> None:
        """Serve in a thread of its own until `stop()`."""
        self._loop = threading.Thread(
            target=lambda: self.serve_forever(TICK_SECONDS), name=type(self).__name__, daemon=True
        )
        self._loop.start()

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        if self._loop is None:
            return
        self.shutdown()
        self._loop.join()
        self._loop = None
        self.server_close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for thread, request in list(self._open.items()):
            end_connection(request)
            thread.join(max(0.0, deadline - time.monotonic()))


class Door(BaseHTTPRequestHandler):
    """Answers the requests of one connection, and logs none: what functions say is the log."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: otherwise the second waits 40 ms for the first's acknowledgement.
    disable_nagle_algorithm = True
    server: "LoopbackServer"

    def parse_request(self) -> bool:
        """Return whether to answer a request: not one by a page that a browser here has open."""
        if not super().parse_request():
            return False
        if "Origin" not in self.headers:  # Which browsers give, and clients of AWS do not.
            return True
        self.close_connection = True
        self.send_error(HTTPStatus.FORBIDDEN)
        return False

    def read(self) -> bytes:
        """Return the request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response; JSON, unless the headers say otherwise."""
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


class LoopbackServer(Tracked, socketserver.TCPServer):
    """An HTTP server on a port of 127.0.0.1 (any free one, unless told)."""

    # TCPServer, since HTTPServer asks the DNS for its own name.
    allow_reuse_address = True
    request_queue_size = 128

    # `owner` is what the handler serves.
    def __init__(self, handler: type[Door], owner: Any, port: int = 0) -> None:
        self.owner = owner
        super().__init__((LOOPBACK, port), handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def end_connection(request: socket.socket) -> None:
    """End a connection that another thread may be waiting on."""
    with contextlib.suppress(OSError):  # It may have ended by itself.
        request.shutdown(socket.SHUT_RDWR)


def refuse_taken_port(port: int, purpose: str, remedy: str) -> None:
    """Raise PortTaken if another program listens on `port`."""
    try:
        bound(port).close()
    except OSError as exc:
        raise PortTaken(port, purpose, remedy) from exc


def bound(port: int) -> socket.socket:
    """Return a socket that holds `port`. Raise OSError if another program listens there."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: a port whose last connections are still closing is free.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        probe.close()
        raise
    return probe


def free_port(wanted: int, purpose: str, remedy: str) -> int:
    """Return `wanted`, or the next free port; 0 means any. Raise PortTaken if all near it are taken."""
    for port in range(wanted, min(wanted + NEAR, LARGEST_PORT) + 1):
        try:
            with bound(port) as probe:
                return int(probe.getsockname()[1])
        except OSError:
            continue
    raise PortTaken(wanted, purpose, remedy)
