"""Draining on SQLite and PostgreSQL: a committed task is sent even if its process has died."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, connection, transaction

from django_offload.compat import signals
from django_offload.outbox import drain as outbox
from django_offload.outbox.models import OutboxEntry
from django_offload.worker.sweep import sweep
from tests.contract import tasks
from tests.contract.outbox_site import LATER, Killed, down, drain, leave_behind, messages, rows
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.faults import FailingStore, FailingTransport, store_with, transport_with
from tests.reliability.databases import at_once


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=TASK_MODULES, outbox=True)
    return request.getfixturevalue("offload")


def test_the_sweeper_drains_the_rows_of_a_dead_process(site):
    left = leave_behind(3)
    assert (rows(), messages(site)) == (left, [])

    site.clock.skip_to(site.clock() + LATER)
    assert site.sweep()["drained"] == 3

    assert rows() == []
    assert sorted(site.stores[STACK].records) == left
    assert site.run() == 3


def test_a_row_stays_until_message_or_entry_of_the_index_is_confirmed(site, settings):
    """Of a queue whose index has only tasks in trouble, a record alone doesn't keep the task."""
    settings.TASKS = tasks_setting(
        modules=TASK_MODULES, outbox=True, queues={"default": {"index": "trouble"}}
    )
    del settings.TASKS["other"]
    left = leave_behind()

    with transport_with(FailingTransport), store_with(lambda inner: FailingStore(inner, before="look at")):
        assert drain() == 0
    assert (rows(), sorted(site.stores[STACK].records)) == (left, left)

    assert drain() == 1
    assert (rows(), site.run()) == ([], 1)


def test_the_command_drains_too(site, capsys):
    left = leave_behind(2)
    OutboxEntry.objects.update(created_at=datetime.now(UTC) - LATER)

    call_command("offload_sweep")

    assert "2 drained" in capsys.readouterr().out
    assert rows() == []
    assert sorted(site.stores[STACK].records) == left


def test_fresh_rows_are_left_to_the_process_that_enqueued(site):
    left = leave_behind()

    assert drain(ahead=timedelta(seconds=5)) == 0
    assert (rows(), messages(site)) == (left, [])


def test_draining_stops_if_no_time_is_left(site, monkeypatch):
    monkeypatch.setattr(outbox, "PAGE", 2)
    left = leave_behind(4)
    times = iter([60.0, 60.0, 0.5])  # Before the page, its one group, and the next page.

    assert outbox.drain(datetime.now(UTC) + LATER, lambda: next(times)) == 2
    assert len(rows()) == 2
    assert drain() == 2
    assert sorted(site.stores[STACK].records) == left


def test_concurrent_drains_lose_nothing_and_skip_locked_rows(site, monkeypatch):
    monkeypatch.setattr(outbox, "PAGE", 5)
    left, sent = leave_behind(40), []
    send_many = outbox.send_many

    def counted(enqueued_tasks, options, **kwargs):
        failures = send_many(enqueued_tasks, options, **kwargs)
        sent.extend(enqueued.id for enqueued in enqueued_tasks)
        return failures

    with mock.patch.object(outbox, "send_many", counted):
        counts = at_once(*[drain] * 4)

    assert all(isinstance(count, int) for count in counts), counts
    assert drain() == 0
    assert rows() == []
    assert sorted(set(sent)) == left
    if connection.features.has_select_for_update_skip_locked:
        assert sorted(sent) == left
        assert sum(counts) == 40
    site.run()
    assert {record["status"] for record in site.stores[STACK].records.values()} == {"SUCCESSFUL"}
    assert all(len(record["workers"]) == 1 for record in site.stores[STACK].records.values())


def test_a_crash_between_send_and_delete_makes_two_messages_and_one_task(site):
    (left,) = leave_behind()
    with mock.patch.object(outbox, "delete", side_effect=Killed), pytest.raises(Killed):
        drain()
    assert rows() == [left]

    assert drain() == 1

    assert len(messages(site)) == 2
    assert site.run() == 2
    record = site.stores[STACK].records[left]
    assert (record["status"], len(record["workers"])) == ("SUCCESSFUL", 1)


