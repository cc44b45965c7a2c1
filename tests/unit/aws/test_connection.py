"""A connection to a slow server: requests and responses travel in parts, and time-outs apply."""

import socket
import ssl
import threading
import time

import pytest

from django_offload.aws.lean.connection import Connection
from django_offload.exceptions import NoAnswer

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
# More than the buffers of the system take.
LARGE = b"x" * 4_000_000


@pytest.fixture(params=["plain", "TLS 1.2", "TLS 1.3"])
def pair(request, certificate):
    """A connection, and the server's socket."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    if request.param != "plain":
        client = ssl.create_default_context(cafile=certificate.path)
        client.check_hostname = False
        client.maximum_version = ssl.TLSVersion[request.param.replace(" ", "v").replace(".", "_")]
        shaken = []
        wrap = threading.Thread(
            target=lambda: shaken.append(certificate.context.wrap_socket(theirs, server_side=True))
        )
        wrap.start()
        ours = client.wrap_socket(ours)
        wrap.join()
        (theirs,) = shaken
    connection = Connection("http://127.0.0.1", ours)
    yield connection, theirs
    connection.close()
    theirs.close()


def read(sock, size):
    data = b""
    while len(data) < size and (part := sock.recv(size - len(data))):
        data += part
    return data


def test_a_request_larger_than_the_buffers_is_sent_in_parts(pair):
    connection, theirs = pair
    got = []

    def slow():
        time.sleep(0.1)
        got.append(read(theirs, len(LARGE)))
        theirs.sendall(ANSWER)

    reader = threading.Thread(target=slow)
    reader.start()
    connection.send(LARGE, 10.0)
    answer = connection.receive(10.0)
    reader.join()

    assert got == [LARGE]
    assert answer.body == b"{}"
    assert connection.reusable


def test_sending_to_a_server_that_reads_nothing_times_out(pair):
    connection, _ = pair
    before = time.monotonic()

    with pytest.raises(NoAnswer, match="No answer in time"):
        connection.send(LARGE, 0.2)

    assert 0.2 <= time.monotonic() - before < 5


def test_a_missing_response_times_out(pair):
    connection, theirs = pair
    connection.send(b"POST", 1.0)
    assert theirs.recv(10) == b"POST"
    before = time.monotonic()

    with pytest.raises(NoAnswer, match="No answer in time"):
        connection.receive(0.2)

    assert 0.2 <= time.monotonic() - before < 5


@pytest.mark.parametrize("cut", [1, 20, len(ANSWER) - 1])
def test_a_response_in_two_parts_is_received(pair, cut):
    connection, theirs = pair

    def answer():
        theirs.sendall(ANSWER[:cut])
        time.sleep(0.1)
        theirs.sendall(ANSWER[cut:])

    talker = threading.Thread(target=answer)
    talker.start()

    assert connection.receive(10.0).body == b"{}"
    talker.join()


def test_a_response_that_stops_times_out(pair):
    connection, theirs = pair
    theirs.sendall(ANSWER[:20])
    before = time.monotonic()

    with pytest.raises(NoAnswer, match="No answer in time"):
        connection.receive(0.2)

    assert 0.2 <= time.monotonic() - before < 5


def test_a_response_in_one_tls_record_is_read_completely(pair):
    """The system does not report data again that TLS has already read."""
    connection, theirs = pair
    body = b"y" * 12_000
    theirs.sendall(ANSWER.replace(b"2\r\n", b"12000\r\n").replace(b"{}", body))

    assert connection.receive(5.0).body == body


@pytest.mark.parametrize(("sent_ago", "waits"), [(10.0, 0), (-10.0, 1)], ids=["late", "soon"])
def test_a_response_that_has_arrived_is_not_waited_for(sent_ago, waits):
    ours, theirs = socket.socketpair()
    connection, waited = Connection("http://127.0.0.1", ours), []
    connection.send(b"POST", 1.0)
    theirs.sendall(ANSWER)
    connection._sent_at = time.monotonic() - sent_ago
    connection._poll = waited.append

    with theirs:
        assert connection.receive(5.0).body == b"{}"
    connection.close()

    assert len(waited) == waits
