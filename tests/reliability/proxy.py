"""A TCP proxy on loopback between boto3 and the stand-in for AWS, with faults for single calls."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from urllib.parse import urlsplit

PATIENCE_SECONDS = 5.0
INVOKE = "Invoke"  # The one call whose name is in its path.
type Fault = Callable[[socket.socket, Callable[[], bytes]], None]


def reset(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Drop the connection before the call reaches AWS."""
    # Closed with this option, a socket sends RST instead of FIN.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def black_hole(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Take the call and never answer."""
    client.settimeout(PATIENCE_SECONDS)
    client.recv(1)


def half_a_reply(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Apply the call and answer with the first half."""
    reply = forward()
    client.sendall(reply[: len(reply) // 2])


def reply_lost(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Apply the call, then drop the connection."""
    forward()
    reset(client, forward)


def delay(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Answer late, but in time."""
    reply = forward()
    time.sleep(0.15)
    client.sendall(reply)


def slow_drip(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Answer a few bytes at a time."""
    reply = forward()
    for start in range(0, len(reply), 16):
        client.sendall(reply[start : start + 16])
        time.sleep(0.002)


def drip(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Answer a byte at a time, each in time, and all of them long after."""
    for byte in forward():
        client.sendall(bytes([byte]))
        time.sleep(0.3)


def answer(status: str, kind: str) -> Fault:
    """Return the fault that AWS refuses a call, which is not applied."""

    def fault(client: socket.socket, forward: Callable[[], bytes]) -> None:
        client.sendall(http(status, json.dumps({"__type": f"aws#{kind}", "message": kind})))

    fault.__name__ = kind
    return fault


def malformed(client: socket.socket, forward: Callable[[], bytes]) -> None:
    """Apply the call and answer with what is no JSON."""
    forward()
    client.sendall(http("200 OK", '{"Attributes": {"id"'))


def http(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Proxy:
    """
    Forwards calls to `upstream`; `arm` has the next of a kind fail.

    A client may keep its connection and call again; a fault ends it. An invocation goes nowhere, for moto
    would need Docker: it is accepted, and kept in `invoked`.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._armed: dict[str, tuple[Fault, int]] = {}
        self.hit: list[str] = []  # Calls that a fault met …
        self.kept: list[bool] = []  # … and whether on a connection that had carried another before.
        self.invoked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def arm(self, call: str, fault: Fault, times: int = 1) -> None:
        self._armed[call] = (fault, times)

    def disarm(self) -> None:
        self._armed.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_SECONDS)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            for number in count():
                request = read_request(client)
                fault = self._fault_for(call_of(request), kept=number > 0)
                if fault is not None:
                    fault(client, partial(self._forward, request))
                    return
                client.sendall(self._forward(request))

    def _fault_for(self, call: str, *, kept: bool) -> Fault | None:
        fault, times = self._armed.get(call, (None, 0))
        if fault is None or times == 0:
            return None
        self._armed[call] = (fault, times - 1)
        self.hit.append(call)
        self.kept.append(kept)
        return fault

    def _forward(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        if call_of(request) == INVOKE:
            self.invoked.append(body)
            return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        address = (str(self._upstream.hostname), self._upstream.port or 80)
        with socket.create_connection(address) as upstream:
            # AWS on this machine answers only to its own name.
            own_head = head.replace(urlsplit(self.endpoint).netloc.encode(), self._upstream.netloc.encode())
            upstream.sendall(own_head + b"\r\nConnection: close\r\n\r\n" + body)
            parts = iter(lambda: upstream.recv(65536), b"")
            return kept_alive(b"".join(parts))


def kept_alive(reply: bytes) -> bytes:
    """Return a reply that was read to the end of its connection as one after which another may come."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    stay = [
        line for line in headers if line.partition(b":")[0].lower() not in {b"connection", b"content-length"}
    ]
    status = b"HTTP/1.1 " + status.partition(b" ")[2]
    return b"\r\n".join([status, *stay, b"Content-Length: %d" % len(body), b"", body])


def read_request(client: socket.socket) -> bytes:
    """Return one request: its head, and as much as its Content-Length says."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part:
            raise ConnectionResetError
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    wanted = int(header(head, b"content-length") or b"0")
    while len(body) < wanted:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def call_of(request: bytes) -> str:
    """Return the name of the call, such as "UpdateItem"."""
    head = request.partition(b"\r\n\r\n")[0]
    if head.partition(b"\r\n")[0].partition(b" HTTP/")[0].endswith(b"/invocations"):
        return INVOKE
    return (header(head, b"x-amz-target") or b"").rpartition(b".")[2].decode()


def header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None