def test_a_drain_without_aws_keeps_every_row(site, caplog):
    left = leave_behind(2)

    with down(site):
        assert drain() == 0

    assert rows() == left
    assert "stays in the outbox" in caplog.text
    assert drain() == 2


def test_rows_of_a_removed_alias_stay_until_the_alias_returns(site, settings, caplog):
    left = leave_behind()
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        other = tasks.answer.using(backend="other").enqueue().id
    both = settings.TASKS

    settings.TASKS = {"default": both["default"]}
    assert drain() == 1

    assert rows() == [other]
    assert "TASKS has no 'other' any more" in caplog.text
    settings.TASKS = both
    assert drain() == 1
    assert rows() == []
    assert sorted(site.stores[STACK].records) == sorted([*left, other])


@pytest.fixture
def announced():
    """What task_enqueued announced."""
    found = []

    def note(sender, task_result, **kwargs):
        found.append(
            (sender.__name__, task_result.id, task_result.task.name, task_result.args, task_result.kwargs)
        )
        assert task_result.enqueued_at is not None

    signals.task_enqueued.connect(note)
    yield found
    signals.task_enqueued.disconnect(note)


def test_what_is_sent_from_the_outbox_is_announced_once(site, announced):
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        left = tasks.echo.using(backend="other").enqueue(1, [2], a={"b": 3})
    assert announced == []

    assert (drain(), drain()) == (1, 0)

    assert announced == [("LambdaBackend", left.id, "echo", [1, [2]], {"a": {"b": 3}})]


def test_what_aws_refuses_at_the_commit_is_announced_once_it_is_sent(site, announced):
    with down(site), transaction.atomic():
        left = tasks.echo.enqueue(1)
    assert (announced, left.enqueued_at) == ([], None)

    assert drain() == 1

    assert [entry[1] for entry in announced] == [left.id]


def test_a_task_that_this_process_does_not_know_is_sent_without_a_signal(site, announced, caplog):
    (left,) = leave_behind()
    birth = OutboxEntry.objects.get().birth
    OutboxEntry.objects.update(birth=birth.replace("tests.contract.tasks.answer", "shop.tasks.gone"))

    assert drain() == 1

    assert (rows(), announced, len(messages(site))) == ([], [], 1)
    assert f"Task id={left} was sent from the outbox without task_enqueued: No task is named" in caplog.text


def failing_query():
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nothing_of_this_name")


def failing_receiver():
    raise RuntimeError("the receiver failed")


@pytest.mark.parametrize("receive", [failing_receiver, failing_query])
def test_a_receiver_that_raises_keeps_no_row(site, receive):
    received = []

    def note(sender, task_result, **kwargs):
        received.append((task_result.id, connection.in_atomic_block))
        receive()

    left = leave_behind(2)
    signals.task_enqueued.connect(note)
    try:
        assert drain() == 2
        assert drain() == 0
    finally:
        signals.task_enqueued.disconnect(note)
    assert rows() == []
    assert sorted(received) == [(task_id, False) for task_id in left]


def unreachable(*args, **kwargs):
    raise ConnectionError("S3 does not answer")


def no_modules():
    raise ImportError("No module named 'shop'")


