"""Calls over real sockets: reused and stale connections, retries, and the time budget."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_offload.aws import within
from django_offload.aws.lean.connection import Connection
from django_offload.exceptions import NoAnswer, OutOfTime, Refusal, StaleConnection
from tests.unit.aws.server import closes, raw, says, serving

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}
THROTTLED = says(b'{"__type": "x#ThrottlingException"}', "400 Bad Request")
BROKEN = says(b"", "500 Internal Server Error")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_threads_share_idle_connections():
    with serving() as (server, client):
        for _ in range(3):
            client.get_item(**GET)
            threading.Thread(target=client.get_item, kwargs=GET).run()
            worker = threading.Thread(target=client.get_item, kwargs=GET)
            worker.start()
            worker.join()

        assert (server.connections, len(server.requests)) == (1, 9)


def test_concurrent_calls_use_separate_connections():
    with serving() as (server, client), ThreadPoolExecutor(8) as threads:
        barrier = threading.Barrier(8)

        def call(number):
            barrier.wait(10)
            return [client.get_item(**GET) for _ in range(25)]

        results = list(threads.map(call, range(8)))

        assert results == [[{}] * 25] * 8
        assert server.connections <= 8
        assert len(server.requests) == 200


def test_two_calls_are_under_way_before_either_is_answered():
    met = threading.Barrier(2)

    def answer(connection):
        met.wait(10)
        return says()(connection)

    with serving(answer, answer) as (server, client):
        first, second = client.begin("get_item", **GET), client.begin("get_item", **GET)

        assert (first.result(), second.result()) == ({}, {})
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        raw(CHUNKED + b'5\r\n{"a":\r\n5;x=y\r\n"bc"}\r\n0\r\nTrailer: x\r\n\r\n'),
        raw(b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a":"bc"}'),
        raw(b'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"a":"bc"}', stays=False),
        raw(b'HTTP/1.0 200 OK\r\ncontent-length: 10\r\n\r\n{"a":"bc"}', stays=False),
        raw(b'HTTP/1.1 200 \r\nCONTENT-LENGTH:10\r\n\r\n{"a":"bc"}'),
        raw(b'HTTP/1.1 200 OK\r\nContent-Length : 10\r\n\r\n{"a":"bc"}'),
        raw(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\ncontent-length:10\r\n\r\n{"a":"bc"}'),
    ],
    ids=[
        "chunks",
        "after an interim answer",
        "until the end",
        "of HTTP/1.0",
        "bare",
        "by a name with a blank",
        "twice",
    ],
)
def test_every_way_to_state_the_length_of_a_response_is_read(answer):
    with serving(answer) as (server, client):
        assert client.get_item(**GET) == {"a": "bc"}
        assert client.get_item(**GET) == {}
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        closes,
        raw(b"HTTP/1.1 200 OK\r\nconte", stays=False),
        raw(b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a":', stays=False),
        raw(CHUNKED + b'5\r\n{"a":\r\n', stays=False),
        raw(CHUNKED + b"x\r\n"),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", stays=False),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nContent-Length: 2\r\n\r\n{}"),
        says(b'{"Item": '),
        says(b"[]"),
        says(headers="x-amz-crc32: 1\r\n"),
        BROKEN,
    ],
    ids=range(12),
)
def test_an_invalid_response_is_retried_on_another_connection(answer, pauses):
    with serving(answer) as (server, client):
        assert client.get_item(**GET) == {}

        assert pauses == [0.025]
        assert len(server.requests) == 2
        assert client.get_item(**GET) == {}


class Endless(socket.socket):
    """Receives one chunk after the other."""

    first = iter([CHUNKED])

    def recv(self, size):
        return next(self.first, b"8\r\n        \r\n")


def test_chunks_without_end_are_an_invalid_response(monkeypatch):
    monkeypatch.setattr("django_offload.aws.lean.connection.LARGEST_BYTES", 100)
    ours, theirs = socket.socketpair()

    theirs.send(b"there is something to read")
    with theirs, pytest.raises(NoAnswer, match="incomplete or invalid answer"):
        Connection("http://127.0.0.1", Endless(fileno=ours.detach())).receive(2.0)


@pytest.mark.parametrize("header", ["close", "Close, x", "x,close"])
def test_a_connection_that_the_server_closes_is_not_kept(header):
    with serving(says(headers=f"connection: {header}\r\n")) as (_, client):
        client.get_item(**GET)

        assert not client.pool._idle


def test_the_exception_of_the_last_try_is_raised(pauses):
    with serving(BROKEN, THROTTLED, raw(b"HTTP/1.1 200", stays=False), THROTTLED) as (server, client):
        with pytest.raises(Refusal) as caught:
            client.get_item(**GET)

        assert caught.value.code == "ThrottlingException"
        assert pauses == [0.025, 2.0, 0.1]
        assert len(server.requests) == 4
        assert str(caught.value).startswith("AWS refused GetItem with ThrottlingException. Look the code up")


def test_a_permanent_refusal_is_not_retried(pauses):
    refused = says(b'{"__type": "x#AccessDeniedException", "Message": "No."}', "400 Bad Request")
    with serving(refused) as (server, client):
        with pytest.raises(Refusal, match=r"AccessDeniedException: No\. Look the code up"):
            client.get_item(**GET)

        assert (len(server.requests), pauses) == (1, [])
        assert client.get_item(**GET) == {}
        assert server.connections == 1


def test_a_connection_that_was_closed_while_it_waited_is_not_used(pauses):
    with serving() as (server, client):
        client.get_item(**GET)
        server.cut()
        ((_, connection),) = client.pool._idle
        ends = time.monotonic() + 10
        while connection.idle() and time.monotonic() < ends:
            continue

        assert client.get_item(**GET) == {}
        assert (len(server.requests), server.connections, pauses) == (2, 2, [])


def test_a_connection_that_breaks_before_the_response_is_replaced_at_once(pauses):
    with serving(says(), closes) as (server, client):
        client.get_item(**GET)

        assert client.get_item(**GET) == {}
        assert (len(server.requests), server.connections, pauses) == (3, 2, [])


def test_a_connection_that_breaks_within_the_response_is_a_failed_try(pauses):
    with serving(says(), raw(b"HTTP/1.1 200", stays=False), tries=1) as (server, client):
        client.get_item(**GET)

        with pytest.raises(NoAnswer, match="incomplete or invalid answer") as caught:
            client.get_item(**GET)
        assert not isinstance(caught.value, StaleConnection)
        assert len(server.requests) == 2


def test_a_connection_that_was_idle_for_long_is_not_used(monkeypatch):
    monkeypatch.setattr("django_offload.aws.lean.pool.LONGEST_IDLE_SECONDS", 0.0)
    with serving() as (server, client):
        client.get_item(**GET)
        client.get_item(**GET)

        assert server.connections == 2


def test_a_dropped_call_closes_its_connection():
    requested = threading.Event()

    def late(connection):
        requested.set()
        return says(b'{"late": true}')(connection)

    with serving(late) as (server, client):
        call = client.begin("get_item", **GET)
        assert requested.wait(10)
        del call

        assert client.get_item(**GET) == {}
        assert server.connections == 2


def test_an_unreachable_endpoint_raises_an_error_with_a_hint(pauses):
    with serving() as (server, client):
        server.close()

        with pytest.raises(NoAnswer) as caught:
            client.get_item(**GET)

    assert str(caught.value) == (
        f'AWS was not reached: Could not connect to the endpoint URL: "{server.url}". '
        "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local."
    )
    assert pauses == [0.025, 0.05, 0.1]


def test_a_pause_longer_than_the_time_budget_is_not_started(pauses):
    with serving(THROTTLED, THROTTLED) as (server, client), within(lambda: 1.5):
        with pytest.raises(Refusal):
            client.get_item(**GET)

        assert (len(server.requests), pauses) == (1, [])


def test_waiting_ends_with_the_time_budget(pauses):
    begun = time.monotonic()
    silence = threading.Event()
    with serving(lambda connection: silence.wait(10)) as (_, client):
        with (
            within(lambda: begun + 0.9 - time.monotonic()),
            pytest.raises(NoAnswer, match="No answer in time"),
        ):
            client.get_item(**GET)
        silence.set()

    assert time.monotonic() - begun < 5


def test_without_time_left_nothing_is_sent():
    with serving() as (server, client):
        with within(lambda: 0.5), pytest.raises(OutOfTime):
            client.get_item(**GET)

        assert server.requests == []


def test_a_response_that_has_arrived_is_read_after_the_time_is_up():
    left = [8.0]
    with serving() as (server, client), within(lambda: left[0]):
        call = client.begin("get_item", **GET)
        ends = time.monotonic() + 10
        while not server.requests and time.monotonic() < ends:
            continue
        left[0] = 0.1

        assert call.result() == {}
