"""Every way to enqueue a unique task: its duplicates lead to it, are never announced, and never run."""

import asyncio
import pickle
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import transaction

from django_offload.compat import InvalidTask, TaskResultStatus, signals, task_backends
from django_offload.conf import configured
from django_offload.outbox import drain as outbox
from django_offload.protocol import message
from django_offload.stores import store_of
from tests.contract import unique_tasks as tasks
from tests.contract.outbox_site import Killed, rolled_back, rows
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)

MODULES = ["tests.contract.unique_tasks"]


@pytest.fixture(params=["memory", "lean", "boto3"])
def place(request, settings):
    """Return a function that starts a place to run tasks, with options of the stack."""
    tasks.forget()

    def start(backend="SQSBackend", **options):
        client = {} if request.param == "memory" else {"client": request.param}
        settings.TASKS = tasks_setting(backend, modules=MODULES, **client, **options)
        return request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")

    return start


@pytest.fixture
def offload(settings, request):
    tasks.forget()
    settings.TASKS = tasks_setting(modules=MODULES, outbox=True)
    return request.getfixturevalue("offload")


@contextmanager
def heard():
    """Collect the ids of the tasks that signals announce, by the signal's name."""
    ids = {"task_enqueued": [], "task_started": [], "task_finished": []}
    receivers = []
    for name, found in ids.items():

        def receive(sender, task_result, found=found, **kwargs):
            found.append(task_result.id)

        receivers.append(receive)
        getattr(signals, name).connect(receive)
    try:
        yield ids
    finally:
        for name, receive in zip(ids, receivers, strict=True):
            getattr(signals, name).disconnect(receive)


def record(task_id):
    return store_of(configured()["default"]).get(task_id)


@pytest.mark.parametrize("backend", ["SQSBackend", "LambdaBackend"])
def test_each_way_to_enqueue_leads_to_the_first_task(place, backend):
    offload = place(backend)
    tasks.inside.append(lambda: ways.append(tasks.sync.enqueue(7)))
    with heard() as announced:
        first = tasks.sync.enqueue(7)
        ways = [
            tasks.sync.delay(7),
            asyncio.run(tasks.sync.aenqueue(order=7)),
            tasks.sync.using(backend="other").enqueue(7),
            task_backends["default"].enqueue(tasks.sync, [7], {}),
            *tasks.sync.enqueue_many([(7,), {"order": 7}]),
        ]
        with transaction.atomic():
            inside = [tasks.sync.enqueue(7), tasks.sync.enqueue(8), tasks.sync.enqueue(8)]
            with transaction.atomic():
                inside.append(tasks.sync.enqueue(7))
            with rolled_back():
                tasks.sync.enqueue(9)
        offload.run()

    assert {(result.id, result.duplicate_of) for result in ways} == {(first.id, first.id)}
    assert len(ways) == 7
    assert sorted(tasks.ran) == [("sync", 7, False), ("sync", 8, False)]
    by_commit = {result.id: result.duplicate_of for result in inside}
    assert len(by_commit) == 4
    assert list(by_commit.values()) == [first.id, None, inside[1].id, first.id]
    for result in [*ways, *inside]:
        result.refresh()
        assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, result.args[0])
        assert result.duplicate is (result is not inside[1])
    own = [first.id, inside[1].id]
    assert {name: sorted(ids) for name, ids in announced.items()} == dict.fromkeys(announced, sorted(own))


def test_a_duplicate_in_a_transaction_shows_what_the_first_one_is_now(place):
    offload = place()
    with transaction.atomic():
        first, second = tasks.failing.enqueue(7), tasks.failing.enqueue(7)
        assert (second.duplicate, second.enqueued_at) == (False, None)
    assert (first.duplicate, second.duplicate_of) == (False, first.id)
    assert second.enqueued_at is not None

    offload.run()

    asyncio.run(second.arefresh())
    assert (second.id == first.id, second.duplicate_of) == (False, first.id)
    assert second.status == TaskResultStatus.FAILED
    assert second.errors[0].exception_class is ValueError
    later = tasks.failing.get_result(second.id)
    assert (later.id, later.duplicate_of, later.args) == (second.id, first.id, [7])
    stored = record(second.id)
    assert "due_at" not in stored
    assert stored["hidden_at"] - stored["finished_at"] > timedelta(days=14) / timedelta(microseconds=1)


