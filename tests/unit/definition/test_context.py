"""The context of a running task."""

from dataclasses import fields
from datetime import timedelta
from unittest import mock

import pytest

from django_offload import progress, track
from django_offload.compat import TaskContext
from django_offload.definition import context as module
from django_offload.definition.context import LocalReporter, OffloadContext, Reporter, current, running
from django_offload.definition.results import for_receivers
from tests.unit import tasks

pytestmark = pytest.mark.usefixtures("ours")


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Notebook(Reporter):
    """Records the reports, and cancels the task if a test sets `cancelled`."""

    def __init__(self):
        self.sent, self.saved, self.asked, self.cancelled, self.left = [], [], 0, False, 12.5

    def send(self, progress):
        self.sent.append(progress)
        return self.cancelled

    def save_metadata(self, text):
        self.saved.append(text)
        return self.cancelled

    def asked_to_stop(self):
        self.asked += 1
        return self.cancelled

    def seconds_left(self):
        return self.left


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def notebook():
    return Notebook()


@pytest.fixture
def context(clock, notebook, offload):
    return OffloadContext(task_result=tasks.double.enqueue(1), reporter=notebook)


def done(notebook):
    return [progress["done"] for progress in notebook.sent]


def test_it_is_djangos_context_and_more(context):
    assert isinstance(context, TaskContext)
    assert context.attempt == 0
    assert context.idempotency_key == f"offload-{context.task_result.id}"


def test_progress_is_stored_at_most_twice_a_second(context, notebook, clock):
    for number in range(1, 101):
        context.progress(number, 1_000)
        clock.now += 0.1

    assert done(notebook)[0] == 1
    assert 19 <= len(notebook.sent) <= 21


def test_the_last_step_is_always_stored(context, notebook):
    for number in range(1, 6):
        context.progress(number, 5, "rows")

    assert notebook.sent == [
        {"done": 1, "total": 5, "message": "rows"},
        {"done": 5, "total": 5, "message": "rows"},
    ]


def test_progress_never_goes_backwards(context, notebook, clock):
    for number in (5, 3, 6):
        context.progress(number, 10)
        clock.now += 1

    assert done(notebook) == [5, 5, 6]


def test_the_total_may_be_unknown_and_the_reporter_gets_the_whole_message(context, notebook):
    context.progress(0.5, message="x" * 1_000)

    assert notebook.sent == [{"done": 0.5, "total": None, "message": "x" * 1_000}]


@pytest.mark.parametrize(("done", "total"), [(-1, 5), (1, -5)])
def test_negative_progress_is_refused(context, done, total):
    with pytest.raises(ValueError, match=r"Progress can't be negative\. Give done >= 0 and total >= 0"):
        context.progress(done, total)


def test_half_a_second_is_measured_by_the_monotonic_clock(context, notebook, clock):
    context.progress(1, 10)
    clock.now += 0.49
    context.progress(2, 10)
    clock.now += 0.02
    context.progress(3, 10)

    assert done(notebook) == [1, 3]


def test_the_flag_is_read_at_most_once_a_second(context, notebook, clock):
    assert [context.cancelled for _ in range(50)] == [False] * 50
    assert notebook.asked == 1

    notebook.cancelled = True
    assert context.cancelled is False
    clock.now += 1.0
    assert context.cancelled is True
    assert notebook.asked == 2


def test_the_answer_to_a_report_is_also_the_flag(context, notebook):
    notebook.cancelled = True
    context.progress(1, 10)

    assert context.cancelled is True
    assert notebook.asked == 0


def test_a_flag_once_seen_stays(context, notebook, clock):
    notebook.cancelled = True
    context.progress(1, 10)
    notebook.cancelled = False
    clock.now += 5
    context.progress(2, 10)

    assert context.cancelled is True


def test_remaining_counts_down_and_is_never_negative(context, notebook):
    assert context.remaining == timedelta(seconds=12.5)
    notebook.left = -3.0
    assert context.remaining == timedelta(0)


def test_without_a_deadline_the_remaining_time_is_the_maximum(context):
    assert OffloadContext(task_result=context.task_result).remaining == timedelta.max
    assert LocalReporter().send({}) is False
    assert OffloadContext(task_result=context.task_result).cancelled is False


def test_two_contexts_share_no_state(context, notebook):
    context.progress(5, 10)
    other = OffloadContext(task_result=context.task_result, reporter=notebook)
    other.progress(1, 10)

    assert done(notebook) == [5, 1]


def test_outside_a_worker_progress_and_track_do_nothing():
    assert current() is None
    assert progress(1, 2) is None
    assert list(track([1, 2])) == [1, 2]


def test_progress_reaches_the_running_task(context, notebook):
    with running(context):
        progress(1, 2, "half")
        assert current() is context

    assert notebook.sent == [{"done": 1, "total": 2, "message": "half"}]
    assert current() is None


def test_track_reports_each_item_that_is_done(context, notebook, clock):
    seen = []
    with running(context):
        for item in track(["a", "b", "c"], message="rows"):
            seen.append((item, done(notebook)))
            clock.now += 1

    assert seen == [("a", []), ("b", [1]), ("c", [1, 2])]
    assert notebook.sent[-1] == {"done": 3, "total": 3, "message": "rows"}


def test_track_accepts_an_iterator_without_a_length(context, notebook):
    with running(context):
        assert list(track(iter("ab"))) == ["a", "b"]
        assert list(track(iter("ab"), total=2)) == ["a", "b"]

    assert notebook.sent[0]["total"] is None
    assert notebook.sent[-1]["total"] == 2


def test_a_context_is_reset_after_an_exception(context):
    with pytest.raises(KeyError), running(context):
        raise KeyError

    assert current() is None


def test_receivers_get_every_field_of_a_context_but_its_state():
    context = OffloadContext(
        task_result=mock.sentinel.result,
        reporter=mock.sentinel.reporter,
        journal=mock.sentinel.journal,
        owner="ada",
        tenant="customer-7",
        depth=3,
        traceparent="00-1",
        most_enqueues=7,
        budget=mock.sentinel.budget,
    )

    given = for_receivers(context)

    def same_as(other):
        return {one.name for one in fields(context) if getattr(other, one.name) is getattr(context, one.name)}

    assert same_as(given) == {one.name for one in fields(context)} - {"state"}
    # Nothing has its default, so a field that is new must be set above.
    assert same_as(OffloadContext(task_result=None)) == set()
