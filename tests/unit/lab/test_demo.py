"""Problems that stop the demo before it starts anything."""

import socket

import pytest

from django_offload.board.lists import lists
from django_offload.conf import configured
from lab import demo


def test_a_taken_port_is_named_with_an_alternative(capsys: pytest.CaptureFixture[str]):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        code = demo.main(["--port", str(port)])

    out, err = capsys.readouterr()
    assert code == 2
    assert f"Port {port} on 127.0.0.1" in err
    assert f"make demo PORT={port + 1}" in err
    assert out == ""


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_an_invalid_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        demo.main(["--port", port])

    assert stopped.value.code == 2
    assert "port" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("alias", ["default", "direct"])
def test_the_board_of_this_site_also_lists_successful_tasks(alias: str):
    assert "SUCCESSFUL" in lists(configured()[alias])[-1].states
