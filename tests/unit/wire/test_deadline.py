"""A task's deadline strikes while a call is under way: the call ends, and is not tried again."""

import signal
import socket
import ssl
import threading

import pytest

from django_offload.exceptions import DeadlineExceeded
from django_offload.wire.lean.connection import Connection
from tests.unit.wire.server import serving

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}


def struck(*args, **kwargs):
    raise DeadlineExceeded(0.5)


@pytest.fixture
def alarm():
    """Have the alarm raise as it does in a worker."""
    before = signal.signal(signal.SIGALRM, struck)
    yield
    signal.signal(signal.SIGALRM, before)


class Struck(socket.socket):
    """A socket in whose waits the deadline strikes."""

    sendall = recv = struck


@pytest.mark.parametrize("step", ["send", "receive"])
def test_a_deadline_within_a_wait_passes_and_closes_the_connection(step):
    ours, theirs = socket.socketpair()
    sock = Struck(fileno=ours.detach())
    connection = Connection("http://127.0.0.1", sock)

    with theirs, pytest.raises(DeadlineExceeded):
        connection.send(b"POST", 5.0) if step == "send" else connection.receive(5.0)

    assert sock.fileno() == -1


@pytest.mark.parametrize(("kind", "wait"), [(socket.socket, "connect"), (ssl.SSLSocket, "do_handshake")])
def test_a_deadline_while_it_connects_passes(monkeypatch, kind, wait):
    monkeypatch.setattr(kind, wait, struck)
    with serving(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as (_, client):
        with pytest.raises(DeadlineExceeded):
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
