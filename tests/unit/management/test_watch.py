"""offload_status --watch: look after look in one place, until Ctrl-C."""

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
    """Return what one look at a stack finds."""
    counts = {"waiting": waiting, "delayed": 0, "in_flight": 0, "dead": dead}
    found = [{"queue": f"queue{number}", **counts} for number in range(queues)]
    return [{"stack": "shop-dev", "due": 0, "given_up": 0, "queues": found}]


@pytest.fixture
def looks(ours: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of what each look finds; Ctrl-C comes after the last."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    found: list[Any] = []

    def pause(seconds: float) -> None:
        assert seconds == 2.0
        if not found:
            raise KeyboardInterrupt

    monkeypatch.setattr(offload_status.Command, "pause", staticmethod(pause))
    monkeypatch.setattr(offload_status, "_look", lambda: found.pop(0))
    return found


def rows(said: str) -> Iterator[list[str]]:
    return (line.split() for line in said.splitlines() if line.startswith("queue0"))


def test_in_a_file_look_follows_look(looks: list[Any]) -> None:
    looks += [look(3), look(1)]

    code, said = run("offload_status", "--watch")

    assert code == 0
    assert [row[1] for row in rows(said)] == ["3", "1"]
    assert len(re.findall(r"^\d\d:\d\d:\d\d UTC, every 2 s; Ctrl-C ends it\.$", said, re.MULTILINE)) == 2
    assert "\x1b" not in said


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
    # What was longer before leaves nothing behind.
    assert second.count("\x1b[K\n") == second.count("\n")
    assert second.endswith("\x1b[J")


def test_what_is_longer_than_the_terminal_does_not_roll(looks: list[Any]) -> None:
    looks += [look(1, queues=50)]

    with terminal(80, lines=24) as opened:
        call_command("offload_status", "--watch", stdout=opened.stream)

    assert opened.shown.count("\n") == 23


def test_programs_get_a_line_of_json_for_each_look(looks: list[Any]) -> None:
    looks += [look(3), look(1)]

    _, said = run("offload_status", "--watch", "--json")

    assert [json.loads(line)[0]["queues"][0]["waiting"] for line in said.splitlines()] == [3, 1]


def test_it_looks_no_faster_than_time_goes_on(looks: list[Any]) -> None:
    assert run("offload_status", "--watch", "--every=-1") == (2, "--every must be above 0.")
