"""The command offload_dead: what it lists, and what becomes of what it is given."""

from datetime import UTC, datetime, timedelta

import pytest
from django.tasks import default_task_backend

from django_offload.conf import configured
from django_offload.exceptions import Cancelled, DeadLettered, WorkerLost
from django_offload.record import ARGUMENTS_PART, FAILED, READY, read
from django_offload.registry import registry
from django_offload.transitions import claim
from django_offload.worker.ending import end
from tests.contract import tasks as contract
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run, run_json

BODY = "dead/default/2026-03-01/m1"


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


@pytest.fixture
def payloads(offload):
    return offload.payloads[STACK]


def given_up(store, result, error=None):
    """End a record that nobody works on, as the dead-letter handler or the sweeper does."""
    birth = read(store.get(result.id)).birth
    end(store, birth, configured()["default"], datetime.now(UTC), error or DeadLettered("the test says so"))
    return result


def ids():
    _, said = run_json("offload_dead", "list")
    return [row["id"] for row in said["records"]]


def status(store, result):
    return read(store.get(result.id)).status


def test_without_dead_letters_the_list_says_so(store):
    code, said = run("offload_dead", "list")

    assert code == 0
    assert said.startswith("There are no dead letters of this kind; --failed looks")


def test_what_was_given_up_is_listed_oldest_first(store):
    results = [given_up(store, tasks.double.enqueue(number)) for number in range(7)]
    tasks.double.enqueue(8)

    assert ids() == [result.id for result in results]


def test_a_row_says_what_when_and_why(store):
    result = given_up(store, tasks.double.enqueue(1), WorkerLost(3))

    code, said = run("offload_dead", "list")

    assert code == 0
    assert said.splitlines()[0].split() == [
        *("id", "task", "cause", "queue", "attempts", "failed", "at", "message")
    ]
    assert said.splitlines()[1].startswith(f"{result.id}  tests.unit.tasks.double  WorkerLost  default")


def test_what_its_own_task_failed_is_listed_only_with_failed(store, offload):
    result = contract.raises_value_error.enqueue()
    offload.run()

    assert ids() == []
    _, said = run_json("offload_dead", "list", "--failed")
    assert [(row["id"], row["cause"]) for row in said["records"]] == [(result.id, "builtins.ValueError")]


def test_what_was_cancelled_is_no_dead_letter(store):
    given_up(store, tasks.double.enqueue(1), Cancelled())

    _, said = run_json("offload_dead", "list", "--failed")

    assert said["records"] == []


def test_more_than_one_page_is_listed_whole(store):
    many = {given_up(store, tasks.double.enqueue(number)).id for number in range(130)}

    _, said = run_json("offload_dead", "list", "--limit", "1000")
    code, some = run("offload_dead", "list", "--limit", "9")

    assert {row["id"] for row in said["records"]} == many
    assert (code, len(some.splitlines())) == (0, 1 + 9 + 1)
    assert some.splitlines()[-1].startswith("There may be more than these 9")


def test_the_list_is_narrowed_by_task_and_by_cause(store):
    first = given_up(store, tasks.double.enqueue(1))
    second = given_up(store, tasks.follow.enqueue([]), WorkerLost(3))

    by_task = run_json("offload_dead", "list", "--task", "tests.unit.tasks.double")[1]["records"]
    by_cause = run_json("offload_dead", "list", "--cause", "WorkerLost")[1]["records"]
    by_path = run_json("offload_dead", "list", "--cause", "django_offload.exceptions.WorkerLost")[1][
        "records"
    ]

    assert [row["id"] for row in by_task] == [first.id]
    assert [row["id"] for row in by_cause] == [row["id"] for row in by_path] == [second.id]


def test_show_tells_all_of_a_record_but_what_is_sensitive(store):
    result = given_up(store, tasks.send.enqueue(7, card="4711"))

    code, said = run("offload_dead", "show", result.id)

    assert code == 0
    assert "DeadLettered: The task was given up: the test says so." in said
    assert '{"card": "********"}' in said
    assert "4711" not in said


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_one_must_say_which(store, action):
    code, said = run("offload_dead", action)

    assert (code, said) == (2, f"Say which to {action}: ids, or --task, --cause or --all.")
    assert run("offload_dead", action, "0" * 32, "--all")[0] == 2


def test_a_redriven_record_runs_to_its_end(store, offload):
    result = given_up(store, tasks.double.enqueue(21))
    offload.transports[STACK].queues.clear()

    code, said = run("offload_dead", "redrive", result.id)

    assert (code, said) == (0, f"{result.id}  READY again, and sent.\n")
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
    redriven = read(store.get(result.id))
    offload.run()

    assert (redriven.status, redriven.fence, redriven.attempts) == (READY, 1, 0)
    ended = read(store.get(result.id))
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

    code, said = run("offload_dead", action, done.id, waiting.id, running.id, "f" * 32)

    assert code == 1
    lines = said.splitlines()
    for line, state in zip(lines, ["SUCCESSFUL", "READY", "RUNNING"], strict=False):
        assert f"  It is {state}: " in line
    assert lines[3].startswith("f" * 32 + "  There is no task of this id.")
    assert [dict(store.get(result.id)) for result in (done, waiting, running)] == before


