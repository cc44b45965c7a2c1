"""Rows of the failure table about ends: time limits, batches, dead letters, cancels, progress, results."""

import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_offload.compat import InvalidTask
from django_offload.exceptions import Cancelled
from django_offload.operations import fail
from django_offload.protocol.record import FAILED, SUCCESSFUL
from django_offload.protocol.transitions import ask_to_stop, cancel
from django_offload.testing import Offload
from tests.contract import tasks as plain
from tests.contract.setup import STACK, tasks_setting
from tests.reliability import tasks
from tests.reliability.line import MemoryLine
from tests.security.corpus.bodies import NOT_JSON

ENDED = "django_offload.exceptions."


def test_f04_a_task_at_its_time_limit_ends_with_an_outcome(line: MemoryLine) -> None:
    result = tasks.endless.enqueue()
    before = time.monotonic()
    line.site.run()

    record = line.record(result.id)
    assert time.monotonic() - before < 5
    assert (record.status, record.attempts) == (FAILED, 1)
    assert record.error["class"] == f"{ENDED}DeadlineExceeded"  # type: ignore[index]


def test_f04_a_worker_that_dies_at_every_attempt_ends_the_task_as_lost(line: MemoryLine) -> None:
    result = tasks.plain.enqueue(7)
    for _ in range(3):
        (delivery,) = line.receive()
        with line.killed("succeed"):
            line.work(delivery)
        line.pass_time(hours=1)

    line.site.run()

    record = line.record(result.id)
    assert (record.status, record.attempts) == (FAILED, 3)
    assert record.error["class"] == f"{ENDED}WorkerLost"  # type: ignore[index]
    assert tasks.executions == [7, 7, 7]


KINDS = ("good", "again", "poison")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=10))
def test_f19_the_answer_to_a_batch_names_exactly_what_failed(kinds: list[str]) -> None:
    from django.test import override_settings

    with (
        override_settings(TASKS=tasks_setting(modules=["tests.reliability.tasks"])),
        Offload().active() as site,
    ):
        line, expected = MemoryLine(site), set()
        tasks.executions.clear()
        tasks.first.clear()
        for number, kind in enumerate(kinds):
            if kind == "poison":
                line.transport.send("default", NOT_JSON["an open object"], timedelta(0))
            else:
                (tasks.second_time_lucky if kind == "again" else tasks.plain).enqueue(number)
        deliveries = line.receive()
        for kind, delivery in zip(kinds, deliveries, strict=True):
            expected |= {delivery.id} if kind in {"again", "poison"} else set()

        failed = line.work(*deliveries)

    assert len(failed) == len(set(failed))
    assert set(failed) == expected


def test_f21_a_dead_letter_ends_its_record_but_never_a_live_worker(line: MemoryLine) -> None:
    waiting, running = tasks.plain.enqueue(1), tasks.prepared.enqueue(2)
    first, second = line.receive()
    tasks.first.append(lambda: line.bury(second) and None)

    assert line.bury(first) == {"batchItemFailures": []}
    line.work(second)

    assert line.record(waiting.id).error["class"] == f"{ENDED}DeadLettered"  # type: ignore[index]
    assert line.record(running.id).status == SUCCESSFUL
    assert tasks.executions == [2]


def test_f22_retention_that_runs_out_is_said_and_a_date_far_away_is_kept(line: MemoryLine) -> None:
    forgotten = tasks.plain.enqueue(1)
    line.transport.queues["default"].messages.clear()
    later = tasks.plain.using(run_after=line.now() + timedelta(days=30)).enqueue(2)

    line.pass_time(days=8)
    line.site.sweep()
    assert line.record(forgotten.id).error["class"] == f"{ENDED}Expired"  # type: ignore[index]
    assert line.record(later.id).status == "READY"

    line.pass_time(days=23)  # 31 in all.
    line.site.sweep()
    line.site.run()
    assert line.record(later.id).status == SUCCESSFUL
    assert tasks.executions == [2]


@pytest.mark.parametrize(
    ("days", "length", "fits"), [(8, 400_000, True), (9, 400_000, False), (31, 10, True)]
)
def test_f22_a_start_after_the_bucket_has_forgotten_the_arguments_is_refused(
    line: MemoryLine, days: int, length: int, fits: bool
) -> None:
    later = plain.echo.using(run_after=line.now() + timedelta(days=days, minutes=-1))
    if not fits:
        with pytest.raises(InvalidTask, match="Give a time within 8 days, or smaller arguments"):
            later.enqueue("x" * length)
        assert (line.store.records, line.site.payloads[STACK].objects, line.bodies()) == ({}, {}, [])
        return
    result = later.enqueue("x" * length)
    line.pass_time(days=days)
    line.site.sweep()
    line.site.run()

    assert line.record(result.id).status == SUCCESSFUL


def test_f24_a_result_can_be_read_as_soon_as_it_was_enqueued(line: MemoryLine) -> None:
    for number in range(20):
        result = tasks.plain.enqueue(number)
        assert tasks.plain.get_result(result.id).status == "READY"
        line.site.run()
        assert tasks.plain.get_result(result.id).return_value == number + 1


@pytest.mark.parametrize("ends", ["cancelled", "returns", "raises"])
def test_f25_a_cancel_and_a_start_have_one_winner(line: MemoryLine, ends: str) -> None:
    result = (tasks.second_time_lucky if ends == "raises" else tasks.prepared).enqueue(7)
    error = fail.error_of(Cancelled())
    stop = cancel(now=line.now(), result_ttl=timedelta(days=1), error=error)
    if ends == "cancelled":
        line.store.change(result.id, stop)
    else:
        tasks.first.append(lambda: line.store.change(result.id, ask_to_stop()))
    line.site.run()

    record = line.record(result.id)
    assert record.status == (SUCCESSFUL if ends == "returns" else FAILED)
    assert tasks.executions == ([] if ends == "cancelled" else [7])
    if ends != "returns":
        assert record.error["class"] == f"{ENDED}Cancelled"  # type: ignore[index]


def test_f26_progress_never_goes_backwards_nor_comes_from_a_former_attempt(line: MemoryLine) -> None:
    tasks.seen.clear()
    result = tasks.progressing.enqueue()
    (delivery,) = line.receive()
    tasks.first.append(lambda: tasks.seen.append((line.record(result.id).progress or {}).get("done")))
    line.work(delivery)

    assert tasks.seen == [5]
    assert (line.record(result.id).progress or {})["done"] == 9


@pytest.mark.parametrize(
    "task", [plain.raises_system_exit, plain.raises_async, plain.raises_unreadable_error, tasks.leaves]
)
def test_f31_whatever_a_task_raises_is_its_outcome_and_its_neighbours_go_on(
    line: MemoryLine, task: Any
) -> None:
    results = [tasks.plain.enqueue(1), task.enqueue(), tasks.plain.enqueue(2)]

    assert line.work(*line.receive()) == []

    assert [line.record(result.id).status for result in results] == [SUCCESSFUL, FAILED, SUCCESSFUL]
