"""The outbox is drained by pages: few statements, one send for a queue, and no more in memory than fits."""

import logging
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import connection, transaction

from django_offload.outbox import drain as outbox
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.record import read_record
from tests.contract import tasks
from tests.contract.outbox_site import LATER, down, drain, leave_behind, refusing, rows
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.reliability.databases import at_once


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    return request.getfixturevalue("offload")


@contextmanager
def statements():
    """Note the statements of this thread, and how often it begins and ends a transaction."""
    seen = []

    def note(execute, sql, *rest):
        seen.append(sql)
        return execute(sql, *rest)

    autocommit, commit = connection.set_autocommit, connection.commit
    with (
        connection.execute_wrapper(note),
        mock.patch.object(
            connection, "set_autocommit", lambda *a, **k: seen.append("BEGIN") or autocommit(*a, **k)
        ),
        mock.patch.object(connection, "commit", side_effect=lambda: seen.append("COMMIT") or commit()),
    ):
        yield seen


def test_a_row_takes_a_tenth_of_a_statement_and_its_page_one_transaction(site):
    leave_behind(250)

    with statements() as seen:
        assert drain() == 250

    assert rows() == []
    assert len(seen) <= 0.1 * 250
    assert sum(sql.startswith("DELETE") for sql in seen) == 3
    locks = [sql for sql in seen if "FOR UPDATE" in sql]
    if connection.features.has_select_for_update_skip_locked:
        assert len(locks) == 3
        assert all(sql.endswith("SKIP LOCKED") for sql in locks)
        assert seen.count("COMMIT") == 4, "one for each page, and one that finds no more"
    else:
        assert locks == []


def leave_many_kinds():
    """Leave tasks of two queues and two backends, which start now, soon and much later."""
    now, left = datetime.now(UTC), {}
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        for number in range(12):
            task = tasks.echo.using(queue_name=("default", "reports")[number % 2])
            if number % 3:
                task = task.using(
                    run_after=now + (timedelta(minutes=number), timedelta(hours=number))[number % 3 - 1]
                )
            elif number % 4 == 0:
                task = task.using(backend="other")
            left[task.enqueue(number).id] = task
    return left


def test_tasks_of_one_queue_are_sent_together_each_with_its_own_delay(site, monkeypatch):
    left, sizes = leave_many_kinds(), []
    send_many = outbox.send_many

    def counted(group, *rest, **known):
        sizes.append(len(group))
        return send_many(group, *rest, **known)

    monkeypatch.setattr(outbox, "send_many", counted)

    assert drain() == len(left)

    assert sum(sizes) == len(left)
    assert len(sizes) == 5, "one of the other backend, and of each queue those for soon and for later"
    store = site.stores[STACK]
    for task_id, task in left.items():
        record = read_record(store.get(task_id))
        assert record.enqueued.run_after == task.run_after
        assert (record.enqueued.queue, record.enqueued.alias) == (task.queue_name, task.backend)
    now = site.clock()
    for queue in site.transports[STACK].queues.values():
        for message in queue.messages.values():
            task = left[next(task_id for task_id in left if task_id in message.body)]
            assert message.visible_at >= (task.run_after or now - LATER)
            assert message.visible_at <= max(task.run_after or now, now) + timedelta(seconds=5)


def test_of_a_page_those_that_are_not_sent_stay(site, caplog):
    caplog.set_level(logging.ERROR)
    left = leave_behind(30)
    stays = set(left[::7])
    change, send = site.stores[STACK].change, site.transports[STACK].send

    with (
        mock.patch.object(
            site.stores[STACK],
            "change",
            lambda key, *rest: refusing() if key in stays else change(key, *rest),
        ),
        mock.patch.object(
            site.transports[STACK],
            "send",
            lambda queue, text, *rest: (
                refusing() if any(key in text for key in stays) else send(queue, text, *rest)
            ),
        ),
    ):
        assert drain() == 30 - len(stays)

    assert set(rows()) == stays
    logged = [record.getMessage() for record in caplog.records]
    assert sorted(line.partition(" ")[2].partition(" ")[0] for line in logged) == sorted(
        f"id={key}" for key in stays
    )
    assert drain() == len(stays)
    assert rows() == []


def test_rows_with_large_arguments_are_read_a_few_at_a_time(site, monkeypatch):
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        left = [tasks.echo.enqueue("x" * size).id for size in (50_000, 50_000, 250_000, 10, 10, 90_000)]
    monkeypatch.setattr(outbox, "PAGE_BYTES", 120_000)
    sizes = []
    locked_entries = outbox.locked_entries
    monkeypatch.setattr(
        outbox, "locked_entries", lambda places: sizes.append(len(places)) or locked_entries(places)
    )

    assert drain() == len(left)

    assert sizes == [2, 1, 3]
    assert rows() == []


def test_a_page_that_another_drain_has_locked_is_skipped(site):
    if not connection.features.has_select_for_update_skip_locked:
        assert not connection.features.has_select_for_update, "SQLite locks no rows"
        return
    left = leave_behind(3)
    with transaction.atomic():
        held = outbox.locked_entries(outbox.next_page(None, datetime.now(UTC) + LATER)[:2])
        (count,) = at_once(drain)
        assert (len(held), count) == (2, 1)
        assert sorted(entry.id for entry in held) == rows()

    assert drain() == 2
    assert rows() == []
    assert sorted(site.stores[STACK].records) == left


def test_groups_for_which_no_time_is_left_stay(site):
    left = leave_many_kinds()
    seconds = iter([60.0, 60.0, *[0.5] * 20])

    sent = outbox.drain(datetime.now(UTC) + LATER, lambda: next(seconds))

    assert 0 < sent < len(left)
    assert len(rows()) == len(left) - sent == OutboxEntry.objects.count()
    assert drain() == len(left) - sent


def test_without_aws_each_row_of_a_page_is_named(site, caplog):
    left = leave_behind(5)

    with down(site):
        assert drain() == 0

    assert rows() == left
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [
        any(f"id={task_id} stays in the outbox: EnqueueFailed" in line for line in logged) for task_id in left
    ] == [True] * 5
