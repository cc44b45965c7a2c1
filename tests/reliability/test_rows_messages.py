"""Rows of the failure table about messages: their sizes, their signatures, their names, their order."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from django_offload.conf import configured
from django_offload.definition.registry import registry
from django_offload.exceptions import PayloadTooLarge
from django_offload.operations.redrive import redrive
from django_offload.protocol.record import FAILED, PART_BYTES, SUCCESSFUL
from django_offload.sending.enqueue import message_text
from tests.contract import tasks as plain
from tests.contract.records import create_record
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.older_code import enqueued_by_older_code
from tests.reliability import tasks
from tests.reliability.line import MemoryLine
from tests.security.corpus.bodies import NOT_JSON, NOT_OURS, of_those_that_sqs_takes

# tests/security has many more, and forgeries.
POISON = of_those_that_sqs_takes(NOT_JSON | NOT_OURS)


def away(*args: Any) -> None:
    raise ConnectionError("AWS does not answer")


def test_f08_what_could_not_be_sent_for_a_minute_is_sent_by_the_sweeper(line: MemoryLine) -> None:
    with mock.patch.object(line.transport, "send", away):
        results = [tasks.plain.enqueue(number) for number in range(20)]
        line.pass_time(seconds=60)
        line.site.sweep()
    assert line.bodies() == []

    for _ in range(3):
        line.pass_time(minutes=11)
        line.site.sweep()
    line.site.run()

    assert {line.record(result.id).status for result in results} == {SUCCESSFUL}
    assert sorted(tasks.executions) == list(range(20))


@pytest.mark.parametrize("size", [299_998, 299_999, 300_001, 450_000, 5_000_000])
@pytest.mark.parametrize("bucket", [True, False])
def test_f09_a_result_of_any_size_is_kept_or_refused_and_the_task_runs_once(
    line: MemoryLine, settings: Any, size: int, bucket: bool
) -> None:
    if not bucket:
        settings.TASKS = tasks_setting(modules=TASK_MODULES, bucket=None)
    result = plain.returns_much.enqueue(size)
    line.site.run()

    result.refresh()
    if bucket or size + 2 <= PART_BYTES:
        assert len(result.return_value) == size
    else:
        assert line.record(result.id).status == FAILED
        assert result.errors[-1].exception_class_path == "django_offload.exceptions.ResultTooLarge"
    assert result.attempts == 1


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_f10_arguments_at_the_limit_are_measured_before_anything_is_written(
    line: MemoryLine, settings: Any, beyond: int
) -> None:
    settings.TASKS = tasks_setting(modules=TASK_MODULES, bucket=None)
    text = "x" * (PART_BYTES - len('[[""],{}]') + beyond)

    if beyond > 0:
        with pytest.raises(PayloadTooLarge, match="300,001 bytes"):
            plain.echo.enqueue(text)
        assert (line.store.records, line.store.texts, line.bodies()) == ({}, {}, [])
    else:
        result = plain.echo.enqueue(text)
        line.site.run()
        result.refresh()
        assert result.status == SUCCESSFUL or result.errors[-1].exception_class_path.endswith(
            "ResultTooLarge"
        )
        assert result.args == [text]


def test_f11_there_are_forty_poison_messages_and_more() -> None:
    assert len(set(POISON.values())) >= 40


@pytest.mark.parametrize("name", POISON)
def test_f11_a_poison_message_leaves_its_neighbours_alone(line: MemoryLine, name: str) -> None:
    ids = [tasks.plain.enqueue(n).id for n in range(9)]
    poison = POISON[name]
    line.transport.send("default", poison, timedelta(0))
    deliveries = line.receive()
    bad = [delivery.id for delivery in deliveries if delivery.body == poison]

    assert line.work(*deliveries) == bad

    assert [line.record(task_id).status for task_id in ids] == [SUCCESSFUL] * 9
    records = dict(line.store.records)
    line.bury(*[delivery for delivery in deliveries if delivery.id in bad])
    assert line.store.records == records, "a body that did not verify touched a record"
    assert len(line.site.payloads[STACK].objects) == 1, "nobody can look at it"


def test_f14_a_renamed_task_finds_the_messages_of_its_old_name(line: MemoryLine) -> None:
    result = tasks.renamed.enqueue(7)
    record = line.record(result.id)
    assert record.enqueued.name == "shop.new_name"
    options = configured()["default"]
    # As the release before the renaming sent it.
    old = message_text(
        replace(record.enqueued, name="shop.old_name"), options, line.now() + timedelta(days=7)
    )
    line.store.records.clear()
    line.transport.queues["default"].messages.clear()
    line.transport.send("default", old, timedelta(0))

    line.site.run()

    assert line.record(result.id).status == SUCCESSFUL
    assert tasks.executions == [7]


def test_f15_an_unknown_task_waits_dies_and_runs_after_the_fix(line: MemoryLine) -> None:
    result = tasks.plain.enqueue(7)
    name = "tests.reliability.tasks.plain"
    task = registry()._tasks.pop(name)
    waits = []
    (delivery,) = line.receive()
    for receives in range(1, 5):
        delivery = replace(delivery, receives=receives)
        assert line.work(delivery) == [delivery.id]
        (held,) = line.transport.queues["default"].messages.values()
        waits.append(round((held.visible_at - line.now()).total_seconds()))
    line.bury(delivery)
    line.transport.delete(delivery)
    assert waits == [2, 4, 8, 16]
    assert line.record(result.id).error["class"] == "django_offload.exceptions.UnknownTask"  # type: ignore[index]

    registry()._tasks[name] = task
    redrive(line.store, result.id, configured()["default"], line.now())
    line.site.run()

    assert line.record(result.id).status == SUCCESSFUL


def test_f16_a_changed_signature_fails_the_task_unrun_and_a_type_error_inside_is_its_own(
    line: MemoryLine,
) -> None:
    unfit, inside = enqueued_by_older_code(plain.add, 1, 2, 3), plain.raises_type_error.enqueue()
    line.site.run()

    refused, raised = line.record(unfit.id), line.record(inside.id)
    assert (refused.status, refused.attempts) == (FAILED, 0)
    assert refused.error["class"] == "django_offload.exceptions.BadArguments"  # type: ignore[index]
    assert (raised.status, raised.attempts) == (FAILED, 1)
    assert raised.error["class"] == "builtins.TypeError"  # type: ignore[index]


def test_f23_after_a_rotation_messages_under_way_run_and_without_the_old_secret_none_does(
    line: MemoryLine, settings: Any
) -> None:
    old = settings.SECRET_KEY
    results = [tasks.plain.enqueue(number) for number in range(1_000)]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new one", []
    line.work(*line.receive(100))
    assert tasks.executions == []

    settings.SECRET_KEY_FALLBACKS = [old]
    line.site.run()

    assert {line.record(result.id).status for result in results} == {SUCCESSFUL}
    assert len(tasks.executions) == 1_000


def test_f23_without_the_fallback_old_messages_never_run_and_their_records_are_sent_again(
    line: MemoryLine, settings: Any
) -> None:
    results = [tasks.plain.enqueue(number) for number in range(1_000)]
    settings.SECRET_KEY = "the new one"
    while old := line.receive():
        assert line.work(*old) == [delivery.id for delivery in old]
        # As SQS does, once it came in vain as often as it may.
        line.bury(*old)
        for delivery in old:
            line.transport.delete(delivery)
    assert (line.bodies(), tasks.executions) == ([], [])
    assert {line.record(result.id).status for result in results} == {"READY"}

    line.pass_time(minutes=6)
    assert line.site.sweep()["sent"] == 1_000
    line.site.run()

    assert {line.record(result.id).status for result in results} == {SUCCESSFUL}
    assert sorted(tasks.executions) == list(range(1_000))


@pytest.mark.parametrize("first", ["record", "message"])
def test_f27_record_and_message_may_come_in_either_order(line: MemoryLine, first: str) -> None:
    result = tasks.plain.enqueue(7)
    if first == "message":
        kept = line.store.records.pop(result.id)
        (delivery,) = line.receive()
        assert line.work(delivery) == []
        assert not create_record(line.store, line.record(result.id).enqueued), (
            "the late record changed something"
        )
        assert kept["status"] == "READY"
    line.site.run()

    assert line.record(result.id).status == SUCCESSFUL
    assert tasks.executions == [7]


def test_f27_an_expired_message_whose_record_is_gone_never_runs(line: MemoryLine) -> None:
    result = tasks.plain.enqueue(7)
    line.store.records.pop(result.id)
    line.pass_time(days=8)
    (delivery,) = line.receive()

    assert line.work(delivery) == []

    assert (tasks.executions, line.store.records) == ([], {})


def test_f30_any_text_arrives_as_it_was_sent(line: MemoryLine) -> None:
    text = "NUL \0, bell \a, \ud83d alone, 😀, é, \u2028, \ufffe"
    result = plain.echo.enqueue(text, word=text)
    (body,) = line.bodies()
    line.site.run()

    assert body.isascii()
    assert all(character.isprintable() for character in body)
    assert json.loads(body)["args"] == [text]
    result.refresh()
    assert result.return_value == [[text], {"word": text}]
