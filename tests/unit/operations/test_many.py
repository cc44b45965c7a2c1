"""Many tasks are redriven, discarded and cancelled as each by itself would be, and one stops no other."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from django_offload.compat import default_task_backend, signals
from django_offload.conf import configured
from django_offload.exceptions import CallFailed
from django_offload.operations import pages, runnable
from django_offload.operations.cancel import cancel_many, describe_cancel
from django_offload.operations.dead_letters import DeadLetterFilter, act_on_all, act_on_ids, failed_records
from django_offload.operations.redrive import ActionResult, discard_many, redrive_many
from django_offload.operations.unverified_bodies import UNVERIFIED_PREFIX
from django_offload.protocol.record import ARGUMENTS_PART, FAILED, READY, read_record
from django_offload.protocol.transitions import ask_to_stop, claim
from tests.contract import tasks as contract
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.unit import tasks
from tests.unit.management.dead import given_up, status

LATER = timedelta(hours=1)
MODULES = [*TASK_MODULES, "tests.unit.tasks"]


@pytest.fixture
def store(settings, request):
    settings.TASKS = tasks_setting(modules=MODULES, shards=8)
    return request.getfixturevalue("offload").stores[STACK]


@pytest.fixture
def options(store):
    return configured()["default"]


def now():
    return datetime.now(UTC)


def refuse(*args, **kwargs):
    raise ConnectionError("AWS does not answer")


class Counted:
    """Counts the calls of a method of an object, and makes them."""

    def __init__(self, monkeypatch, target, name):
        self.calls, own = [], getattr(target, name)
        monkeypatch.setattr(target, name, lambda *args: self.calls.append(args) or own(*args))


@pytest.fixture
def mixed(store, offload, monkeypatch):
    """Dead letters that can run, that can't for each of the reasons, and records that are none, by kind."""
    kinds = {
        "inline": given_up(store, tasks.double.enqueue(1)),
        "beside": given_up(store, contract.echo.enqueue("x" * 5_000)),
        "bucket": given_up(store, contract.echo.enqueue("y" * 400_000)),
        "other bucket": given_up(store, contract.echo.enqueue("z" * 400_000)),
        "other queue": given_up(store, tasks.double.using(queue_name="reports").enqueue(2)),
        "later": given_up(store, tasks.double.using(run_after=now() + LATER).enqueue(3)),
        "soon": given_up(store, tasks.double.using(run_after=now() + timedelta(minutes=9)).enqueue(4)),
        "arguments gone": given_up(store, contract.echo.enqueue("x" * 5_001)),
        "bucket emptied": given_up(store, contract.echo.enqueue("y" * 400_001)),
        "unknown": given_up(store, contract.answer.enqueue()),
        "queue gone": given_up(store, tasks.double.enqueue(5)),
        "waiting": tasks.double.enqueue(6),
        "missing": SimpleNamespace(id="f" * 32),
    }
    del store.texts[kinds["arguments gone"].id][ARGUMENTS_PART]
    for key in [key for key in offload.payloads[STACK].objects if kinds["bucket emptied"].id in key]:
        del offload.payloads[STACK].objects[key]
    store.records[kinds["unknown"].id]["name"] = "shop.tasks.gone"
    store.records[kinds["queue gone"].id]["queue"] = "nowhere"
    offload.transports[STACK].queues.clear()
    return {kind: result.id for kind, result in kinds.items()}


CAN_RUN = ("inline", "beside", "bucket", "other bucket", "other queue", "later", "soon")


