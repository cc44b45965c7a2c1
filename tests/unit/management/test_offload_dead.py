"""offload_dead lists, shows and discards dead letters."""

import pytest

from django_offload.compat import TASKS
from django_offload.exceptions import Cancelled, DeadLettered, WorkerLost
from django_offload.protocol.record import FAILED
from tests.contract import tasks as contract
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run, run_json
from tests.unit.management.dead import given_up, ids, status

BODY = "dead/default/2026-03-01/m1"


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


@pytest.fixture
def payloads(offload):
    return offload.payloads[STACK]


def test_without_dead_letters_the_list_says_so(store):
    text = "There are no %sdead letters. Add --failed for tasks that failed with their own exception.\n"

    assert run("offload_dead", "list") == (0, text % "")
    assert run("offload_dead", "redrive", "--task", "x") == (0, text % "matching ")
    assert run("offload_dead", "discard", "--all", "--failed") == (0, "There are no dead letters.\n")


def test_what_was_given_up_is_listed_oldest_first(store):
    results = [given_up(store, tasks.double.enqueue(number)) for number in range(7)]
    tasks.double.enqueue(8)

    assert ids() == [result.id for result in results]


def test_a_row_says_what_when_and_why(store):
    result = given_up(store, tasks.double.enqueue(1), WorkerLost(3))

    code, output = run("offload_dead", "list")

    assert code == 0
    assert output.splitlines()[0].split() == [
        *("id", "task", "cause", "queue", "attempts", "failed", "at", "message")
    ]
    assert output.splitlines()[1].startswith(f"{result.id}  tests.unit.tasks.double  WorkerLost  default")


def test_what_its_own_task_failed_is_listed_only_with_failed(store, offload):
    result = contract.raises_value_error.enqueue()
    offload.run()

    assert ids() == []
    _, output = run_json("offload_dead", "list", "--failed")
    assert [(row["id"], row["cause"]) for row in output["records"]] == [(result.id, "builtins.ValueError")]


def test_what_was_cancelled_is_no_dead_letter(store):
    given_up(store, tasks.double.enqueue(1), Cancelled())

    _, output = run_json("offload_dead", "list", "--failed")

    assert output["records"] == []


def test_more_than_one_page_is_listed_whole(store):
    many = {given_up(store, tasks.double.enqueue(number)).id for number in range(130)}

    _, output = run_json("offload_dead", "list", "--limit", "1000")
    code, some = run("offload_dead", "list", "--limit", "9")

    assert {row["id"] for row in output["records"]} == many
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

    code, output = run("offload_dead", "show", result.id)

    assert code == 0
    assert "DeadLettered: The task was given up: the test says so." in output
    assert '{"card": "********"}' in output
    assert "4711" not in output


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_one_must_say_which(store, action):
    code, output = run("offload_dead", action)

    assert (code, output) == (2, f"Choose what to {action}. Give ids, or use --task, --cause or --all.")
    assert run("offload_dead", action, "0" * 32, "--all")[0] == 2


def test_a_discarded_record_stays_failed_and_is_listed_no_more(store):
    listed, discarded = given_up(store, tasks.double.enqueue(1)), given_up(store, tasks.follow.enqueue([]))

    code, output = run("offload_dead", "discard", discarded.id)
    again = run("offload_dead", "discard", discarded.id)

    assert (code, output) == (0, f"{discarded.id}  Discarded. It stays FAILED but is no longer listed.\n")
    assert again == (0, f"{discarded.id}  It is not in the list, so nothing was changed.\n")
    assert ids() == [listed.id]
    assert status(store, discarded) == FAILED
    assert run("offload_dead", "redrive", discarded.id)[0] == 0


def test_bodies_are_listed_shown_as_text_and_discarded(store, payloads):
    payloads.put(BODY, b"\x1b]0;owned\x07\xff{" + b"x" * 5_000)

    _, output = run_json("offload_dead", "list")
    code, shown = run("offload_dead", "show", BODY, "--bytes", "20")

    assert [(body["key"], body["size"]) for body in output["bodies"]] == [(BODY, 5_012)]
    assert code == 0
    assert shown.splitlines()[0].startswith(r"\x1b]0;owned\x07\\xff{xxxxxxxx")
    assert "\x1b" not in shown
    assert run("offload_dead", "redrive", BODY)[0] == 1
    assert run("offload_dead", "discard", BODY) == (0, f"{BODY}  Discarded.\n")
    assert payloads.objects == {}
    assert run("offload_dead", "show", BODY)[0] == run("offload_dead", "discard", BODY)[0] == 1


def test_a_body_is_shown_only_if_bytes_of_it_are_asked_for(store, payloads):
    payloads.put(BODY, b"4111-1111")

    assert run("offload_dead", "show", BODY) == (
        0,
        "The message has 9 bytes. It may contain sensitive arguments of a task. Show them with --bytes 9.\n",
    )
    assert run_json("offload_dead", "show", BODY) == (0, {"key": BODY, "size": 9, "text": ""})
    assert run("offload_dead", "show", BODY, "--bytes", "9") == (0, "4111-1111\n")
    assert run_json("offload_dead", "show", BODY, "--bytes", "9")[1]["text"] == "4111-1111"
    assert run("offload_dead", "show", BODY, "--bytes", "0")[0] == 2


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

    _, output = run("offload_dead", "list")

    assert r"\x1b[2J\x0d\x9bgone" in output
    assert not {"\x1b", "\r", "\u009b"} & set(output)


def test_without_a_backend_of_ours_it_says_which_to_add(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}}

    code, output = run("offload_dead", "list")

    assert (code, output.split(".")[0]) == (2, "TASKS has no django_offload backend")