@pytest.mark.parametrize(
    ("what", "failing", "reason"),
    [
        ("registry", no_modules, "No module named 'shop'"),
        ("masked_text", no_modules, "UnknownTask"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_task_that_cannot_be_announced_is_sent_and_stops_no_other(
    site, announced, caplog, what, failing, reason
):
    left = leave_behind(2)
    reference = site.payloads[STACK].keep("payloads/a/arguments", "[[],{}]")
    entry = OutboxEntry.objects.get(id=left[0])
    row = {**json.loads(entry.birth), "reference": asdict(reference)}
    if what == "masked_text":
        row["name"] = "shop.tasks.gone"
    OutboxEntry.objects.filter(id=left[0]).update(birth=json.dumps(row))

    with mock.patch.object(outbox, what, failing):
        assert drain() == 2

    assert (rows(), len(messages(site))) == ([], 2)
    assert f"Task id={left[0]} was sent from the outbox without task_enqueued: {reason}" in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_task_whose_large_arguments_cannot_be_read_now_waits_and_stops_no_other(site, announced, caplog):
    left = leave_behind(2)
    reference = site.payloads[STACK].keep("payloads/a/arguments", "[[],{}]")
    entry = OutboxEntry.objects.get(id=left[0])
    row = {**json.loads(entry.birth), "reference": asdict(reference)}
    OutboxEntry.objects.filter(id=left[0]).update(birth=json.dumps(row))

    with mock.patch.object(outbox, "fetch", unreachable):
        assert drain() == 1
    assert f"Task id={left[0]} stays in the outbox: ConnectionError: S3 does not answer" in caplog.text
    assert drain() == 1

    assert (rows(), len(messages(site))) == ([], 2)
    assert sorted(task_id for _, task_id, *_ in announced) == sorted(left)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("queue", ["nope", "", "x y"])
def test_a_row_whose_queue_tasks_has_not_waits_and_stops_no_other(site, announced, caplog, queue):
    left = leave_behind(2)
    entry = OutboxEntry.objects.get(id=left[0])
    OutboxEntry.objects.filter(id=left[0]).update(
        birth=json.dumps(json.loads(entry.birth) | {"queue": queue})
    )

    assert drain() == 1

    assert (rows(), len(messages(site))) == ([left[0]], 1)
    assert f"Task id={left[0]} stays in the outbox: ResourceMissing:" in caplog.text
    assert f"-{queue}' does not exist" in caplog.text


def test_a_task_with_its_arguments_in_the_bucket_is_announced_with_them(site, announced):
    (left,) = leave_behind()
    reference = site.payloads[STACK].keep("payloads/a/arguments", '[[1],{"b":2}]')
    row = {**json.loads(OutboxEntry.objects.get().birth), "reference": asdict(reference)}
    OutboxEntry.objects.update(birth=json.dumps({**row, "name": "tests.contract.tasks.echo"}))

    assert drain() == 1

    assert announced == [("SQSBackend", left, "echo", [1], {"b": 2})]


def test_a_row_that_cannot_be_deleted_because_the_connection_is_closed_stays(site, caplog):
    with (
        mock.patch.object(outbox, "delete", side_effect=InterfaceError("connection already closed")),
        transaction.atomic(),
    ):
        result = tasks.answer.enqueue()

    assert rows() == [result.id]
    assert result.enqueued_at is not None
    assert f"Task id={result.id} was sent, and stays in the outbox: connection already closed" in caplog.text


def test_trouble_with_the_outbox_does_not_stop_the_sweep_of_records(site, caplog):
    lost = tasks.answer.enqueue()
    lose(site, 0)

    with mock.patch.object(outbox, "drain", side_effect=DatabaseError("no such table")):
        done = site.sweep()

    assert (done["sent"], done["failed"]) == (1, 1)
    assert "outbox" in caplog.text
    site.run()
    lost.refresh()
    assert lost.return_value == 42


def test_records_are_swept_before_the_outbox(site):
    lose(site, 1)

    with mock.patch.object(outbox, "drain", side_effect=Killed), pytest.raises(Killed):
        sweep(site.clock, lambda: 60.0)

    assert len(messages(site)) == 1


def test_a_backlog_of_records_leaves_half_of_the_time_to_the_outbox(site):
    lose(site, 60)
    left = leave_behind(3)
    seconds = iter(range(60, -1, -1))

    done = sweep(site.clock, lambda: float(next(seconds, 0)))

    assert 20 < done["sent"] < 30
    assert done["drained"] == len(left)


def lose(site, count):
    """Enqueue tasks, lose their messages, and skip to when the sweeper looks at them."""
    for _ in range(count):
        tasks.answer.enqueue()
    for queue in site.transports[STACK].queues.values():
        queue.messages.clear()
    site.clock.skip_to(site.clock() + timedelta(minutes=6))


def test_a_deferred_task_from_the_outbox_starts_at_its_time(site):
    at = datetime.now(UTC) + timedelta(minutes=10)
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        result = tasks.now.using(run_after=at).enqueue()

    assert drain() == 1

    record = site.stores[STACK].records[result.id]
    assert record["not_before"] == round(at.timestamp() * 1_000_000)
    site.run()
    assert site.clock() >= at
