"""
A stand-in for AWS that answers at once, or after a delay: it does next to nothing, so that only clients cost.

    python -m tests.benchmarks.stub --delay 5 --tls cert.pem --due 4000

prints its URL, serves until its standard input ends, and says at /counts what was called.
"""

import argparse
import asyncio
import json
import ssl
import sys
from collections import Counter
from collections.abc import Mapping

from tests.benchmarks.held import Held

ANSWERS: Mapping[str, object] = {
    "GetQueueUrl": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/bench-default"},
    "GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
    "GetParameters": {"Parameters": [{"Name": "/bench/key", "Value": "of-benchmarks-only"}]},
    "BatchWriteItem": {"UnprocessedItems": {}},
}
# A receipt that found nothing: SQS would wait for up to 20 s.
EMPTY_SECONDS = 0.02


class Counted:
    """What was called since the start, or since it was last asked for."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()  # By the first call that each of them carried.
        self.bytes_in = 0

    def take(self) -> bytes:
        said = {"calls": self.calls, "connections": self.connections, "bytes_in": self.bytes_in}
        text = json.dumps(said).encode()
        self.__init__()  # type: ignore[misc]
        return text


class Stub(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, counted: Counted, held: Held, delay: float) -> None:
        self._counted, self._held, self._delay = counted, held, delay
        self._data, self._fresh = b"", True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            size = int(field(head, b"content-length") or b"0")
            if b"expect: 100-continue" in head and len(self._data) == end + 4:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self._data) < end + 4 + size:
                return
            body, self._data = self._data[end + 4 : end + 4 + size], self._data[end + 4 + size :]
            if head.startswith(b"get /counts"):
                self._transport.write(http(b"200 OK", self._counted.take()))
            else:
                self._reply(head, body)

    def _reply(self, head: bytes, body: bytes) -> None:
        target = field(head, b"x-amz-target").rpartition(b".")[2].decode()
        name = OPERATIONS.get(target, "Invoke" if b"/functions/" in head else target)
        self._counted.calls[name] += 1
        self._counted.connections[name] += self._fresh
        self._fresh = False
        self._counted.bytes_in += len(head) + len(body)
        answer, delay = self._answer(name, body), self._delay
        if name == "ReceiveMessage" and answer == EMPTY:
            delay += EMPTY_SECONDS
        if delay:
            asyncio.get_running_loop().call_later(delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _answer(self, name: str, body: bytes) -> bytes:
        if name == "Invoke":
            return http(b"202 Accepted", b"")
        if (answer := getattr(self._held, name, None)) is not None:
            return http(b"200 OK", json.dumps(answer(json.loads(body))).encode())
        return http(b"200 OK", PREPARED.get(name, b"{}"))


def field(head: bytes, name: bytes) -> bytes:
    """Return a header's value out of a head in lower case, empty where it is missing."""
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


def http(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\nx-amzn-requestid: 00000000-0000-0000-0000-000000000000\r\n" % status
    head += b"date: Sun, 22 Nov 2026 12:00:00 GMT\r\ncontent-type: application/x-amz-json-1.0\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


EMPTY = http(b"200 OK", b"{}")
PREPARED = {name: json.dumps(answer).encode() for name, answer in ANSWERS.items()}
NAMES = ("PutItem", "DeleteMessage", "ChangeMessageVisibility")
OPERATIONS = {name.lower(): name for name in (*ANSWERS, *NAMES, *Held.OPERATIONS)}


async def serve(delay: float, certificate: str | None, due: int) -> None:
    """Serve until standard input ends."""
    loop, counted, held, context = asyncio.get_running_loop(), Counted(), Held(due), None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await loop.create_server(lambda: Stub(counted, held, delay), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if context else 'http'}://localhost:{port}" if context else f"http://127.0.0.1:{port}")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds until each answer")
    parser.add_argument("--tls", help="a PEM file with a key and a certificate for localhost")
    parser.add_argument("--due", type=int, default=0, help="how many deferred tasks are due")
    given = parser.parse_args()
    asyncio.run(serve(given.delay / 1000, given.tls, given.due))


if __name__ == "__main__":
    main()
