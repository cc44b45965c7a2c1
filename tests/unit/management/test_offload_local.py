"""The command offload_local itself: its help, the options it refuses, and its log lines."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_offload.local.lambda_.log_lines import MARK, LogLine
from django_offload.management.commands import offload_local

LINE = LogLine("shop-default-worker", f"{MARK}{'1' * 32}{MARK}half done")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command with one log line, and returns stdout and stderr."""
    monkeypatch.setattr(offload_local, "serve", lambda *, log, **options: log(LINE) or 0)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def run(*arguments: str) -> tuple[str, str]:
        out, err = Terminal(), io.StringIO()
        call_command("offload_local", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return run


def test_a_terminal_shows_lines_in_the_colour_of_their_task(shown: Any) -> None:
    assert shown() == (f"{LINE.painted()}\n", "")
    assert "\x1b[" in LINE.painted()


def test_who_wants_no_colours_gets_none(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown("--no-color") == (f"{LINE}\n", "")

    monkeypatch.setenv("NO_COLOR", "1")
    assert shown() == (f"{LINE}\n", "")
    assert shown("--force-color") == (f"{LINE.painted()}\n", "")


def test_with_json_lines_go_to_stderr_and_have_colours_if_that_is_a_terminal(shown: Any) -> None:
    assert shown("--json") == ("", f"{LINE}\n")


def test_its_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("offload_local", "--help")

    output = capsys.readouterr().out
    assert "manage.py offload_local --port 8001 --concurrency 4" in output
    assert "--noreload" in output


def test_no_workers_at_all_are_refused() -> None:
    with pytest.raises(CommandError, match="--concurrency must be 1 or more"):
        call_command("offload_local", "--concurrency", "0")


@pytest.mark.parametrize(("option", "port"), [("--port", "65536"), ("--aws-port", "-1")])
def test_a_port_that_cannot_be_is_refused(option: str, port: str) -> None:
    with pytest.raises(CommandError, match=f"{option} must be from 0 to 65535") as raised:
        call_command("offload_local", f"{option}={port}")

    assert raised.value.returncode == 2
