"""Servers on loopback, and how they stop."""

import socket
import threading
from http.client import HTTPConnection

import pytest

from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.errors import PortTaken
from django_offload.local.loopback import LoopbackServer, RequestHandler, free_port, refuse_taken_port

from .fakes import eventually


def test_a_server_listens_on_loopback_alone() -> None:
    server = LoopbackServer(RequestHandler, None)

    assert server.server_address[0] == "127.0.0.1"
    server.server_close()


def test_stopping_ends_open_connections_and_their_threads() -> None:
    before = set(threading.enumerate())
    server = LoopbackServer(RequestHandler, None)
    server.start()
    client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    eventually(lambda: len(set(threading.enumerate()) - before) == 2)

    server.stop()

    assert client.recv(1) == b""
    client.close()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(("headers", "status"), [({}, 200), ({"Origin": "https://elsewhere.example"}, 403)])
def test_a_page_in_a_browser_may_invoke_nothing(headers: dict[str, str], status: int) -> None:
    bodies = []

    class Recording(RequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.read_body())
            self.respond(200, b"{}")

    server = LoopbackServer(Recording, None)
    server.start()
    client = HTTPConnection("127.0.0.1", server.port, timeout=10)

    client.request("POST", "/2015-03-31/functions/shop-dev-web/invocations", b"{}", headers)

    assert client.getresponse().status == status
    assert len(bodies) == (status == 200)
    client.close()
    server.stop()


def test_a_server_stops_once() -> None:
    server = LoopbackServer(RequestHandler, None)
    server.start()
    server.stop()

    server.stop()


def test_a_taken_port_is_refused_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortTaken) as caught:
            refuse_taken_port(port, "the web server", "Choose another: PORT=1.")

    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1 isn't free for the web server because another program uses it. "
        "Choose another: PORT=1."
    )


def test_a_free_port_is_not_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

    refuse_taken_port(port, "the web server", "")


def test_the_next_free_port_replaces_a_taken_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        other_port = free_port(port, "the web server", "")

    assert port < other_port <= port + 100
    assert free_port(other_port, "the web server", "") == other_port
    assert free_port(0, "the web server", "") > 1023


def test_without_a_free_port_the_error_names_the_option() -> None:
    with socket.create_server(("127.0.0.1", 65_535)), pytest.raises(PortTaken, match=r"Port 65535 .* --port"):
        free_port(65_535, "the web server", "Choose another with --port.")


def test_moto_does_not_start_on_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken, match="--aws-port"):
        MotoServer(other.getsockname()[1]).start()
