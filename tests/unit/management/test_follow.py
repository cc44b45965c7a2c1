"""offload_result --follow shows progress until the task ends; its outcome is the exit code."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any, ClassVar

import pytest
from django.core.management import call_command
from rich.progress import Progress

from django_offload.management import progress
from django_offload.management.commands.offload_result import Command
from django_offload.protocol.record import read_record
from django_offload.protocol.transitions import report, succeed
from tests.contract import tasks as contract
from tests.contract.records import TOKEN, claimed
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run
from tests.unit.management.terminal import terminal


@pytest.fixture
def store(ours: Any, offload: Any) -> Any:
    return offload.stores[STACK]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of callables, one for each pause of the command. When none is left, the test fails."""
    happens: list[Any] = []

    def pause(seconds: float) -> None:
        assert seconds == 1.0
        assert happens, "It should have ended by now."
        happens.pop(0)()

    monkeypatch.setattr(Command, "pause", staticmethod(pause))
    return happens


def nothing() -> None:
    return


def stop() -> None:
    raise KeyboardInterrupt


def redrawn(update: Callable[..., None]) -> Callable[..., None]:
    """Draw the bar at each change, because these tests end before rich would draw it again."""

    def changed(self: Progress, *arguments: Any, **options: Any) -> None:
        update(self, *arguments, **options, refresh=True)

    return changed


class Attempt:
    """Change a record as a worker does during an attempt."""

    held: ClassVar[dict[str, Any]] = {"fence": 1, "token": TOKEN}

    def __init__(self, store: Any, task_id: str) -> None:
        self._change = partial(store.change, task_id)
        self._birth = read_record(store.get(task_id)).enqueued

    def begin(self) -> None:
        self._change(claimed(self._birth.id, datetime.now(UTC), enqueued=self._birth))

    def report(self, done: int) -> None:
        progress = {"done": done, "total": 1_000, "message": f"part {done}"}
        self._change(report(**self.held, progress=progress))

    def end(self) -> None:
        self._change(
            succeed(**self.held, now=datetime.now(UTC), result_ttl=timedelta(1), kept={"result": "42"})
        )

    def steps(self) -> list[Any]:
        return [self.begin, nothing, partial(self.report, 3), partial(self.report, 700), self.end]


def test_it_waits_for_the_end_and_shows_the_result(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result = tasks.double.enqueue(21)
    meanwhile += [nothing, nothing, offload.run]

    code, output = run("offload_result", result.id, "--follow")

    first, *others = output.splitlines()
    assert code == 0
    assert first.endswith("UTC  READY")
    assert sum("READY" in line for line in others) == 0
    assert "return_value  42" in others


def test_a_failed_task_is_exit_code_1(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result = contract.raises_value_error.enqueue()
    meanwhile += [offload.run]

    code, output = run("offload_result", result.id, "--follow")

    assert code == 1
    assert output.endswith("ValueError: The stock is negative\n")
    assert run("offload_result", result.id)[0] == 0


def test_what_has_ended_is_not_waited_for(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result = tasks.double.enqueue(21)
    offload.run()

    assert run("offload_result", result.id, "--follow")[0] == 0


def test_programs_get_a_line_of_json_for_each_change(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result = tasks.double.enqueue(21)
    meanwhile += [nothing, offload.run]

    code, output = run("offload_result", result.id, "--follow", "--json")

    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [line["status"] for line in lines] == ["READY", "SUCCESSFUL"]
    assert lines[-1]["return_value"] == 42


def test_ctrl_c_ends_the_watching_alone(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result = tasks.double.enqueue(21)
    meanwhile += [stop]

    code, output = run("offload_result", result.id, "--follow")

    assert code == 130
    assert output == f"Stopped by Ctrl-C. The task continues. See manage.py offload_result {result.id}."
    offload.run()
    assert "SUCCESSFUL" in run("offload_result", result.id)[1]


def test_progress_is_a_line_for_each_change(store: Any, meanwhile: list[Any]) -> None:
    result = tasks.double.enqueue(21)
    meanwhile += Attempt(store, result.id).steps()

    code, output = run("offload_result", result.id, "--follow")

    changes = [line.split("UTC  ")[1] for line in output.splitlines() if line[2] == ":"]
    assert code == 0
    assert changes == [
        *("READY", "RUNNING"),
        *("RUNNING  3 of 1,000, part 3", "RUNNING  700 of 1,000, part 700"),
    ]


def test_on_a_terminal_progress_is_a_bar(
    store: Any, meanwhile: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "BAR_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("rich.progress.Progress.update", redrawn(Progress.update))
    result = tasks.double.enqueue(21)
    meanwhile += Attempt(store, result.id).steps()

    with terminal(100) as opened:
        call_command("offload_result", result.id, "--follow", stdout=opened.stream, stderr=opened.stream)

    bar, result_of_it = opened.shown.split("\x1b[?25h", 1)
    assert "double" in bar
    assert "700 of 1,000" in bar
    assert "RUNNING part 700" in bar
    assert "UTC  RUNNING" not in opened.shown
    assert "SUCCESSFUL" in result_of_it


def test_it_looks_no_faster_than_time_goes_on(store: Any) -> None:
    assert run("offload_result", "0" * 32, "--every", "0") == (2, "--every must be above 0.")


def test_an_id_that_nobody_knows_is_not_waited_for(store: Any, meanwhile: list[Any]) -> None:
    assert run("offload_result", "0" * 32, "--follow")[0] == 1


def test_stdout_holds_nothing_but_json(store: Any, offload: Any, meanwhile: list[Any]) -> None:
    result, out, err = tasks.double.enqueue(21), StringIO(), StringIO()
    meanwhile += [offload.run]

    call_command("offload_result", result.id, "--follow", "--json", stdout=out, stderr=err)

    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [result.id] * 2
    assert err.getvalue() == ""