def test_each_of_a_page_is_redriven_or_refused_as_it_would_be_alone(mixed, store, options, offload):
    outcomes = redrive_many(store, list(mixed.values()), options, now())

    by_kind = dict(zip(mixed, outcomes, strict=True))
    assert [outcome.id for outcome in outcomes] == list(mixed.values())
    assert {kind for kind, outcome in by_kind.items() if outcome.done} == set(CAN_RUN)
    for kind in set(CAN_RUN) - {"later"}:
        assert by_kind[kind].text == "READY again, and sent."
    assert by_kind["later"].text.startswith("READY again. It starts at 2")
    for kind in ("arguments gone", "bucket emptied"):
        assert by_kind[kind].text.startswith("It stays FAILED. The task's data in S3 under")
    assert by_kind["unknown"].text.startswith("It stays FAILED. No task is named 'shop.tasks.gone'.")
    assert by_kind["queue gone"].text.startswith("It stays FAILED. ")
    assert f"{STACK}-nowhere" in by_kind["queue gone"].text
    assert by_kind["waiting"].text == "It is READY. It will run without a redrive."
    assert by_kind["missing"].text.startswith("There is no task with this id.")
    states = {kind: store.records[task_id]["status"] for kind, task_id in mixed.items() if kind != "missing"}
    assert {kind for kind, state in states.items() if state == FAILED} == {
        "arguments gone",
        "bucket emptied",
        "unknown",
        "queue gone",
    }
    counts = {name: offload.transports[STACK].counts(name) for name in ("default", "reports")}
    assert [(count["waiting"], count["delayed"]) for count in counts.values()] == [(4, 1), (1, 0)]


def test_a_redriven_page_runs_with_its_exact_arguments(mixed, store, options, offload):
    redrive_many(store, list(mixed.values()), options, now())

    offload.run()

    values = {kind: default_task_backend.get_result(mixed[kind]).return_value for kind in CAN_RUN}
    assert values == {
        "inline": 2,
        "beside": [["x" * 5_000], {}],
        "bucket": [["y" * 400_000], {}],
        "other bucket": [["z" * 400_000], {}],
        "other queue": 4,
        "later": 6,
        "soon": 8,
    }


def test_a_page_is_one_read_and_a_message_call_for_ten(store, options, offload, monkeypatch):
    ids = [given_up(store, tasks.double.enqueue(number)).id for number in range(100)]
    transport = offload.transports[STACK]
    reads = Counted(monkeypatch, store, "begin_get_many")
    sends = Counted(monkeypatch, transport, "begin_send_many")

    assert all(outcome.done for outcome in redrive_many(store, ids, options, now()))

    assert [len(ids) for (ids,) in reads.calls] == [100]
    assert [len(texts) for _, texts, *_ in sends.calls] == [10] * 10


def test_a_record_that_cannot_be_written_is_an_exception_and_stops_no_other(
    store, options, offload, monkeypatch
):
    ids = [given_up(store, tasks.double.enqueue(number)).id for number in range(5)]
    offload.transports[STACK].queues.clear()
    own = store.change
    monkeypatch.setattr(
        store, "change", lambda task_id, *args: refuse() if task_id == ids[2] else own(task_id, *args)
    )

    outcomes = redrive_many(store, ids, options, now())

    assert [type(outcome) for outcome in outcomes] == [
        *[ActionResult] * 2,
        ConnectionError,
        *[ActionResult] * 2,
    ]
    assert store.records[ids[2]]["status"] == FAILED
    assert offload.transports[STACK].counts("default")["waiting"] == 4


def test_a_command_reports_the_others_of_a_page_before_it_raises(store, offload, monkeypatch):
    ids = [given_up(store, tasks.double.enqueue(number)).id for number in range(5)]
    own = store.change
    monkeypatch.setattr(
        store, "change", lambda task_id, *args: refuse() if task_id == ids[1] else own(task_id, *args)
    )
    redriven, discarded = [], []

    with pytest.raises(ConnectionError, match="AWS does not answer"):
        redriven.extend(result.id for result in act_on_all("redrive", DeadLetterFilter(), now))
    with pytest.raises(ConnectionError, match="AWS does not answer"):
        discarded.extend(result.id for result in act_on_ids("discard", ids[:2], now))

    assert redriven == [task_id for task_id in ids if task_id != ids[1]]
    assert {store.records[task_id]["status"] for task_id in redriven} == {READY}
    assert discarded == ids[:1]


def test_messages_that_are_not_accepted_are_left_to_the_sweeper(store, options, offload, monkeypatch):
    ids = [given_up(store, tasks.double.enqueue(number)).id for number in range(15)]
    transport = offload.transports[STACK]
    transport.queues.clear()
    with monkeypatch.context() as patch:
        patch.setattr(transport, "send", refuse)
        outcomes = redrive_many(store, ids, options, now())

    offload.clock.skip_to(now() + timedelta(minutes=7))
    offload.sweep()
    offload.run()

    text = "READY again. Its message was not accepted (AWS does not answer), so the sweeper will send it."
    assert {outcome.text for outcome in outcomes} == {text}
    assert {store.records[task_id]["status"] for task_id in ids} == {"SUCCESSFUL"}


