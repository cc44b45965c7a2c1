"""Colours and progress appear on a terminal, and not in files or pipes."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, color

from django_offload.management import progress
from django_offload.management.base import OffloadCommand
from django_offload.management.commands.offload_init import styled_diff_line
from django_offload.management.progress import ProgressBar, ProgressLines
from django_offload.management.rendering import Styled
from tests.unit.management.terminal import terminal

RED, PLAIN = "\x1b[31;1m", "\x1b[0m"


@pytest.fixture(autouse=True)
def _a_usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(progress, "BAR_AFTER_SECONDS", 0.0)


class Command(OffloadCommand):
    help = "Show what is wrong, in so many words that no terminal of eighty columns can show them on a line."
    example = "manage.py offload_something"

    def run(self, **options: Any) -> int:
        with self.progress("Working") as work:
            work.update(1, 3, "one")
            self.write_line(Styled("WRONG", "bad"), "  \x1b[2J")
        self.write_table(["id", "text"], [["0" * 32, "much " * 20]])
        self.write_json({"done": 3})
        return 0


def on_terminal(*arguments: str, columns: int = 80) -> str:
    with terminal(columns) as opened:
        call_command(Command(), *arguments, stdout=opened.stream, stderr=StringIO())
    return opened.shown


def test_a_terminal_is_shown_colours_and_no_control_character_of_a_task() -> None:
    assert f"{RED}WRONG{PLAIN}  \\x1b[2J\n" in on_terminal()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert "\x1b" not in on_terminal("--no-color")

    monkeypatch.setenv(name, value)

    assert "\x1b" not in on_terminal()
    assert f"{RED}WRONG" in on_terminal("--force-color")


@pytest.mark.parametrize("variable", [{}, {"NO_COLOR": "1"}])
def test_errors_are_red_on_terminals_that_may_have_colours(
    monkeypatch: pytest.MonkeyPatch, variable: dict[str, str]
) -> None:
    # Django checks the stdout of the process, which isn't a terminal in tests.
    monkeypatch.setattr(color, "supports_color", lambda: True)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)

    with terminal(80) as opened:
        command = Command(stderr=opened.stream)
        command.stderr.write("CommandError: No.")

    assert ("\x1b" in opened.shown) == (not variable)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_table_is_no_wider_than_its_terminal(columns: int) -> None:
    lines = on_terminal("--no-color", columns=columns).splitlines()

    assert max(map(len, lines)) <= columns


def test_a_file_gets_everything_and_no_escape() -> None:
    out = StringIO()

    call_command(Command(), stdout=out, stderr=StringIO())

    assert ("much " * 20).strip() in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_bar_is_drawn_below_the_lines_and_wiped_out() -> None:
    with terminal(80) as opened:
        call_command(Command(), stdout=opened.stream, stderr=opened.stream)

    bar, line = opened.shown.index("1 of 3"), opened.shown.index("WRONG")
    assert bar < line
    assert opened.shown.index("\x1b[2K", line) < opened.shown.index("text")


def test_a_bar_is_on_stderr_alone_and_data_on_stdout() -> None:
    out = StringIO()

    with terminal(80) as opened:
        call_command(Command(), "--json", stdout=out, stderr=opened.stream)

    assert json.loads(out.getvalue()) == {"done": 3}
    assert "1 of 3" in opened.shown
    assert "WRONG" not in opened.shown


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_on_a_narrow_terminal_the_text_gives_way_to_the_bar(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    with terminal(columns) as opened:
        bar = ProgressBar("build_the_report", opened.stream, coloured=False)
        bar.update(700, 1_000, "RUNNING Reading orders of the largest customers of this year")
        bar.close()

    drawn = re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", opened.shown))
    assert drawn[0].startswith("build_the_report ━")
    assert " 700 of 1,000 0:00:00 " in drawn[0]
    assert drawn[0].rstrip().endswith("year" if columns == 120 else "…")
    assert max(map(len, drawn)) <= columns


def test_without_rich_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(progress, "LINES_EVERY_SECONDS", 0.0)

    with terminal(80) as opened:
        call_command(Command(), stdout=StringIO(), stderr=opened.stream)

    assert opened.shown == "Working: 1 of 3, one\n"


def test_plain_lines_come_every_five_seconds() -> None:
    output: list[str] = []
    now = 0.0
    lines = ProgressLines("Redriving", output.append, lambda: now)

    for now in (1.0, 4.9, 5.0, 6.0, 9.9, 10.5):
        lines.update(1_000 * now, 20_000)
    now = 20.0
    lines.update(0, None, "waiting")

    assert output == ["Redriving: 5,000 of 20,000", "Redriving: 10,500 of 20,000", "Redriving: waiting"]


def test_work_that_is_done_soon_draws_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BAR_AFTER_SECONDS", 0.5)
    now = 0.0

    with terminal(80) as opened:
        bar = ProgressBar("Working", opened.stream, coloured=True, clock=lambda: now)
        now = 0.4
        bar.update(1, 2)
        drawn_above = bar.write_above("a line")
        bar.close()

    assert (opened.shown, drawn_above) == ("", False)


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("+++ new/x.py", "heading"),
        ("+x", "good"),
        ("-x", "bad"),
        ("@@ -1 +1 @@", "info"),
        (" x", None),
        ("", None),
    ],
)
def test_lines_of_a_diff_have_the_colours_of_a_diff(line: str, style: str | None) -> None:
    assert (styled_diff_line(line), getattr(styled_diff_line(line), "style", None)) == (line, style)


def test_ctrl_c_is_no_traceback() -> None:
    class Interrupted(Command):
        def run(self, **options: Any) -> int:
            raise KeyboardInterrupt

    with pytest.raises(CommandError, match=r"Stopped by Ctrl-C\. Completed steps aren't undone\.") as raised:
        call_command(Interrupted())

    assert raised.value.returncode == 130


def test_a_reader_that_has_gone_is_no_error() -> None:
    script = """
