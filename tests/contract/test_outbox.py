"""The outbox at a commit, on SQLite and PostgreSQL: the row is part of the caller's transaction."""

import logging
from unittest import mock

import pytest
from django.db import DatabaseError, transaction

from django_offload.compat import TaskResultStatus
from django_offload.exceptions import EnqueueFailed
from django_offload.outbox import drain as outbox
from tests.contract import tasks
from tests.contract.outbox_site import (
    Killed,
    down,
    drain,
    messages,
    refusing,
    rolled_back,
    rows,
)
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.reliability.databases import at_once, ledger, write


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    return request.getfixturevalue("offload")


def test_the_row_is_part_of_the_transaction_and_deleted_after_the_send(site):
    with transaction.atomic():
        write("order")
        result = tasks.answer.enqueue()

        assert rows() == [result.id]
        assert at_once(rows, lambda: messages(site)) == [[], []], "seen before the commit"
        assert result.enqueued_at is None

    assert rows() == []
    assert len(messages(site)) == 1
    assert site.run() == 1
    result.refresh()
    assert result.return_value == 42


def test_a_rollback_leaves_no_row_record_or_message(site):
    with rolled_back():
        write("order")
        tasks.answer.enqueue()

    assert (rows(), messages(site), site.stores[STACK].records, ledger()) == ([], [], {}, [])
    assert drain() == 0


def test_a_rolled_back_savepoint_removes_only_its_own_tasks(site):
    with transaction.atomic():
        kept = tasks.answer.enqueue()
        with rolled_back():
            tasks.answer.enqueue()

    assert rows() == []
    assert list(site.stores[STACK].records) == [kept.id]
    assert len(messages(site)) == 1


def test_enqueue_on_commit_keeps_its_row_until_the_task_is_sent(site):
    with rolled_back():
        tasks.answer.enqueue_on_commit()
    with transaction.atomic():
        result = tasks.answer.enqueue_on_commit()

        assert rows() == [result.id]

    assert (rows(), len(messages(site)), list(site.stores[STACK].records)) == ([], 1, [result.id])


def test_a_process_that_dies_after_its_send_makes_two_messages_and_one_task(site):
    with (
        mock.patch.object(outbox, "forget_many", side_effect=Killed),
        pytest.raises(Killed),
        transaction.atomic(),
    ):
        result = tasks.answer.enqueue()
    assert (rows(), len(messages(site))) == ([result.id], 1)

    assert drain() == 1

    assert (rows(), len(messages(site))) == ([], 2)
    site.run()
    assert len(site.stores[STACK].records[result.id]["workers"]) == 1


def test_a_send_that_fails_at_the_commit_keeps_the_row_and_raises_nothing(site, caplog):
    with down(site), transaction.atomic():
        write("order")
        result = tasks.answer.enqueue()

    assert (rows(), messages(site), ledger()) == ([result.id], [], ["order"])
    assert "it is in the outbox" in caplog.text
    assert drain() == 1
    site.run()
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_a_row_that_cannot_be_deleted_does_not_fail_the_request(site, caplog):
    with (
        mock.patch.object(outbox, "delete", side_effect=DatabaseError("database is locked")),
        transaction.atomic(),
    ):
        result = tasks.answer.enqueue()

    assert rows() == [result.id]
    assert "was sent, and stays in the outbox" in caplog.text
    assert drain() == 1
    site.run()
    assert len(site.stores[STACK].records[result.id]["workers"]) == 1


def test_outside_a_transaction_there_is_no_row_and_enqueue_raises(site):
    with down(site), pytest.raises(EnqueueFailed, match="Enqueue the task again when AWS answers"):
        tasks.answer.enqueue()

    assert rows() == []
    assert drain() == 0


def test_all_tasks_of_a_transaction_are_sent_although_one_send_fails(site, caplog):
    caplog.set_level(logging.WARNING)
    store = site.stores[STACK]
    change, failed = store.change, []

    def failing_once(task_id, *args):
        if not failed:
            failed.append(task_id)
            refusing()
        return change(task_id, *args)

    with mock.patch.object(store, "change", failing_once), transaction.atomic():
        ids = sorted(tasks.answer.enqueue().id for _ in range(5))

    assert len(messages(site)) == 5
    site.run()
    assert sorted(store.records) == ids