def test_a_record_that_a_busy_table_leaves_out_is_read_by_itself(store, options, monkeypatch):
    ids = [given_up(store, tasks.double.enqueue(number)).id for number in range(4)]
    own = store.begin_get_many
    monkeypatch.setattr(store, "begin_get_many", lambda ids: own(ids[1:]))

    assert {record.enqueued.id for record in failed_records(store)} == set(ids)
    assert all(result.done for result in act_on_ids("redrive", ids[:2], now))
    assert all(outcome.done for outcome in redrive_many(store, ids[2:], options, now()))


def test_large_arguments_are_in_memory_a_few_at_a_time(store, options, monkeypatch):
    ids = [given_up(store, contract.echo.enqueue("x" * 5_000)).id for _ in range(7)]
    monkeypatch.setattr(runnable, "MOST_BYTES", 2 * runnable.PART_BYTES)
    portions = []
    own = runnable.runnable_tasks
    monkeypatch.setattr(
        "django_offload.operations.redrive.runnable_tasks",
        lambda store, records: portions.append(len(records)) or own(store, records),
    )

    assert all(outcome.done for outcome in redrive_many(store, ids, options, now()))

    assert portions == [2, 2, 2, 1]


def test_a_failed_call_says_nothing_about_a_task(store, options, offload, monkeypatch):
    ids = [given_up(store, contract.echo.enqueue("y" * 400_000)).id for _ in range(3)]

    def unreachable(*args):
        raise CallFailed("S3 was not reached. Try again.")

    monkeypatch.setattr(offload.payloads[STACK], "get", unreachable)

    outcomes = redrive_many(store, ids, options, now())

    assert [type(outcome) for outcome in outcomes] == [CallFailed] * 3
    assert {store.records[task_id]["status"] for task_id in ids} == {FAILED}


def test_ids_and_keys_of_a_command_are_answered_in_their_order(store, offload):
    dead = [given_up(store, tasks.double.enqueue(number)).id for number in range(3)]
    key = f"{UNVERIFIED_PREFIX}2026/x"
    offload.payloads[STACK].put(key, b"{}")
    asked = [dead[2], "nonsense", key, dead[0], "f" * 32, dead[1], dead[0]]

    results = list(act_on_ids("discard", asked, now))

    assert [result.id for result in results] == asked[:-1]
    assert [result.done for result in results] == [True, False, True, True, False, True]
    assert results[1].text == results[4].text != results[0].text


def test_discards_are_told_as_each_alone(store):
    listed = given_up(store, tasks.double.enqueue(1)).id
    off_list = given_up(store, tasks.double.enqueue(2)).id
    waiting = tasks.double.enqueue(3).id
    discard_many(store, [off_list])

    texts = [outcome.text for outcome in discard_many(store, [listed, off_list, waiting, "f" * 32])]

    assert texts == [
        "Discarded. It stays FAILED but is no longer listed.",
        "It is not in the list, so nothing was changed.",
        "It is READY. Only FAILED tasks can be discarded.",
        "There is no task with this id. Check the id. Records are deleted after some weeks.",
    ]


def running(store, result):
    lease = {"now": now(), "lease_until": now() + LATER}
    store.change(result.id, claim(None, token="t", worker_id="w", max_attempts=3, **lease))
    return result


@pytest.fixture
def ended():
    """The ids that task_finished announced, and the arguments."""
    found = []

    def note(sender, task_result, **kwargs):
        found.append((task_result.id, task_result.args))

    signals.task_finished.connect(note)
    yield found
    signals.task_finished.disconnect(note)


def test_each_of_a_page_is_cancelled_as_it_would_be_alone(store, options, offload, ended):
    done = tasks.double.enqueue(0)
    offload.run()
    ended.clear()
    waiting = [contract.echo.enqueue("x" * 3_000) for _ in range(40)]
    runs = [running(store, tasks.double.enqueue(number)) for number in range(40)]
    results = [*waiting, done, *runs]
    enqueued = [(read_record(store.get(result.id)).enqueued, options) for result in results]

    outcomes = cancel_many(store, enqueued, now())

    assert [describe_cancel(outcome) for outcome in outcomes] == [
        *["Cancelled."] * 40,
        "It has already ended, so there is nothing to cancel.",
        *["It is running and was asked to stop. It will not be tried again."] * 40,
    ]
    assert ended == [(result.id, ["x" * 3_000]) for result in waiting]
    assert all(read_record(store.get(result.id)).cancelled for result in runs)


