"""offload_dead redrive runs a task again with its exact arguments, or refuses and says why."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from django_offload.compat import default_task_backend
from django_offload.definition.registry import registry
from django_offload.exceptions import WorkerLost
from django_offload.operations import dead_letters
from django_offload.operations.redrive import redrive_read
from django_offload.protocol.record import ARGUMENTS_PART, FAILED, READY, read_record
from django_offload.protocol.transitions import claim
from tests.contract import tasks as contract
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run, run_json
from tests.unit.management.dead import given_up, ids, status


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


@pytest.fixture
def payloads(offload):
    return offload.payloads[STACK]


def test_a_redriven_record_runs_to_its_end(store, offload):
    result = given_up(store, tasks.double.enqueue(21))
    offload.transports[STACK].queues.clear()

    code, output = run("offload_dead", "redrive", result.id)

    assert (code, output) == (0, f"{result.id}  READY again, and sent.\n")
    assert ids() == []
    assert offload.run() == 1
    assert default_task_backend.get_result(result.id).return_value == 42


@pytest.mark.parametrize("size", [10, 5_000, 400_000])
def test_redrive_sends_the_exact_arguments_wherever_they_are_kept(store, offload, size):
    text = "é\ud800" + "x" * size
    result = given_up(store, contract.echo.enqueue(text, key=[1, None]))
    offload.transports[STACK].queues.clear()

    run("offload_dead", "redrive", result.id)
    offload.run()

    assert default_task_backend.get_result(result.id).return_value == [[text], {"key": [1, None]}]


def test_redrive_keeps_the_fence_so_that_a_late_worker_changes_nothing(store, offload):
    result = tasks.double.enqueue(21)
    long_ago = datetime.now(UTC)
    store.change(
        result.id,
        claim(None, token="late", worker_id="w", now=long_ago, lease_until=long_ago, max_attempts=3),
    )
    given_up(store, result, WorkerLost(1))

    run("offload_dead", "redrive", result.id)
    redriven = read_record(store.get(result.id))
    offload.run()

    assert (redriven.status, redriven.fence, redriven.attempts) == (READY, 1, 0)
    ended = read_record(store.get(result.id))
    assert (ended.fence, ended.attempts, ended.status) == (2, 1, "SUCCESSFUL")


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_what_is_alive_or_unknown_is_refused_with_its_state(store, offload, action):
    done = tasks.double.enqueue(0)
    offload.run()
    waiting, running = tasks.double.enqueue(1), tasks.double.enqueue(2)
    now = datetime.now(UTC) + timedelta(seconds=1)
    lease = now + timedelta(minutes=5)
    store.change(
        running.id, claim(None, token="t", worker_id="w", now=now, lease_until=lease, max_attempts=3)
    )
    before = [dict(store.get(result.id)) for result in (done, waiting, running)]

    code, output = run("offload_dead", action, done.id, waiting.id, running.id, "f" * 32)

    assert code == 1
    lines = output.splitlines()
    for line, state in zip(lines, ["SUCCESSFUL", "READY", "RUNNING"], strict=False):
        assert f"  It is {state}. " in line
    assert lines[3].startswith("f" * 32 + "  There is no task with this id. Check the id.")
    assert [dict(store.get(result.id)) for result in (done, waiting, running)] == before


def test_redrive_leaves_alone_what_could_not_run(store, offload, monkeypatch):
    result = given_up(store, tasks.double.enqueue(1))
    monkeypatch.delitem(registry()._tasks, "tests.unit.tasks.double")

    code, output = run("offload_dead", "redrive", "--all")

    assert code == 1
    assert "It stays FAILED. No task is named 'tests.unit.tasks.double'. Define it" in output
    assert ids() == [result.id]


def test_of_what_is_alive_the_state_is_told_whether_it_could_run_or_not(store, monkeypatch):
    result = tasks.double.enqueue(1)
    monkeypatch.delitem(registry()._tasks, "tests.unit.tasks.double")

    _, output = run("offload_dead", "redrive", result.id)

    assert output == f"{result.id}  It is READY. It will run without a redrive.\n"


def test_redrive_leaves_alone_what_the_function_does_not_take_any_more(store, monkeypatch):
    result = given_up(store, tasks.double.enqueue(1))
    monkeypatch.setitem(registry()._tasks, "tests.unit.tasks.double", contract.answer)

    code, output = run("offload_dead", "redrive", result.id)

    assert code == 1
    assert "arguments don't match the function" in output
    assert status(store, result) == FAILED


def test_redrive_leaves_alone_what_lost_its_arguments(store, payloads):
    beside, away = (given_up(store, contract.echo.enqueue("x" * size)) for size in (5_000, 400_000))
    del store.texts[beside.id][ARGUMENTS_PART]
    payloads.objects.clear()

    code, output = run("offload_dead", "redrive", "--all")

    assert code == 1
    assert output.count("It stays FAILED. The task's data in S3 under") == 2
    assert {status(store, beside), status(store, away)} == {FAILED}


def test_a_redrive_whose_message_is_not_accepted_is_left_to_the_sweeper(store, offload, monkeypatch):
    result = given_up(store, tasks.double.enqueue(21))
    transport = offload.transports[STACK]
    transport.queues.clear()

    def refuse(*args):
        raise ConnectionError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(transport, "send", refuse)
        code, output = run("offload_dead", "redrive", result.id)
    offload.clock.skip_to(datetime.now(UTC) + timedelta(minutes=6))
    offload.sweep()
    offload.run()

    assert (code, output) == (
        0,
        f"{result.id}  READY again. Its message was not accepted (no answer), so the sweeper will send it.\n",
    )
    assert status(store, result) == "SUCCESSFUL"


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(hours=3)])
def test_a_redriven_task_does_not_start_before_its_time(store, offload, ahead):
    at = datetime.now(UTC) + ahead
    result = given_up(store, contract.now.using(run_after=at).enqueue())
    offload.transports[STACK].queues.clear()

    assert run("offload_dead", "redrive", result.id)[0] == 0
    offload.run()
    while status(store, result) == READY:
        offload.clock.skip_to(read_record(store.get(result.id)).due_at)
        offload.sweep()
        offload.run()

    assert read_record(store.get(result.id)).started_at >= at


def test_redrive_by_cause_takes_those_and_no_others(store):
    lost = [given_up(store, tasks.double.enqueue(number), WorkerLost(3)) for number in range(3)]
    other = given_up(store, tasks.double.enqueue(9))

    code, output = run_json("offload_dead", "redrive", "--cause", "WorkerLost")

    assert code == 0
    assert {(row["id"], row["done"]) for row in output} == {(result.id, True) for result in lost}
    assert ids() == [other.id]


def test_what_fails_again_at_once_is_redriven_once(store, offload, monkeypatch):
    monkeypatch.setattr(dead_letters, "PAGE", 2)
    results = [given_up(store, tasks.double.enqueue(number)) for number in range(12)]
    ids_in_order, redriven = [result.id for result in results], []

    def redrive_and_fail(store, stored, *rest):
        assert len(redriven) < len(results), "it goes on for ever"
        redriven.extend(stored)
        outcomes = redrive_read(store, stored, *rest)
        for task_id in stored:
            given_up(store, SimpleNamespace(id=task_id))
        return outcomes

    monkeypatch.setattr(dead_letters, "redrive_read", redrive_and_fail)

    code, output = run_json("offload_dead", "redrive", "--all")

    assert code == 0
    assert redriven == [row["id"] for row in output] == ids_in_order
    assert len(ids()) == len(results)