import django
django.setup()
from django_offload.management.base import OffloadCommand
class Command(OffloadCommand):
    def run(self, **options):
        for number in range(100_000):
            self.write_line(str(number))
        return 0
Command().run_from_argv(["manage.py", "offload_something"])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = f"{sys.executable} -c '{script}' | head -n 1"

    ended = subprocess.run(
        ["/bin/sh", "-c", run], capture_output=True, text=True, check=False, env=environment
    )

    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_with_json_stdout_holds_only_json_whatever_the_project_prints_and_logs() -> None:
    script = """
import logging
import subprocess
import sys
import atexit
import django
print("at the start")
django.setup()
logging.basicConfig(stream=sys.stdout, level="INFO", force=True)
atexit.register(print, "at the exit")
from django_offload.management.base import OffloadCommand
class Command(OffloadCommand):
    def run(self, **options):
        print("printed")
        if "--json" in sys.argv and "--fail" in sys.argv:
            raise self.failure("it failed")
        logging.getLogger("shop").info("logged")
        subprocess.run(["echo", "by a child"], check=True)
        self.write_json({"done": True})
        print("and later", end="")
        return 1
try:
    Command().run_from_argv(["manage.py", "offload_something", *sys.argv[1:2]])
finally:
    print("\\nafter")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PYTHONUNBUFFERED", None)
    command = [sys.executable, "-c", script]

    plain = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    data = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, env=environment)

    command = [*command, "--json", "--fail"]
    failed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert (plain.returncode, data.returncode, failed.returncode) == (1, 1, 1)
    assert {"at the start", "printed", "at the exit"} <= set(plain.stdout.splitlines())
    assert failed.stdout == "\nafter\n"
    assert {"at the start", "printed", "CommandError: it failed", "at the exit"} <= set(
        failed.stderr.splitlines()
    )
    # Only what the program prints after the command is on stdout too.
    text, _, after = data.stdout.rpartition("\nafter\n")
    assert json.loads(text) == {"done": True}
    assert after == ""
    lines = {"at the start", "printed", "INFO:shop:logged", "by a child", "and later", "at the exit"}
    assert {line for text in data.stderr.splitlines() for line in text.split("and later")} - {""} >= lines - {
        "and later"
    }
    assert "and later" in data.stderr


def test_with_json_a_programs_own_stdout_gets_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    class Printing(OffloadCommand):
        def run(self, **options: Any) -> int:
            print("printed")
            self.write_json({"done": True})
            return 0

    call_command(Printing(), "--json")

    printed = capsys.readouterr()
    assert (json.loads(printed.out), printed.err) == ({"done": True}, "printed\n")


def test_with_json_no_app_of_the_project_prints_to_stdout(tmp_path: Path) -> None:
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud/__init__.py").write_text("")
    (tmp_path / "loud/models.py").write_text('print("of a model", flush=True)')
    (tmp_path / "loud/apps.py").write_text(
        """
import atexit, logging, sys, warnings
from django.apps import AppConfig
class Loud(AppConfig):
    name = "loud"
    def ready(self):
        print("of ready()", flush=True)
        atexit.register(print, "of the exit", flush=True)
        logging.basicConfig(stream=sys.stdout, level="INFO", force=True)
        logging.warning("of a log")
        warnings.warn("of a warning")
"""
    )
    (tmp_path / "loud_settings.py").write_text(
        """
from config.settings import *
INSTALLED_APPS = ["django_offload", "loud", *(app for app in INSTALLED_APPS if app != "django_offload")]
ENTRY = {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "no"}}
TASKS = {"default": {**ENTRY, "QUEUES": 5}}
"""
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "DJANGO_SETTINGS_MODULE": "loud_settings",
        "PYTHONUNBUFFERED": "1",
    }

    def command(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "django", *args],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    found, failed, shown = (
        command("offload_doctor", "--json"),
        command("offload_result", "--json", "f" * 32),
        command("offload_doctor", "--json", "--help"),
    )

    assert (found.returncode, failed.returncode) == (1, 2)
    assert json.loads(found.stdout)["findings"][0]["id"] == "E003"
    assert failed.stdout == ""
    assert "CommandError: TASKS['default']: QUEUES is 5." in failed.stderr
    for words in ("of a model", "of ready()", "of a log", "of a warning", "of the exit"):
        assert words in found.stderr
        assert words in failed.stderr
    assert "usage:" in shown.stdout
