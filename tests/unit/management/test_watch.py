"""offload_status --watch shows each look in place of the last one, until Ctrl-C."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from django_offload.management.commands import offload_status
from tests.unit.management.commands import run
from tests.unit.management.terminal import terminal


def look(waiting: int, *, dead: int = 0, queues: int = 1) -> list[dict[str, Any]]:
    """Return the status that one look reads."""
    counts = {"waiting": waiting, "delayed": 0, "in_flight": 0, "dead": dead}
    rows = [{"queue": f"queue{number}", **counts} for number in range(queues)]
    return [{"stack": "shop-dev", "due": 0, "given_up": 0, "queues": rows}]


@pytest.fixture
def looks(ours: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list with the status of each look. After the last one, Ctrl-C stops the command."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    statuses: list[Any] = []

    def pause(seconds: float) -> None:
        assert seconds == 2.0
        if not statuses:
            raise KeyboardInterrupt

    monkeypatch.setattr(offload_status.Command, "pause", staticmethod(pause))
    monkeypatch.setattr(offload_status, "read_status", lambda: statuses.pop(0))
    return statuses


def rows(output: str) -> Iterator[list[str]]:
    return (line.split() for line in output.splitlines() if line.startswith("queue0"))


def test_in_a_file_look_follows_look(looks: list[Any]) -> None:
    looks += [look(3), look(1)]

    code, output = run("offload_status", "--watch")

    assert code == 0
    assert [row[1] for row in rows(output)] == ["3", "1"]
    assert (
        len(re.findall(r"^\d\d:\d\d:\d\d UTC, every 2 s\. Press Ctrl-C to stop\.$", output, re.MULTILINE))
        == 2
    )
    assert "\x1b" not in output


def test_the_exit_code_is_that_of_the_last_look(looks: list[Any]) -> None:
    looks += [look(3, dead=1), look(1)]
    assert run("offload_status", "--watch")[0] == 0

    looks += [look(3), look(1, dead=1)]
    assert run("offload_status", "--watch")[0] == 1


def test_a_terminal_shows_each_look_over_the_one_before(looks: list[Any]) -> None:
    looks += [look(30_000), look(1)]

    with terminal(80) as opened:
        call_command("offload_status", "--watch", stdout=opened.stream)

    first, second = opened.shown.split("\x1b[H")[1:]
    assert opened.shown.startswith("\x1b[2J\x1b[H")
    assert "30000" in first
    assert "30000" not in second
    assert opened.shown.count("\x1b[2J") == 1
    # The longer lines of the look before are erased.
    assert second.count("\x1b[K\n") == second.count("\n")
    assert second.endswith("\x1b[J")


def test_what_is_longer_than_the_terminal_does_not_roll(looks: list[Any]) -> None:
    looks += [look(1, queues=50)]

    with terminal(80, lines=24) as opened:
        call_command("offload_status", "--watch", stdout=opened.stream)

    assert opened.shown.count("\n") == 23


def test_programs_get_a_line_of_json_for_each_look(looks: list[Any]) -> None:
    looks += [look(3), look(1)]

    _, output = run("offload_status", "--watch", "--json")

    assert [json.loads(line)[0]["queues"][0]["waiting"] for line in output.splitlines()] == [3, 1]


def test_it_looks_no_faster_than_time_goes_on(looks: list[Any]) -> None:
    assert run("offload_status", "--watch", "--every=-1") == (2, "--every must be above 0.")
