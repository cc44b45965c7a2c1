"""A response that is parsed in one piece equals the same response received byte by byte."""

import socket

from hypothesis import example, given
from hypothesis import strategies as st

from django_offload.aws.lean.connection import Connection
from django_offload.aws.lean.response import parse_complete
from django_offload.exceptions import NoAnswer

LINES = st.sampled_from(
    [
        "Content-Length: 2",
        "content-length:2",
        "content-length: 3",
        "Content-Length : 2",
        "Content-Length: +2",
        "Connection: keep-alive",
        "connection: close",
        "Connection: Keep-Alive, close",
        "Transfer-Encoding: chunked",
        "x-amz-crc32: 2745614147",
        "X-Amzn-RequestId: AbC",
        "x-note: content-length: 9",
        "x-amz-crc32-of: 1",
    ]
)
STARTS = ["HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content"]


class ByteByByte(socket.socket):
    """Receives its data one byte at a time."""

    left = b""

    def recv(self, size):
        byte, self.left = self.left[:1], self.left[1:]
        return byte


def slowly(data):
    """Return the response received byte by byte, and whether another may follow; None if it is invalid."""
    ours, theirs = socket.socketpair()
    sock = ByteByByte(fileno=ours.detach())
    sock.left = data
    connection = Connection("http://127.0.0.1", sock)
    theirs.send(b"there is something to read")
    with theirs:
        try:
            answer = connection.receive(5.0)
        except NoAnswer:
            return None
        finally:
            connection.close()
    return answer, connection.reusable and not sock.left


@given(st.sampled_from(STARTS), st.lists(LINES, max_size=5), st.sampled_from([b"{}", b"", b"{}x", b"{ }"]))
@example("HTTP/1.1 200 OK", ["x-amz-crc32: 2745614147", "Content-Length: 2"], b"{}")
def test_a_response_in_one_piece_equals_the_same_response_byte_by_byte(start, lines, body):
    data = "\r\n".join([start, *lines]).encode() + b"\r\n\r\n" + body

    response = parse_complete(data)

    if response is not None:
        slow = slowly(data)
        assert slow is not None, data
        assert (response.status, dict(response.headers), response.body) == (
            slow[0].status,
            dict(slow[0].headers),
            slow[0].body,
        )
        assert slow[1], "the connection can carry another response"


def test_a_typical_response_is_parsed_in_one_piece():
    data = b"HTTP/1.1 200 OK\r\nx-amz-crc32: 7\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"

    response = parse_complete(data)

    assert response is not None
    assert response.headers.get("x-amzn-requestid") is None
    assert response.headers.get("x-amz-crc32") == response.headers["x-amz-crc32"] == "7"
    assert list(response.headers) == ["x-amz-crc32", "connection", "content-length"]


def test_incomplete_responses_are_not_parsed_in_one_piece():
    assert parse_complete(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{") is None
    assert parse_complete(b"HTTP/1.1 200 OK\r\ncontent-le") is None
    assert parse_complete(b"HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n") is None
