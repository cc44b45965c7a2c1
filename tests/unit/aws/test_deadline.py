"""Calls end in time: at a task's deadline while they wait, and even if their response drips in."""

import signal
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest

from django_offload.aws.lean import connection as module
from django_offload.aws.lean.connection import Connection
from django_offload.exceptions import DeadlineExceeded, NoAnswer
from tests.unit.aws.server import serving

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}


def struck(*args, **kwargs):
    raise DeadlineExceeded(0.5)


@pytest.fixture
def alarm():
    """Make the alarm raise the exception that it raises in a worker."""
    before = signal.signal(signal.SIGALRM, struck)
    yield
    signal.signal(signal.SIGALRM, before)


class Struck(socket.socket):
    """A socket whose waits are interrupted by the deadline."""

    send = recv = struck


@pytest.mark.parametrize("step", ["send", "receive"])
def test_a_deadline_during_a_wait_propagates_and_closes_the_connection(step):
    ours, theirs = socket.socketpair()
    sock = Struck(fileno=ours.detach())
    connection = Connection("http://127.0.0.1", sock)

    theirs.send(b"there is something to read")

    with theirs, pytest.raises(DeadlineExceeded):
        connection.send(b"POST", 5.0) if step == "send" else connection.receive(5.0)

    assert sock.fileno() == -1


@pytest.mark.parametrize(("kind", "wait"), [(socket.socket, "connect_ex"), (ssl.SSLSocket, "do_handshake")])
def test_a_deadline_while_connecting_propagates(monkeypatch, kind, wait):
    monkeypatch.setattr(kind, wait, struck)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with serving(tls=context) as (_, client), pytest.raises(DeadlineExceeded):
        client.get_item(**GET)


def test_a_deadline_ends_the_call_that_waits_for_an_answer(alarm, pauses):
    silence = threading.Event()

    def silent(connection):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)
        silence.wait(10)
        return False

    with serving(silent) as (server, client):
        with pytest.raises(DeadlineExceeded):
            client.get_item(**GET)
        silence.set()

        assert (len(server.requests), pauses) == (1, [])


class Dripping(socket.socket):
    """Receives a byte of the response every 0.3 s, by a clock of its own."""

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    now = 0.0

    def recv(self, size):
        self.now += 0.3
        byte, self.answer = self.answer[:1], self.answer[1:]
        return byte


@pytest.mark.parametrize(("seconds", "in_time"), [(1.5, False), (0.3 * 40 + 0.1, True)])
def test_a_dripping_response_has_to_end_within_one_time_out(monkeypatch, seconds, in_time):
    ours, theirs = socket.socketpair()
    sock = Dripping(fileno=ours.detach())
    connection = Connection("http://127.0.0.1", sock)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: sock.now))
    theirs.send(b"there is something to read")

    with theirs:
        if in_time:
            assert connection.receive(seconds).body == b"{}"
        else:
            with pytest.raises(NoAnswer, match="No answer in time"):
                connection.receive(seconds)
            assert sock.now == pytest.approx(seconds)
    connection.close()