def test_the_arguments_of_cancelled_tasks_are_read_together(store, options, monkeypatch, ended):
    results = [contract.echo.enqueue("x" * 3_000) for _ in range(4)]
    enqueued = [(read_record(store.get(result.id)).enqueued, options) for result in results]
    own, begun = store.begin_get_part, []

    def begin(task_id, name):
        begun.append(task_id)
        wait = own(task_id, name)

        def waited():
            assert len(begun) == len(results), "one after the other"
            return wait()

        return waited

    monkeypatch.setattr(store, "begin_get_part", begin)

    cancel_many(store, enqueued, now())

    assert ended == [(result.id, ["x" * 3_000]) for result in results]


def test_a_cancelled_task_whose_arguments_cannot_be_read_is_announced(store, options, monkeypatch, ended):
    results = [contract.echo.enqueue("x" * 3_000) for _ in range(2)]
    enqueued = [(read_record(store.get(result.id)).enqueued, options) for result in results]
    own = store.get_part
    monkeypatch.setattr(
        store, "get_part", lambda key, *name: refuse() if key == results[0].id else own(key, *name)
    )

    assert all(outcome.ended for outcome in cancel_many(store, enqueued, now()))

    assert [task_id for task_id, _ in ended] == [result.id for result in results]
    assert ended[1][1] == ["x" * 3_000]


def test_a_task_that_is_released_before_it_is_asked_to_stop_is_ended(store, options, monkeypatch):
    results = [running(store, tasks.double.enqueue(number)) for number in range(3)]
    enqueued = [(read_record(store.get(result.id)).enqueued, options) for result in results]
    own = store.change

    def change(task_id, change):
        if change.name == ask_to_stop().name and task_id == results[1].id:
            store.records[task_id]["status"] = READY
        return own(task_id, change)

    monkeypatch.setattr(store, "change", change)

    outcomes = cancel_many(store, enqueued, now())

    assert [outcome.ended for outcome in outcomes] == [False, True, False]
    assert status(store, results[1]) == FAILED


def test_a_cancel_that_is_not_confirmed_stops_no_other(store, options, monkeypatch, ended):
    results = [tasks.double.enqueue(number) for number in range(3)]
    enqueued = [(read_record(store.get(result.id)).enqueued, options) for result in results]
    own = store.change
    monkeypatch.setattr(
        store, "change", lambda task_id, *args: refuse() if task_id == results[0].id else own(task_id, *args)
    )

    outcomes = cancel_many(store, enqueued, now())

    assert isinstance(outcomes[0], ConnectionError)
    assert [status(store, result) for result in results] == [READY, FAILED, FAILED]
    assert [task_id for task_id, _ in ended] == [result.id for result in results[1:]]


def test_dead_letters_of_many_partitions_are_listed_the_oldest_first(settings, request):
    """Those of all shards, of the old partitions, and with --failed of both bands."""
    settings.TASKS = tasks_setting(modules=MODULES, shards=64)
    store = request.getfixturevalue("offload").stores[STACK]
    ids = []
    for number in range(450):
        ids.append(given_up(store, tasks.double.enqueue(number)).id)
        record = store.records[ids[-1]]
        record["due_at"] = record["finished_at"] = 1_000 + number // 4
        shard = -2 + number % 2 if number % 3 == 0 else (4_000 if number % 5 == 0 else 3_000) + number % 7
        store._due[record["due_shard"]].pop(ids[-1])
        record["due_shard"] = shard
        store._due[shard][ids[-1]] = None

    instants = [
        store.records[record.enqueued.id]["due_at"] for record in failed_records(store, all_failed=True)
    ]
    dead = [record.enqueued.id for record in failed_records(store)]

    assert instants == sorted(1_000 + number // 4 for number in range(450))
    assert len(dead) == sum(store.records[task_id]["due_shard"] < 4_000 for task_id in ids)


def test_pages_send_in_the_names_of_their_queues(store, options):
    assert pages.send_together([])() == []
