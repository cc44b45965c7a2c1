"""Of tasks with one unique key, one waits or runs; every other call leads to it, and nothing is lost."""

import pytest
from django.db import transaction

from django_offload.conf import configured
from django_offload.keys.unique import UniqueKeys
from django_offload.operations.redrive import redrive
from django_offload.protocol.conditional_write import ConditionalWrite, absent
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from tests.contract import unique_tasks as tasks
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["memory", "lean", "boto3"])
def offload(request, settings):
    tasks.forget()
    client = {} if request.param == "memory" else {"client": request.param}
    settings.TASKS = tasks_setting(modules=["tests.contract.unique_tasks"], **client)
    return request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")


def test_a_second_call_returns_the_result_of_the_first(offload):
    first = tasks.sync.enqueue(7)
    second = tasks.sync.enqueue(order=7, force=False)
    other = tasks.sync.enqueue(8)

    assert (first.duplicate, second.duplicate, other.duplicate) == (False, True, False)
    assert (second.id, second.status, second.args) == (first.id, "READY", [7])
    assert other.id != first.id
    assert offload.run() == 2
    assert tasks.ran == [("sync", 7, False), ("sync", 8, False)]
    second.refresh()
    assert second.return_value == 7


def test_the_key_is_free_when_its_task_has_ended(offload):
    first = tasks.sync.enqueue(7)
    offload.run()
    second = tasks.sync.enqueue(7)

    assert not second.duplicate
    assert second.id != first.id
    assert offload.run() == 1
    assert tasks.ran == [("sync", 7, False)] * 2


@pytest.mark.parametrize(("name", "is_duplicate"), [("sync", True), ("index", False)])
def test_a_running_task_keeps_its_key_unless_it_is_for_waiting_ones(offload, name, is_duplicate):
    task, inner = getattr(tasks, name), []
    tasks.inside.append(lambda: inner.append(task.enqueue(7)))
    task.enqueue(7)

    offload.run()

    assert [result.duplicate for result in inner] == [is_duplicate]
    assert len(tasks.ran) == 2 - is_duplicate


def test_a_function_says_what_has_to_be_the_same(offload):
    first = tasks.report.enqueue(7, detail="a")
    second = tasks.report.enqueue(7, detail="b")
    several = [tasks.free.enqueue(7), tasks.free.enqueue(7)]

    assert (second.id, second.duplicate, second.kwargs) == (first.id, True, {"detail": "a"})
    assert not any(result.duplicate for result in several)
    offload.run()
    assert tasks.ran.count(("report", 7, "a")) == 1
    assert tasks.ran.count(("free", 7)) == 2


def test_many_at_once_answer_in_order(offload):
    first = tasks.sync.enqueue(2)
    answers = list(tasks.sync.enqueue_many([(1,), (2,), (1,), (3,)]))

    assert [answer.duplicate for answer in answers] == [False, True, True, False]
    assert (answers[1].id, answers[2].id) == (first.id, answers[0].id)
    assert offload.run() == 3


def test_a_failed_holder_is_redriven_only_while_its_key_is_free(offload):
    failed = tasks.failing.enqueue(7)
    offload.run()
    holder = tasks.failing.enqueue(7)
    store, options = store_of(configured()["default"]), configured()["default"]

    refused = redrive(store, failed.id, options, offload_now(offload))
    assert not refused.done
    assert holder.id in refused.text

    offload.run()
    assert redrive(store, failed.id, options, offload_now(offload)).done
    assert tasks.failing.enqueue(7).id == failed.id
    offload.run()
    assert tasks.ran == [("failing", 7)] * 3


def test_a_redriven_duplicate_is_a_task_of_its_own(offload):
    with transaction.atomic():
        tasks.sync.enqueue(7)
        second = tasks.sync.enqueue(7)
    offload.run()
    store, options = store_of(configured()["default"]), configured()["default"]
    assert read_record(store.get(second.id)).duplicate_of is not None

    assert redrive(store, second.id, options, offload_now(offload)).done
    offload.run()

    record = read_record(store.get(second.id))
    assert (record.status, record.duplicate_of) == ("SUCCESSFUL", None)
    assert tasks.ran == [("sync", 7, False)] * 2


def offload_now(offload):
    from datetime import UTC, datetime

    return offload.clock() if hasattr(offload, "clock") else datetime.now(UTC)


def put(key, **values):
    """Write to an item of the table, as somebody with the rights to it may."""
    change = ConditionalWrite(
        name="damage", conditions=((absent("by_hand"),),), put={**values, "by_hand": True}
    )
    store_of(configured()["default"]).change(key, change)


def key_of(task_id):
    return f"u:{store_of(configured()['default']).get(task_id)['unique']}"


@pytest.mark.parametrize("odd", [{"holder": "x"}, {"holder": ["x"]}, {"holder": True, "at": "x"}])
def test_a_key_that_names_no_task_is_taken(offload, odd):
    first = tasks.sync.enqueue(7)
    offload.run()
    put(key_of(first.id), **odd)

    second = tasks.sync.enqueue(7)

    assert (second.duplicate, tasks.sync.enqueue(7).id) == (False, second.id)
    offload.run()
    assert tasks.ran == [("sync", 7, False)] * 2


@pytest.mark.parametrize("odd", [{"holder": ["x"]}, {"holder": "x", "at": "x"}])
def test_a_redriven_task_takes_a_key_that_names_no_task(offload, odd):
    first = tasks.failing.enqueue(7)
    offload.run()
    put(key_of(first.id), **odd)
    store, options = store_of(configured()["default"]), configured()["default"]

    assert redrive(store, first.id, options, offload_now(offload)).done

    assert store.get(key_of(first.id))["holder"] == first.id
    assert (
        UniqueKeys(store, options, offload_now(offload)).keep(read_record(store.get(first.id)).enqueued)
        is None
    )


@pytest.mark.parametrize("odd", [{"at": 10**30}, {"at": ["x"], "until": "x", "owner": 5}])
def test_a_key_of_which_only_the_holder_can_be_read_is_the_holders(offload, odd):
    first = tasks.sync.enqueue(7)
    put(key_of(first.id), **odd)

    assert tasks.sync.enqueue(7).id == first.id
    offload.run()
    assert not tasks.sync.enqueue(7).duplicate


@pytest.mark.parametrize("odd", [["x"], 5])
def test_a_holder_whose_state_cannot_be_read_keeps_its_key(offload, odd):
    first = tasks.sync.enqueue(7)
    put(first.id, status=odd)

    second = tasks.sync.enqueue(7)

    assert (second.id, second.duplicate) == (first.id, True)