def test_chunks_and_a_failing_generator_keep_their_order(place):
    offload = place()

    def orders():
        yield from ((number % 3,) for number in range(205))
        raise LookupError("no more")

    answers = []
    with pytest.raises(LookupError, match="no more"):
        answers += [answers.append(answer) for answer in tasks.sync.enqueue_many(orders())]

    assert len(answers) == 205
    assert [answer.args[0] for answer in answers] == [number % 3 for number in range(205)]
    assert [answer.duplicate for answer in answers[:4]] == [False, False, False, True]
    assert len({answer.id for answer in answers}) == 3
    assert offload.run() == 3


def test_equal_calls_of_one_chunk_take_one_key(offload):
    store = store_of(configured()["default"])
    with mock.patch.object(store, "change", wraps=store.change) as change:
        answers = list(tasks.sync.enqueue_many([(7,)] * 1_000))

    keys = [call.args[0] for call in change.mock_calls if call.args[0].startswith("u:")]
    # One for each hundred, and one record.
    assert (len(keys), len(change.mock_calls)) == (10, 11)
    assert [answer.duplicate for answer in answers] == [False] + [True] * 999


def test_large_arguments_are_kept_beside_or_in_the_bucket_and_compared_whole(place):
    offload = place()
    for size in (50_000, 500_000):
        text = "x" * size
        with transaction.atomic():
            first, second = tasks.sync.enqueue(text), tasks.sync.enqueue(text)
        third, other = tasks.sync.enqueue(text), tasks.sync.enqueue(f"{text}y")
        assert (first.duplicate, second.duplicate_of, third.id) == (False, first.id, first.id)
        assert (third.args, other.duplicate) == ([text], False)
        assert offload.run() == 2
        second.refresh()
        assert second.return_value == text


def test_a_task_that_starts_in_an_hour_keeps_its_key_until_then(place):
    offload = place()
    start = datetime.now(UTC) + timedelta(hours=1)
    first = tasks.sync.using(run_after=start).enqueue(7)
    second = tasks.sync.enqueue(7)

    assert (second.id, second.duplicate, second.task.run_after) == (first.id, True, start)
    assert offload.run(skip=False) == 0


@pytest.mark.parametrize("size", [1, 20_000, 100_000])
def test_a_task_that_waits_for_too_long_leads_to_the_one_that_replaces_it(place, size):
    offload = place()
    first = tasks.brief.enqueue(["a", *("x" * size)])
    with heard() as announced:
        second = tasks.brief.enqueue(["a", *("y" * size)])
        offload.run()

    assert (first.duplicate, second.duplicate, second.id == first.id) == (False, False, False)
    assert tasks.ran == [("brief", "a")]
    first.refresh()
    assert (first.duplicate_of, first.return_value) == (second.id, ["y"] * size)
    assert "due_at" not in record(first.id)
    assert announced == dict.fromkeys(announced, [second.id])


def test_what_a_unique_task_and_its_duplicate_cost(offload):
    store = store_of(configured()["default"])
    transport = offload.transports["contract"]
    costs = []
    for call in (
        lambda: tasks.free.enqueue(7),
        lambda: tasks.sync.enqueue(7),
        lambda: tasks.sync.enqueue(7),
    ):
        with (
            mock.patch.object(store, "change", wraps=store.change) as writes,
            mock.patch.object(store, "get", wraps=store.get) as reads,
            mock.patch.object(transport, "send", wraps=transport.send) as sends,
        ):
            call()
        costs.append((writes.call_count, reads.call_count, sends.call_count))

    assert costs == [(1, 0, 1), (2, 0, 1), (1, 1, 0)]


