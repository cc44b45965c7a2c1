"""enqueue_on_commit() waits for the commit, whatever the option `on_commit` says."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from django_offload.compat import TASKS, TaskResultStatus
from django_offload.exceptions import InvalidArguments
from tests.contract.setup import tasks_setting
from tests.integration import tasks
from tests.integration.setup import MODULES, has_record
from tests.integration.test_transactions import rolled_back

WAYS = {
    "sync": tasks.note.enqueue_on_commit,
    "async": async_to_sync(tasks.note.aenqueue_on_commit),
}


@pytest.fixture(params=[True, False], ids=["on_commit", "no on_commit"])
def at_commit(request, aws, settings):
    settings.TASKS = tasks_setting(modules=MODULES, on_commit=request.param)
    return aws


@pytest.mark.parametrize("way", WAYS)
def test_a_task_leaves_at_the_commit(at_commit, way):
    with transaction.atomic():
        result = WAYS[way]("a")

        assert (result.status, result.enqueued_at) == (TaskResultStatus.READY, None)
        assert not has_record(result.id)
        assert at_commit.run() == 0

    assert result.enqueued_at is not None
    assert at_commit.run() == 1
    result.refresh()
    assert result.return_value == "a"


def test_outside_a_transaction_it_leaves_at_once(at_commit):
    result = tasks.note.enqueue_on_commit("a")

    assert result.enqueued_at is not None
    assert has_record(result.id)


def test_a_rollback_sends_nothing_and_a_savepoint_only_what_is_outside_of_it(at_commit):
    with rolled_back():
        lost = tasks.note.enqueue_on_commit("lost")
    with transaction.atomic():
        kept = tasks.note.enqueue_on_commit("kept")
        with rolled_back():
            inner = tasks.note.enqueue_on_commit("inner")

    assert at_commit.run() == 1
    assert [has_record(result.id) for result in (lost, inner, kept)] == [False, False, True]
    assert tasks.RUNS == ["kept"]


def test_only_this_call_waits(aws, settings):
    settings.TASKS = tasks_setting(modules=MODULES, on_commit=False)

    with transaction.atomic():
        waits, leaves = tasks.note.enqueue_on_commit("waits"), tasks.note.enqueue("leaves")

        assert (has_record(waits.id), has_record(leaves.id)) == (False, True)


def test_what_is_wrong_is_said_at_once(at_commit):
    with transaction.atomic(), pytest.raises(InvalidArguments, match=r"Call note\.enqueue\(value\)"):
        tasks.note.enqueue_on_commit()


def test_in_an_event_loop_it_names_the_method_to_use(aws):
    async def enqueue():
        tasks.note.enqueue_on_commit("a")

    with pytest.raises(SynchronousOnlyOperation, match=r"Use await note\.aenqueue_on_commit\(\.\.\.\)"):
        asyncio.run(enqueue())


@pytest.fixture
def immediate(settings, transactional_db, clean_trace):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}


def test_another_backend_gets_the_task_at_the_commit_too(immediate):
    with transaction.atomic():
        assert tasks.note.enqueue_on_commit("a") is None
        assert tasks.RUNS == []

    assert tasks.RUNS == ["a"]
    assert tasks.note.enqueue_on_commit("b").return_value == "b"
    with rolled_back():
        tasks.note.enqueue_on_commit("c")
    assert tasks.RUNS == ["a", "b"]
