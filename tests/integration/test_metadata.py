"""Metadata is given to one call, changed by its attempts, and stored in the writes that end them."""

import logging

import pytest

from django_offload.compat import TaskResultStatus, signals
from tests.faults import WrappedStore, store_with
from tests.integration import tasks
from tests.integration.setup import SECOND, record_of, store, take_over
from tests.unit.management.commands import run, run_json

SUCCESSFUL, FAILED = TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED


@pytest.fixture
def work():
    """Say what the next attempts do with their context."""
    tasks.WORK.clear()
    yield lambda *functions: tasks.WORK.extend(functions)
    assert tasks.WORK == []


@pytest.fixture
def finished():
    """Return the metadata that task_finished told of."""
    found = []

    def note(sender, task_result, **kwargs):
        found.append(task_result.metadata)

    signals.task_finished.connect(note)
    yield found
    signals.task_finished.disconnect(note)


def add(**changes):
    return lambda context: context.metadata.update(changes)


def add_and_fail(**changes):
    def fail(context):
        context.metadata.update(changes)
        raise OSError("down")

    return fail


def replace_by(**changes):
    def replace(context):
        context.metadata.clear()
        context.metadata.update(changes)

    return replace


def run_all(aws):
    aws.run()
    while aws.sweep(ahead=SECOND).get("sent"):
        aws.run()


def test_what_the_task_changes_is_stored_when_it_ends(both, work, finished):
    work(add(rows=3))

    result = tasks.annotated.using(metadata={"trace": "abc"}).enqueue()
    given = result.metadata
    run_all(both)

    result.refresh()
    assert (given, result.status) == ({"trace": "abc"}, SUCCESSFUL)
    assert result.metadata == {"trace": "abc", "rows": 3}
    assert finished == [result.metadata]
    assert result.task.metadata == {"trace": "abc"}


def test_the_next_attempt_sees_what_the_former_stored_and_so_does_a_redriven_task(both, work, finished):
    work(add_and_fail(first=1), add_and_fail(second=2), add_and_fail(third=3))
    result = tasks.annotated.using(metadata={"trace": "abc"}).enqueue()
    run_all(both)
    result.refresh()
    failed = result.metadata

    work(replace_by())
    assert (result.status, failed) == (FAILED, {"trace": "abc", "first": 1, "second": 2, "third": 3})
    assert finished == [failed]
    assert run("offload_dead", "redrive", result.id)[0] == 0
    run_all(both)

    result.refresh()
    assert (result.status, result.metadata) == (SUCCESSFUL, {})


class Counting(WrappedStore):
    """Notes the names of the writes, and the attributes that each sets."""

    def __init__(self, inner):
        super().__init__(inner)
        self.names, self.puts = [], []

    def change(self, task_id, change):
        self.names.append(change.name)
        self.puts.append(set(change.put))
        return super().change(task_id, change)


@pytest.mark.parametrize(
    ("metadata", "does", "stored"),
    [
        (None, lambda context: None, False),
        ({"a": 1}, lambda context: None, False),
        ({"a": 1}, lambda context: len(context.metadata), False),
        ({"a": 1}, add(a=2), True),
        (None, add(a=2), True),
    ],
)
def test_it_costs_no_write_more_and_nothing_if_it_stays(aws, work, metadata, does, stored):
    work(does)
    task = tasks.annotated if metadata is None else tasks.annotated.using(metadata=metadata)
    result = task.enqueue()

    with store_with(Counting) as counting:
        aws.run()

    assert counting.names == ["claim", "succeed"]
    assert ("metadata" in counting.puts[-1]) is stored
    assert ("metadata" in store().get(result.id)) is stored


@pytest.mark.parametrize("task", [tasks.annotated, tasks.annotated_coroutine], ids=["sync", "async"])
def test_a_task_can_save_it_at_once(aws, work, task):
    seen = []

    def save(context):
        context.metadata["at"] = "half"
        context.save_metadata()
        seen.append(record_of(context.task_result.id).metadata)
        del context.metadata["at"]

    work(save)
    result = task.using(metadata={"a": 1}).enqueue()

    aws.run()

    result.refresh()
    assert seen == [{"a": 1, "at": "half"}]
    assert (result.status, result.metadata) == (SUCCESSFUL, {"a": 1})


def test_it_is_saved_under_the_fence(aws, work, caplog):
    def save_late(context):
        take_over(context.task_result.id)
        context.metadata["late"] = True
        context.save_metadata()
        assert context.cancelled

    work(save_late)
    result = tasks.annotated.enqueue()

    aws.run()

    assert record_of(result.id).metadata == {}
    assert f"Task id={result.id} metadata was not saved: another worker has the task" in caplog.text


class Failing(WrappedStore):
    def change(self, task_id, change):
        if change.name == "save metadata":
            raise ConnectionError("AWS is away")
        return super().change(task_id, change)


def test_what_aws_does_not_take_at_once_is_stored_at_the_end(aws, work, caplog):
    def save(context):
        context.metadata["a"] = 1
        context.save_metadata()
        return "done"

    work(save)
    result = tasks.annotated.enqueue()

    with store_with(Failing):
        aws.run()

    result.refresh()
    assert (result.return_value, result.metadata) == ("done", {"a": 1})
    assert f"Task id={result.id} metadata is not saved yet: AWS is away" in caplog.text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 300, "metadata has 317 bytes as JSON, and the limit is 300"),
        ({1, 2}, "metadata can't be stored as JSON (TypeError)"),
    ],
)
def test_metadata_that_cannot_be_stored_loses_no_outcome(aws, work, caplog, value, problem):
    def spoil(context):
        context.metadata["late"] = value
        with pytest.raises(ValueError, match="metadata"):
            context.save_metadata()
        return "done"

    work(spoil, add_and_fail(late=value), add_and_fail(late=value), add_and_fail(late=value))
    results = [tasks.annotated.using(metadata={"a": 1}).enqueue() for _ in range(2)]

    with caplog.at_level(logging.ERROR, "django_offload"):
        run_all(aws)

    for result in results:
        result.refresh()
    assert sorted(result.status for result in results) == [FAILED, SUCCESSFUL]
    assert [result.metadata for result in results] == [{"a": 1}, {"a": 1}]
    texts = [record.getMessage() for record in caplog.records]
    lines = [text for text in texts if "keeps its former metadata" in text]
    assert len(lines) == 4
    assert all(problem in line for line in lines)


def test_a_thread_that_the_task_left_can_save_nothing(aws, work):
    contexts = []
    work(contexts.append)
    tasks.annotated.enqueue()
    aws.run()

    with pytest.raises(RuntimeError, match="has ended, so its metadata can't be saved any more"):
        contexts[0].save_metadata()


def test_the_terminal_and_the_status_show_it(aws, work):
    work(add(rows=3))
    result = tasks.annotated.using(metadata={"trace": "abc"}).enqueue()
    plain = tasks.note.enqueue("a")
    aws.run()

    assert run_json("offload_result", result.id)[1]["metadata"] == {"trace": "abc", "rows": 3}
    assert '{"trace": "abc", "rows": 3}' in run("offload_result", result.id)[1]
    assert "metadata" not in run_json("offload_result", plain.id)[1]