def test_a_coroutine_with_a_context_and_any_arguments_is_unique(place):
    offload = place()
    first = tasks.told.enqueue(1, 2, 3, b=1, a=2)

    assert tasks.told.enqueue(1, 2, 3, a=2, b=1).id == first.id
    assert not tasks.told.enqueue(1, 2, a=2, b=1).duplicate
    offload.run()
    assert ("told", 1, first.id) in tasks.ran
    assert len(tasks.ran) == 2


def test_sensitive_arguments_are_in_no_key_and_no_error(place, caplog):
    place()
    first, card = tasks.pay.enqueue(1, "4111 1111"), "4111 1111"
    stored = record(first.id)
    key = store_of(configured()["default"]).get(f"u:{stored['unique']}")

    assert len(stored["unique"]) == 32
    assert card not in str(key)
    assert tasks.pay.enqueue(1, card).duplicate
    with pytest.raises(InvalidTask) as refused:
        tasks.refuse.enqueue(card)
    assert "unique of task tests.contract.unique_tasks.refuse raised ZeroDivisionError. " in str(
        refused.value
    )
    assert refused.value.__cause__ is None
    assert card not in caplog.text + str(refused.value)


def test_the_outbox_of_a_dead_process_makes_one_task_and_announces_it_alone(offload):
    with mock.patch("django_offload.backends.base.Departure.leave_at_commit"), transaction.atomic():
        results = [tasks.sync.enqueue(7), tasks.sync.enqueue(7), tasks.sync.enqueue(8)]

    with heard() as announced:
        with mock.patch.object(outbox, "forget_many", side_effect=Killed), pytest.raises(Killed):
            drain()
        assert len(rows()) == 3
        assert drain() == 3
        assert (rows(), drain()) == ([], 0)

    assert offload.run() >= 2
    assert sorted(tasks.ran) == [("sync", 7, False), ("sync", 8, False)]
    duplicates = []
    for result in results:
        result.refresh()
        assert result.return_value == result.args[0]
        duplicates += [result.id] * result.duplicate
    assert len(duplicates) == 1
    assert duplicates[0] in {results[0].id, results[1].id}
    own = {result.id for result in results} - set(duplicates)
    assert set(announced["task_enqueued"]) == own


def test_the_request_of_a_duplicate_empties_its_row_and_announces_nothing(offload):
    with heard() as announced, transaction.atomic():
        first, second = tasks.sync.enqueue(7), tasks.sync.enqueue(7)

    assert (rows(), announced["task_enqueued"]) == ([], [first.id])
    assert second.duplicate_of == first.id


def drain():
    return outbox.drain(datetime.now(UTC) + timedelta(minutes=1), lambda: 60.0)


def test_a_worker_of_an_earlier_release_gives_a_unique_task_back(offload):
    first = tasks.sync.enqueue(7)
    with mock.patch.object(message, "VERSION", 2):
        offload.run(skip=False)
    assert (tasks.ran, tasks.sync.enqueue(7).id) == ([], first.id)

    offload.run()

    assert tasks.ran == [("sync", 7, False)]
    assert len(record(first.id)["workers"]) == 1


def test_a_result_can_be_pickled_compared_and_printed(offload):
    first, second = tasks.report.enqueue(7), tasks.report.enqueue(7, detail="b")
    cache.set("result", second)
    copy = cache.get("result")

    assert copy == second == pickle.loads(pickle.dumps(second))  # noqa: S301, our own
    assert copy.task is not None
    assert copy.task.unique is tasks.report.unique
    assert (copy.duplicate, copy.id) == (True, first.id)
    assert first != second
    assert f"duplicate_of='{first.id}'" in repr(second)
    copy.refresh()
    assert copy.duplicate


@pytest.mark.parametrize("kind", ["dummy.DummyBackend", "immediate.ImmediateBackend"])
def test_other_backends_take_the_options_and_run_each_call(settings, kind):
    tasks.forget()
    module = task_backends["default"].__class__.__mro__[2].__module__.rpartition(".")[0]
    settings.TASKS = {"default": {"BACKEND": f"{module}.{kind}"}}
    results = [tasks.sync.enqueue(7), tasks.sync.enqueue(7)]

    assert results[0].id != results[1].id
    assert not any(getattr(result, "duplicate", False) for result in results)
