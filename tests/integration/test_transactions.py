"""Inside a transaction nothing leaves before the commit; a rollback leaves nothing."""

from contextlib import contextmanager

import pytest
from django.db import transaction

from django_offload.compat import InvalidTask, TaskResultDoesNotExist, TaskResultStatus, signals
from django_offload.exceptions import InvalidArguments
from tests.contract.setup import tasks_setting
from tests.faults import FailingStore, FailingTransport, store_with, transport_with
from tests.integration import tasks
from tests.integration.setup import MODULES, has_record


@pytest.fixture
def enqueued():
    """Return the ids that task_enqueued told of."""
    found = []

    def note(sender, task_result, **kwargs):
        found.append((task_result.id, task_result.enqueued_at is not None))

    signals.task_enqueued.connect(note)
    yield found
    signals.task_enqueued.disconnect(note)


@contextmanager
def rolled_back():
    """Open a transaction and roll it back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_nothing_leaves_before_the_commit(both, enqueued):
    with transaction.atomic():
        result = tasks.note.enqueue("a")

        assert result.enqueued_at is None
        assert result.status == TaskResultStatus.READY
        assert not has_record(result.id)
        assert both.run() == 0
        with pytest.raises(TaskResultDoesNotExist):
            tasks.note.get_result(result.id)
        with pytest.raises(TaskResultDoesNotExist):
            result.refresh()
        assert enqueued == []

    assert result.enqueued_at is not None
    assert enqueued == [(result.id, True)]
    assert both.run() == 1
    result.refresh()
    assert result.return_value == "a"


def test_a_rollback_leaves_nothing(both, enqueued):
    with rolled_back():
        result = tasks.note.enqueue("a")

    assert (result.enqueued_at, enqueued) == (None, [])
    assert not has_record(result.id)
    assert both.run() == 0


def test_a_savepoint_that_is_rolled_back_takes_its_tasks_along(aws):
    with transaction.atomic():
        kept = tasks.note.enqueue("kept")
        with rolled_back():
            tasks.note.enqueue("lost")

    assert aws.run() == 1
    kept.refresh()
    assert tasks.RUNS == ["kept"]


def test_the_time_of_enqueue_is_the_commits(aws):
    with transaction.atomic():
        result = tasks.note.enqueue("a")
        before = has_record(result.id)

    found = tasks.note.get_result(result.id)
    assert not before
    assert found.enqueued_at == result.enqueued_at


def test_without_on_commit_a_task_leaves_at_once(aws, settings, enqueued):
    settings.TASKS = tasks_setting(modules=MODULES, on_commit=False)

    with rolled_back():
        result = tasks.note.enqueue("a")

        assert result.enqueued_at is not None

    assert enqueued == [(result.id, True)]
    assert aws.run() == 1
    assert tasks.RUNS == ["a"]


def test_what_is_wrong_is_said_at_once_and_not_at_the_commit(aws):
    with transaction.atomic():
        with pytest.raises(InvalidArguments, match="can't be sent: value is NaN, which JSON doesn't have"):
            tasks.note.enqueue(float("nan"))
        with pytest.raises(InvalidArguments, match="missing a required argument: 'value'"):
            tasks.note.enqueue()
        with pytest.raises(InvalidTask, match="Queue 'other' is not valid"):
            tasks.note.using(queue_name="other")
    assert aws.run() == 0


def test_one_half_is_enough_at_the_commit_too(both):
    with transport_with(FailingTransport), transaction.atomic():
        result = tasks.note.enqueue("a")

    assert has_record(result.id)
    assert result.enqueued_at is not None


def test_a_task_that_cannot_be_sent_at_the_commit_is_named_and_holds_up_no_other(aws, caplog):
    with (
        store_with(lambda inner: FailingStore(inner, before="create")),
        transport_with(FailingTransport),
        transaction.atomic(),
    ):
        lost = tasks.note.enqueue("a")
        sent = tasks.note.enqueue("b")

    assert aws.run() == 1
    assert tasks.RUNS == ["b"]
    assert lost.enqueued_at is None
    assert sent.enqueued_at is not None
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"Task id={lost.id} name=tests.integration.tasks.note couldn't be enqueued" in str(
        said.exc_info[1]
    )
