"""Rows of the failure table about claims: duplicates, crashes, late workers, clocks, lost replies."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from django_offload.protocol.record import FAILED, READY, SUCCESSFUL
from tests.contract.setup import tasks_setting
from tests.reliability import tasks
from tests.reliability.databases import ledger
from tests.reliability.line import MemoryLine


@pytest.mark.parametrize("copies", [1, 2, 10])
@pytest.mark.parametrize("step", ["waiting", "running", "ended"])
def test_f01_a_message_delivered_again_runs_nothing_twice(line: MemoryLine, copies: int, step: str) -> None:
    result = tasks.prepared.enqueue(7)
    (body,) = line.bodies()
    (delivery,) = line.receive()

    def duplicates() -> None:
        for _ in range(copies):
            copy = line.deliver_again(body)
            expected = [] if step == "ended" else [copy.id]
            assert line.work(copy) == expected, "acknowledged while another worker holds the task"

    if step == "waiting":
        for _ in range(copies):
            line.transport.send("default", body, timedelta(0))
    if step == "running":
        tasks.first.append(duplicates)
    assert line.work(delivery) == []
    if step == "ended":
        duplicates()
    line.site.run()

    assert tasks.executions == [7]
    record = line.record(result.id)
    assert (record.status, record.attempts) == (SUCCESSFUL, 1)


@pytest.mark.parametrize("copies", [1, 2, 10])
@pytest.mark.parametrize("attempts", [2, 1], ids=["in its backoff", "failed"])
def test_f01_a_message_delivered_again_after_a_failure_runs_nothing_too_soon_or_again(
    line: MemoryLine, copies: int, attempts: int
) -> None:
    result = tasks.prepared.using(max_attempts=attempts, backoff=60).enqueue(7)
    (body,) = line.bodies()
    (delivery,) = line.receive()
    tasks.first.append(failing)
    goes_on = attempts > 1
    assert line.work(delivery) == ([delivery.id] if goes_on else [])
    before = dict(line.store.records[result.id])

    for _ in range(copies):
        copy = line.deliver_again(body)
        assert line.work(copy) == ([copy.id] if goes_on else [])

    assert (tasks.executions, dict(line.store.records[result.id])) == ([7], before)
    line.site.run()
    assert tasks.executions == [7] * attempts
    record = line.record(result.id)
    assert (record.status, record.attempts) == (SUCCESSFUL if goes_on else FAILED, attempts)


def failing() -> None:
    raise OSError("not this time")


@pytest.mark.parametrize(("change", "after"), [("claim", False), ("claim", True), ("succeed", False)])
def test_f02_a_crash_between_claim_and_result_is_another_attempt(
    line: MemoryLine, change: str, after: bool
) -> None:
    result = tasks.plain.enqueue(7)
    (delivery,) = line.receive()
    with line.killed(change, after=after):
        line.work(delivery)

    line.site.run()

    record = line.record(result.id)
    assert (record.status, record.fence) == (SUCCESSFUL, 1 if (change, after) == ("claim", False) else 2)
    assert tasks.executions == [7] * (2 if change == "succeed" else 1)


def test_f03_an_effect_happens_once_though_its_worker_dies_before_the_acknowledgement(
    settings: Any, sqlite_database: Any, request: pytest.FixtureRequest
) -> None:
    settings.TASKS = tasks_setting(modules=["tests.contract.effect_tasks"])
    from tests.contract.effect_tasks import afterwards, pay, runs

    afterwards.clear()
    runs.clear()
    line = MemoryLine(request.getfixturevalue("offload"))
    result = pay.enqueue("order 1")
    (delivery,) = line.receive()
    with line.killed("succeed"):
        line.work(delivery)
    assert ledger() == ["order 1"]

    line.site.run()

    assert (ledger(), runs) == (["order 1"], ["order 1"])
    assert (line.record(result.id).status, line.record(result.id).attempts) == (SUCCESSFUL, 2)


def test_f03_a_kept_step_never_runs_again(line: MemoryLine) -> None:
    result = tasks.in_steps.enqueue(7)
    (delivery,) = line.receive()
    with line.killed("succeed"):
        line.work(delivery)

    line.site.run()

    result.refresh()
    assert tasks.executions == [7], "the step ran again"
    assert result.return_value == [2, 14, f"offload-{result.id}"]


def test_f06_a_send_whose_reply_was_lost_is_one_task(line: MemoryLine) -> None:
    with line.reply_lost("create"):
        result = tasks.plain.enqueue(7)
    (body,) = line.bodies()
    line.transport.send("default", body, timedelta(0))

    line.site.run()

    assert list(line.store.records) == [result.id]
    assert tasks.executions == [7]


@pytest.mark.parametrize("minutes", [-10, 10])
def test_f12_a_wrong_clock_delays_or_repeats_and_never_falsifies(line: MemoryLine, minutes: int) -> None:
    result = tasks.prepared.enqueue(7)
    (body,) = line.bodies()
    skewed: list[bool] = []

    def meanwhile() -> None:
        copy = line.deliver_again(body)
        skewed.append(line.work(copy, skew=timedelta(minutes=minutes)) == [])

    tasks.first.append(meanwhile)
    (delivery,) = line.receive()
    line.work(delivery)
    line.site.run()

    record = line.record(result.id)
    # Ten minutes ahead, the lease looks expired: the task runs twice, and has one outcome.
    assert skewed == [minutes > 0]
    assert (record.status, record.result, record.fence) == (SUCCESSFUL, "7", 2 if minutes > 0 else 1)
    assert record.ended


@pytest.mark.parametrize("outcome", ["returns", "raises"])
def test_f13_a_worker_that_comes_too_late_changes_nothing(line: MemoryLine, outcome: str) -> None:
    result = tasks.prepared.enqueue(7)
    (delivery,) = line.receive()
    before: list[Any] = []

    def stall() -> None:
        line.pass_time(hours=1)
        (again,) = line.receive()
        assert line.work(again) == [], "the next worker ends the task"
        before.append(dict(line.store.records[result.id]))
        if outcome == "raises":
            raise OSError("too late")

    tasks.first.append(stall)
    line.work(delivery)

    assert dict(line.store.records[result.id]) == before[0]
    assert line.record(result.id).fence == 2


STEPS = ("claim", "effect", "report", "put_part", "succeed", "release", "fail")


@pytest.mark.parametrize("step", STEPS)
def test_f13_a_worker_that_stalls_at_any_step_changes_nothing_after_it(line: MemoryLine, step: str) -> None:
    attempts = {"release": 9, "fail": 1}.get(step, 3)
    result = tasks.step_by_step.using(max_attempts=attempts).enqueue(7)
    (delivery,) = line.receive()
    before: list[Any] = []

    def stall() -> None:
        line.pass_time(hours=1)  # More than three leases.
        (again,) = line.receive()
        assert line.work(again) == [], "the next worker ends the task"
        before.append(dict(line.store.records[result.id]))

    if step in {"release", "fail"}:
        tasks.first.append(failing)
    if step == "effect":
        tasks.first.append(stall)
        line.work(delivery)
    else:
        with line.stalled(step, stall):
            line.work(delivery)

    assert dict(line.store.records[result.id]) == before[0]
    record = line.record(result.id)
    if step == "fail":
        assert (record.status, record.error["class"].rpartition(".")[2]) == (FAILED, "WorkerLost")
    else:
        result.refresh()
        assert (record.status, record.fence, result.return_value) == (SUCCESSFUL, 2, tasks.LONG)


def test_f29_a_reply_that_was_lost_is_a_success_that_is_recognised(line: MemoryLine) -> None:
    with line.reply_lost("create", "claim", "succeed", "release", "fail"):
        result = tasks.second_time_lucky.enqueue(7)
        line.site.run()

    record = line.record(result.id)
    assert (record.status, record.attempts, record.fence) == (SUCCESSFUL, 2, 2)
    assert tasks.executions == [7, 7]


def test_f29_two_executions_of_one_invocation_make_one_claim(line: MemoryLine) -> None:
    result = tasks.prepared.enqueue(7)
    (delivery,) = line.receive()
    refused: list[list[str]] = []
    tasks.first.append(lambda: refused.append(line.work(delivery)))

    line.work(delivery)

    assert refused == [[delivery.id]]
    assert line.record(result.id).attempts == 1


def test_f20_what_kills_a_whole_batch_returns_it_whole(line: MemoryLine) -> None:
    ids = [tasks.prepared.enqueue(number).id for number in range(10)]
    deliveries = line.receive()

    with line.killed("claim", skip=5):
        line.work(*deliveries)
    assert Counter(line.record(task_id).status for task_id in ids) == {SUCCESSFUL: 5, READY: 5}

    line.site.run()

    assert {line.record(task_id).status for task_id in ids} == {SUCCESSFUL}
    assert sorted(tasks.executions) == list(range(10)), "what had finished ran again"