def test_redrive_leaves_alone_what_could_not_run(store, offload, monkeypatch):
    result = given_up(store, tasks.double.enqueue(1))
    monkeypatch.delitem(registry()._tasks, "tests.unit.tasks.double")

    code, said = run("offload_dead", "redrive", "--all")

    assert code == 1
    assert "It stays FAILED. No task is named 'tests.unit.tasks.double'. Define it" in said
    assert ids() == [result.id]


def test_of_what_is_alive_the_state_is_told_whether_it_could_run_or_not(store, monkeypatch):
    result = tasks.double.enqueue(1)
    monkeypatch.delitem(registry()._tasks, "tests.unit.tasks.double")

    _, said = run("offload_dead", "redrive", result.id)

    assert said == f"{result.id}  It is READY: it is about to run already.\n"


def test_redrive_leaves_alone_what_the_function_does_not_take_any_more(store, monkeypatch):
    result = given_up(store, tasks.double.enqueue(1))
    monkeypatch.setitem(registry()._tasks, "tests.unit.tasks.double", contract.answer)

    code, said = run("offload_dead", "redrive", result.id)

    assert code == 1
    assert "arguments do not fit the function" in said
    assert status(store, result) == FAILED


def test_redrive_leaves_alone_what_lost_its_arguments(store, payloads):
    beside, away = (given_up(store, contract.echo.enqueue("x" * size)) for size in (5_000, 400_000))
    del store.texts[beside.id][ARGUMENTS_PART]
    payloads.objects.clear()

    code, said = run("offload_dead", "redrive", "--all")

    assert code == 1
    assert said.count("It stays FAILED. What the task keeps in S3 under") == 2
    assert {status(store, beside), status(store, away)} == {FAILED}


def test_a_redrive_whose_message_is_not_accepted_is_left_to_the_sweeper(store, offload, monkeypatch):
    result = given_up(store, tasks.double.enqueue(21))
    transport = offload.transports[STACK]
    transport.queues.clear()

    def refuse(*args):
        raise ConnectionError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(transport, "send", refuse)
        code, said = run("offload_dead", "redrive", result.id)
    offload.clock.skip_to(datetime.now(UTC) + timedelta(minutes=6))
    offload.sweep()
    offload.run()

    assert (code, said) == (
        0,
        f"{result.id}  READY again; its message was not accepted (no answer), the sweeper sends it.\n",
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
        offload.clock.skip_to(read(store.get(result.id)).due_at)
        offload.sweep()
        offload.run()

    assert read(store.get(result.id)).started_at >= at


def test_redrive_by_cause_takes_those_and_no_others(store):
    lost = [given_up(store, tasks.double.enqueue(number), WorkerLost(3)) for number in range(3)]
    other = given_up(store, tasks.double.enqueue(9))

    code, said = run_json("offload_dead", "redrive", "--cause", "WorkerLost")

    assert code == 0
    assert {(row["id"], row["done"]) for row in said} == {(result.id, True) for result in lost}
    assert ids() == [other.id]


def test_a_discarded_record_stays_failed_and_is_listed_no_more(store):
    kept, gone = given_up(store, tasks.double.enqueue(1)), given_up(store, tasks.follow.enqueue([]))

    code, said = run("offload_dead", "discard", gone.id)
    again = run("offload_dead", "discard", gone.id)

    assert (code, said) == (0, f"{gone.id}  Discarded: it stays FAILED, and is listed no more.\n")
    assert again == (0, f"{gone.id}  It was not listed.\n")
    assert ids() == [kept.id]
    assert status(store, gone) == FAILED
    assert run("offload_dead", "redrive", gone.id)[0] == 0


def test_bodies_are_listed_shown_as_text_and_discarded(store, payloads):
    payloads.put(BODY, b"\x1b]0;owned\x07\xff{" + b"x" * 5_000)

    _, said = run_json("offload_dead", "list")
    code, shown = run("offload_dead", "show", BODY, "--bytes", "20")

    assert [(body["key"], body["size"]) for body in said["bodies"]] == [(BODY, 5_012)]
    assert code == 0
    assert shown.splitlines()[0].startswith(r"\x1b]0;owned\x07\\xff{xxxxxxxx")
    assert "\x1b" not in shown
    assert run("offload_dead", "redrive", BODY)[0] == 1
    assert run("offload_dead", "discard", BODY) == (0, f"{BODY}  Discarded.\n")
    assert payloads.objects == {}
    assert run("offload_dead", "show", BODY)[0] == run("offload_dead", "discard", BODY)[0] == 1


def test_redrive_of_all_passes_bodies_by_and_discard_of_all_takes_them(store, payloads):
    payloads.put(BODY, b"junk")
    result = given_up(store, tasks.double.enqueue(1))

    assert run("offload_dead", "redrive", "--all")[0] == 0
    assert list(payloads.objects) == [BODY]
    given_up(store, result)
    assert run("offload_dead", "discard", "--all")[0] == 0

    assert run_json("offload_dead", "list") == (0, {"records": [], "bodies": []})


def test_what_a_record_says_moves_no_cursor(store):
    given_up(store, tasks.double.enqueue(1), DeadLettered("\x1b[2J\r\u009bgone"))

    _, said = run("offload_dead", "list")

    assert r"\x1b[2J\x0d\x9bgone" in said
    assert not {"\x1b", "\r", "\u009b"} & set(said)


def test_without_a_backend_of_ours_it_says_which_to_add(settings):
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}}

    code, said = run("offload_dead", "list")

    assert (code, said.split(".")[0]) == (2, "TASKS names no backend of django_offload")
