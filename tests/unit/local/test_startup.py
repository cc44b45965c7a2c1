"""A start that takes long, or that fails."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.errors import StartFailed
from django_offload.local.serve import startup
from django_offload.local.serve.interrupts import Interrupts
from django_offload.local.serve.startup import Background, SlowStart

PATIENCE_SECONDS = 30


def test_a_slow_start_is_named_with_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "SLOW_SECONDS", 0.1)
    lines: list[str] = []
    slow, said = SlowStart(lines.append), threading.Event()

    def waiting() -> None:
        slow.waiting_for("CloudFormation is creating the stack shop-dev")
        if lines:
            said.set()

    assert Background("start", lambda: said.wait(PATIENCE_SECONDS)).wait(Interrupts(), waiting)
    assert "CloudFormation is creating the stack shop-dev. A slow or busy machine needs longer." in lines[0]


def test_a_quick_start_says_nothing() -> None:
    lines: list[str] = []
    slow = SlowStart(lines.append)

    Background("start", lambda: None).wait(Interrupts(), lambda: slow.waiting_for("moto is loading"))

    assert lines == []


def test_a_signal_ends_the_wait_for_a_start_that_hangs() -> None:
    interrupts, release = Interrupts(), threading.Event()
    background = Background("start", lambda: release.wait(PATIENCE_SECONDS))

    assert not background.wait(interrupts, lambda: interrupts.record(2))
    assert not background.join(0.01)
    release.set()
    assert background.join(PATIENCE_SECONDS)


def test_the_error_of_a_start_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ValueError("no stack")

    with pytest.raises(ValueError, match="no stack"):
        Background("start", fail).wait(Interrupts())


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that accepts connections and closes each without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_start_that_fails_names_the_step_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as port:
        aws = LocalAWS(in_process=True, templates={"shop-dev": "{}"})
        aws.server.port = port

        with pytest.raises(StartFailed) as caught:
            aws.deploy()

    assert "CloudFormation is creating the stack shop-dev ended with" in str(caught.value)
    assert "stop other programs that keep this machine busy" in str(caught.value)
    assert "network" not in str(caught.value)


def test_calls_to_a_slow_server_of_this_machine_are_waited_for() -> None:
    config = MotoServer().client("cloudformation").meta.config

    assert config.read_timeout >= 120
    assert config.connect_timeout >= 120
