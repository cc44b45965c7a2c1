"""offload_result shows a record without sensitive arguments, and cancels tasks."""

import logging
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from django_offload.compat import TASKS
from django_offload.definition.registry import registry
from django_offload.protocol.record import read_record
from tests.contract import tasks as contract
from tests.contract.records import claimed
from tests.contract.setup import STACK
from tests.older_code import enqueued_by_older_code
from tests.unit import tasks
from tests.unit.management.commands import run, run_json


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


def test_a_result_is_shown_with_its_arguments(store, offload):
    result = tasks.double.enqueue(21)
    offload.run()

    code, output = run_json("offload_result", result.id)

    assert code == 0
    assert (output["status"], output["return_value"], output["attempts"]) == ("SUCCESSFUL", 42, 1)
    assert (output["task"], output["args"], output["kwargs"]) == ("tests.unit.tasks.double", [21], {})
    assert len(output["worker_ids"]) == 1


def test_for_readers_it_is_a_line_each(store, offload):
    result = tasks.double.enqueue(21)
    offload.run()

    code, output = run("offload_result", result.id)

    lines = dict(line.split(maxsplit=1) for line in output.splitlines())
    assert code == 0
    assert (lines["id"], lines["status"], lines["return_value"], lines["args"]) == (
        *(result.id, "SUCCESSFUL", "42", "[21]"),
    )
    assert "run_after" not in lines


def test_an_error_is_shown_with_its_traceback_last(store, offload):
    result = contract.raises_value_error.enqueue()
    offload.run()

    code, output = run("offload_result", result.id)

    assert code == 0
    assert "error         builtins.ValueError: The stock is negative\n    Traceback" in output
    assert output.endswith("\n    ValueError: The stock is negative\n")


@pytest.mark.parametrize(
    ("args", "kwargs", "shown"),
    [
        ((7, "4711"), {}, ([7, "********"], {})),
        ((7,), {"card": "4711"}, ([7], {"card": "********"})),
        # The function doesn't take these any more, so nobody knows which one is sensitive.
        ((7, "x", "4711"), {}, (["********"] * 3, {})),
        ((7,), {"number": "4711"}, (["********"], {"number": "********"})),
    ],
)
def test_sensitive_arguments_are_hidden(store, args, kwargs, shown):
    result = enqueued_by_older_code(tasks.send, *args, **kwargs)

    _, output = run_json("offload_result", result.id)

    assert (output["args"], output["kwargs"]) == shown
    assert "4711" not in run("offload_result", result.id)[1]


def test_of_an_unknown_task_every_argument_is_hidden(store, monkeypatch):
    result = contract.echo.enqueue("a", key="b")
    monkeypatch.delitem(registry()._tasks, "tests.contract.tasks.echo")

    _, output = run_json("offload_result", result.id)

    assert (output["args"], output["kwargs"]) == (["********"], {"key": "********"})


@pytest.mark.parametrize("size", [5_000, 400_000])
def test_large_arguments_and_results_are_shown_wherever_they_are_kept(store, offload, size):
    result = contract.echo.enqueue("x" * size)
    offload.run()

    _, output = run_json("offload_result", result.id)

    assert output["args"] == ["x" * size]
    assert output["return_value"] == [["x" * size], {}]
    assert bool(offload.payloads[STACK].objects) == (size > 300_000)


@pytest.mark.parametrize("size", [5_000, 400_000])
def test_what_is_gone_is_said_to_be_gone(store, offload, size):
    result = contract.echo.enqueue("x" * size)
    offload.run()
    store.texts.pop(result.id, None)
    offload.payloads[STACK].objects.clear()

    code, output = run_json("offload_result", result.id)

    assert (code, output["status"]) == (0, "SUCCESSFUL")
    assert "is gone. Check the bucket's lifecycle" in output["lost_arguments"]
    assert "is gone. Check the bucket's lifecycle" in output["lost_result"]
    assert not {"args", "kwargs", "return_value"} & output.keys()


def test_an_unknown_id_is_wrong(store):
    code, output = run("offload_result", "0" * 32)

    assert code == 1
    assert (
        output == f"There is no task with the id {'0' * 32}. Check the id. Results are kept for result_ttl."
    )


def test_a_task_that_has_not_started_is_cancelled_at_once(store, offload):
    result = tasks.double.enqueue(21)

    code, output = run_json("offload_result", result.id, "--cancel")

    assert (code, output["status"], output["error"]["class"]) == (
        *(0, "FAILED", "django_offload.exceptions.Cancelled"),
    )
    offload.run()
    assert run_json("offload_result", result.id)[1]["attempts"] == 0


def test_a_running_task_is_asked_to_stop(store):
    result = tasks.double.enqueue(21)
    enqueued = read_record(store.get(result.id)).enqueued
    store.change(result.id, claimed(result.id, datetime.now(UTC), enqueued=enqueued))

    code, output = run_json("offload_result", result.id, "--cancel")

    assert (code, output["status"]) == (0, "RUNNING")
    assert read_record(store.get(result.id)).cancelled


def test_what_has_ended_cannot_be_cancelled(store, offload):
    result = tasks.double.enqueue(21)
    offload.run()

    assert run("offload_result", result.id, "--cancel") == (
        *(1, "The task has ended as SUCCESSFUL, so it can't be cancelled."),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_text_is_printed_on_any_terminal(store, offload, tmp_path, encoding, monkeypatch):
    # Pytest's workers can't send a captured log with such a text to each other.
    monkeypatch.setattr(logging.getLogger(TASKS), "disabled", True)
    offload.fail_next(ValueError("a lone \ud83d surrogate costs 7 \u20ac"))
    result = contract.echo.enqueue("\udc80", key={"\ud800": "\u2713"})
    offload.run()
    path = tmp_path / "printed"

    with path.open("w", encoding=encoding) as stream:
        call_command("offload_result", result.id, stdout=stream)

    printed = path.read_text(encoding)
    assert r"a lone \ud83d surrogate" in printed
    assert r'["\udc80"]' in printed
    assert ("7 \u20ac" if encoding == "utf-8" else r"7 \u20ac") in printed
