"""What signals and contexts tell of a task is what get_result() returns."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert finished[result.id]["args"] == [text]
    assert len(finished[result.id]["errors"]) == {"returns": 2}.get(end, 3)


def test_the_context_of_a_retry_has_the_errors_so_far(offload):
    result = tasks.counts_errors.enqueue()

    offload.run()

    result.refresh()
    assert result.return_value == ["builtins.ValueError", "builtins.ValueError"]
    assert [error.exception_class for error in result.errors] == [ValueError, ValueError]


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


@settings(max_examples=100)
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
