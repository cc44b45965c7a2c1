"""What signals and contexts tell of a task is what get_result() returns."""

import json
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from django_offload.board.timeline import timeline
from django_offload.compat import default_task_backend, signals
from django_offload.operations.cancel import cancel
from django_offload.operations.find import find
from django_offload.protocol.record import PART_BYTES
from django_offload.testing import Offload
from tests.contract import told_tasks as tasks
from tests.contract.setup import tasks_setting

FIELDS = (
    *("status", "args", "kwargs", "errors", "worker_ids", "enqueued_at"),
    *("started_at", "last_attempted_at", "finished_at", "_return_value"),
)
SIZES = {"in the record": 10, "beside it": 1_000, "in the bucket": PART_BYTES + 1}


@pytest.fixture(autouse=True)
def _setting(settings):
    settings.TASKS = tasks_setting(modules=["tests.contract.told_tasks"], in_tests="memory")


def shown(result):
    return {name: getattr(result, name) for name in FIELDS}


@contextmanager
def told():
    """Collect what each task_finished says, by id."""
    finished = {}

    def note(task_result, **kwargs):
        finished[task_result.id] = shown(task_result)

    signals.task_finished.connect(note)
    try:
        yield finished
    finally:
        signals.task_finished.disconnect(note)


def kept(result):
    return shown(default_task_backend.get_result(result.id))


def shown_by_command(task_id):
    """Return the classes and the tracebacks of the errors that offload_result prints."""
    output = StringIO()
    call_command("offload_result", task_id, "--json", stdout=output)
    description = json.loads(output.getvalue())
    errors = description.get("earlier_errors", []) + (
        [description["error"]] if "error" in description else []
    )
    return [(error["class"], error["traceback"]) for error in errors], description


def agrees(result):
    """Fail unless the command and the asynchronous API tell what get_result() returns."""
    now = default_task_backend.get_result(result.id)
    errors, description = shown_by_command(result.id)
    assert [name for name, _ in errors] == [error.exception_class_path for error in now.errors]
    for (_, traceback), error in zip(errors, now.errors, strict=True):
        # What ended the task from outside has no frames.
        assert traceback == (error.traceback if "most recent call last" in error.traceback else "")
    assert (description["attempts"], description["status"]) == (now.attempts, now.status)
    assert (description["args"], description["kwargs"]) == (now.args, now.kwargs)
    assert shown(async_to_sync(default_task_backend.aget_result)(result.id)) == shown(now)
    stored = find(result.id, with_parts=True)
    notes = [entry.note.partition(": ")[0] for entry in timeline(stored.record, stored.parts)]
    assert [note for note in notes if note.count(".") > 1 or note.startswith("builtins.")] == [
        name for name, _ in errors
    ]


def cancel_now(offload, result):
    stored = find(result.id)
    cancel(stored.store, stored.record.enqueued, stored.options, offload.clock())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["returns", "raises", "is lost", "is cancelled"])
def test_the_end_of_a_task_is_told_as_it_is_kept(offload, size, end):
    text = "x" * SIZES[size]
    with told() as finished:
        result = tasks.work.enqueue(text, key=[text])
        for _ in range(2):  # The errors of two attempts are beside the record.
            offload.fail_next(ValueError("not yet"))
            offload.run(skip=False)
            offload.clock.skip_to(offload.clock() + timedelta(hours=1))
        if end == "is cancelled":
            cancel_now(offload, result)
        elif end == "is lost":
            offload.kill_next()
        elif end == "raises":
            offload.fail_next(LookupError("gone"))
        offload.run()

    assert finished == {result.id: kept(result)}
    agrees(result)
    assert finished[result.id]["args"] == [text]
    assert len(finished[result.id]["errors"]) == {"returns": 2}.get(end, 3)


def test_the_context_of_a_retry_has_the_errors_so_far(offload):
    result = tasks.counts_errors.enqueue()

    offload.run()

    result.refresh()
    assert result.return_value == ["builtins.ValueError", "builtins.ValueError"]
    assert [error.exception_class for error in result.errors] == [ValueError, ValueError]


def test_a_claim_that_was_undone_is_told_as_no_attempt(offload, monkeypatch):
    offload.fail_next(ValueError("not yet"))
    result = tasks.work.enqueue("x")
    offload.run(skip=False)
    before, error = kept(result), find(result.id).record.error
    offload.clock.skip_to(offload.clock() + timedelta(hours=1))
    store = offload.stores["contract"]
    change, slow, told = store.change, ["the next claim"], []

    def claim_slowly(task_id, made):
        was = change(task_id, made)
        if made.name == "claim" and slow:
            slow.clear()
            offload.clock.skip_to(offload.clock() + timedelta(seconds=290))
        if made.name == "unclaim":
            told.append((kept(result), find(result.id).record.error))
        return was

    with monkeypatch.context() as patches:
        patches.setattr(store, "change", claim_slowly)
        offload.run()

    assert told == [(before, error)]
    agrees(result)
    stored = find(result.id, with_parts=True)
    shown = [(entry.title, entry.worker) for entry in timeline(stored.record, stored.parts) if entry.worker]
    assert shown == list(
        zip(["Attempt 1 failed", "Attempt 2 succeeded"], kept(result)["worker_ids"], strict=True)
    )


def test_a_first_attempt_reads_nothing(offload, monkeypatch):
    store = offload.stores["contract"]
    read = []
    monkeypatch.setattr(store, "get_part", lambda *args: read.append(args))

    tasks.work.enqueue("x")
    offload.run()

    assert read == []


def test_errors_that_cannot_be_read_stop_no_attempt(offload, monkeypatch, caplog):
    def refuse(*args):
        raise OSError("AWS is away")

    offload.fail_next(ValueError("not yet"))
    result = tasks.work.enqueue("x")
    with monkeypatch.context() as patches:
        patches.setattr(offload.stores["contract"], "get_part", refuse)
        offload.run()

    result.refresh()
    assert result.status == "SUCCESSFUL"
    assert "runs without the errors of its attempts so far: AWS is away" in caplog.text


def test_a_cancel_that_cannot_read_the_arguments_is_told_all_the_same(offload, caplog):
    with told() as finished:
        result = tasks.work.enqueue("x" * SIZES["in the bucket"])
        offload.payloads["contract"].objects.clear()
        cancel_now(offload, result)

    assert finished[result.id]["status"] == "FAILED"
    assert finished[result.id]["args"] == []
    assert "task_finished lacks what can't be read" in caplog.text


ATTEMPTS = st.lists(st.sampled_from(["raise", "die", "die after work"]), max_size=4)


@settings(max_examples=100, deadline=None)
@given(ATTEMPTS, st.sampled_from(sorted(SIZES)[:2]), st.booleans())
def test_any_history_is_told_as_it_is_kept(attempts, size, is_cancelled):
    with Offload().active() as offload, told() as finished:
        result = tasks.work.enqueue("x" * SIZES[size])
        for attempt in attempts:
            if attempt == "raise":
                offload.fail_next(ValueError("not yet"))
            else:
                offload.kill_next(after_work=attempt == "die after work")
        if is_cancelled:
            offload.run(skip=False)
            cancel_now(offload, result)
        offload.run()

        assert finished == {result.id: kept(result)}
        agrees(result)
