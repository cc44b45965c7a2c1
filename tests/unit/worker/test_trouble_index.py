"""Deliveries and dead letters of a queue whose index has only tasks in trouble: each has its entry."""

from dataclasses import replace
from datetime import timedelta

import pytest

from django_offload.exceptions import PayloadLost
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.enqueued_task import Reference
from django_offload.protocol.record import DUE_AFTER, FAILED, READY, RUNNING, SUCCESSFUL, initial_item
from django_offload.transports import Delivery
from django_offload.worker import attempt, deadline, delivery
from tests.contract.records import NOW, claimed, create_record

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LEASE = NOW + 5 * MINUTE


@pytest.fixture
def stage(stage):
    queue = replace(stage.options.queues["default"], index="trouble")
    stage.options = replace(stage.options, queues={**stage.options.queues, "default": queue})
    return stage


@pytest.fixture(autouse=True)
def alias(stage, monkeypatch):
    """A worker asks the alias of a message for its options."""
    monkeypatch.setattr(delivery, "options_for", lambda alias, near: stage.options)
    monkeypatch.setattr("django_offload.worker.dead_letter.options_for", lambda alias, near: stage.options)


def born(stage, enqueued, *changes):
    """Make a record as enqueue() makes it: in no index."""
    stage.store.begin_create(initial_item(enqueued, indexed=False))()
    for change in changes:
        stage.store.change(enqueued.id, change)
    assert stage.record(enqueued).due_at is None
    return enqueued


def held(task):
    return claimed(task.id, NOW, set_if_absent={})


def test_a_task_that_succeeds_is_never_in_the_index(stage, enqueued):
    task = born(stage, enqueued())

    assert stage.deliver(task) is None
    assert (stage.record(task).status, stage.record(task).due_at) == (SUCCESSFUL, None)


def test_a_claim_that_makes_the_record_puts_no_entry(stage, enqueued, monkeypatch):
    made = []
    monkeypatch.setattr(attempt, "execute", lambda *args: made.append(stage.record(task)) or 1 / 0)
    task = enqueued()

    with pytest.raises(ZeroDivisionError):
        stage.deliver(task)

    assert [(record.status, record.due_at) for record in made] == [(RUNNING, None)]


def test_a_retry_has_its_entry_and_leaves_it_when_it_succeeds(stage, enqueued):
    task = born(stage, enqueued(name="tests.unit.tasks.in_a_month", args=()))

    assert stage.deliver(task) is None, "its message can't wait that long"
    record = stage.record(task)
    assert (record.status, record.due_at < record.not_before) == (READY, True)


def test_a_task_that_fails_is_listed(stage, enqueued):
    task = born(stage, enqueued(name="tests.unit.tasks.quotes", args=("secret",)))

    assert stage.deliver(task) is None
    assert (stage.record(task).status, stage.record(task).due_at) == (FAILED, stage.record(task).finished_at)


def test_an_undone_claim_leaves_an_entry(stage, enqueued, monkeypatch):
    task = born(stage, enqueued(name="orders.send", args=("A1",)))
    times = iter([300.0])
    worker = replace(
        stage.worker(),
        invocation=deadline.LambdaInvocation(left=lambda: next(times, 5.0), whole=300.0, worker_id="w"),
    )

    assert stage.answer(worker, Delivery(id="1", body=stage.message(task), queue="default")) == timedelta(0)

    record = stage.record(task)
    assert (record.status, record.fence, record.due_at) == (READY, 1, NOW + DUE_AFTER)


def test_an_undone_claim_of_a_record_with_an_entry_leaves_that_as_it_is(stage, enqueued, monkeypatch):
    task = enqueued(name="orders.send", args=("A1",))
    create_record(stage.store, task)
    stage.now = NOW + MINUTE
    times = iter([300.0])
    worker = replace(
        stage.worker(),
        invocation=deadline.LambdaInvocation(left=lambda: next(times, 5.0), whole=300.0, worker_id="w"),
    )

    stage.answer(worker, Delivery(id="1", body=stage.message(task), queue="default"))

    assert stage.record(task).due_at == NOW + DUE_AFTER


def no_time(stage, monkeypatch, enqueued):
    monkeypatch.setattr(deadline.LambdaInvocation, "has_time_for", lambda self, timeout: False)
    return born(stage, enqueued())


def unknown(stage, monkeypatch, enqueued):
    return born(stage, enqueued(name="shop.tasks.to_come"))


def denied(stage, monkeypatch, enqueued):
    def fetch(reference, options):
        raise PayloadLost("payloads/x/arguments", "denied", retryable=True)

    monkeypatch.setattr(delivery, "fetch", fetch)
    return born(stage, enqueued(reference=Reference(key="payloads/x/arguments", sha256="0" * 64, size=9)))


def unreadable(stage, monkeypatch, enqueued):
    task = born(stage, enqueued())
    stage.store.records[task.id] |= {"depth": "deep"}
    return task


def too_early(stage, monkeypatch, enqueued):
    return born(stage, enqueued(run_after=NOW + 10 * MINUTE))


@pytest.mark.parametrize("trouble", [no_time, unknown, denied, unreadable, too_early])
def test_a_delivery_that_is_given_back_puts_an_entry(stage, enqueued, monkeypatch, trouble):
    task = trouble(stage, monkeypatch, enqueued)

    assert stage.deliver(task) is not None

    item = stage.store.records[task.id]
    assert item["status"] == READY
    assert item["due_at"] == initial_item(task)["due_at"], "when the sweeper looks at every other task"


@pytest.mark.parametrize("trouble", [no_time, unknown, denied])
def test_without_a_record_there_is_nothing_to_put(stage, enqueued, monkeypatch, trouble):
    task = trouble(stage, monkeypatch, enqueued)
    stage.store.records.clear()

    assert stage.deliver(task) is not None
    assert stage.store.records == {}


def test_an_entry_that_can_not_be_put_leaves_the_message(stage, enqueued, monkeypatch):
    task = unknown(stage, monkeypatch, enqueued)
    monkeypatch.setattr(stage.store, "change", lambda *args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        stage.deliver(task)  # So that the batch doesn't acknowledge it.


def test_a_duplicate_under_a_live_lease_puts_an_entry_for_the_end_of_the_lease(stage, enqueued):
    task = enqueued()
    born(stage, task, held(task))
    stage.now = NOW + MINUTE

    assert stage.deliver(task) == 4 * MINUTE
    assert stage.record(task).due_at == LEASE


def test_a_duplicate_of_what_has_an_entry_writes_nothing(stage, enqueued):
    task = enqueued()
    create_record(stage.store, task)
    stage.store.change(task.id, held(task))

    assert stage.deliver(task) == 5 * MINUTE
    assert stage.record(task).due_at == NOW + DUE_AFTER


def test_a_message_that_goes_leaves_its_task_to_the_next_sweep(stage, enqueued):
    task = born(stage, enqueued())
    put = {"not_before": 4_000_000_000_000_000}
    stage.store.change(
        task.id, ConditionalWrite(name="wait", conditions=((equals("status", READY),),), put=put)
    )

    assert stage.deliver(task) is None
    assert stage.record(task).due_at == NOW


def test_an_ended_task_stays_as_it_is(stage, enqueued):
    task = born(stage, enqueued())
    stage.deliver(task)

    assert stage.deliver(task) is None
    assert (stage.record(task).status, stage.record(task).due_at) == (SUCCESSFUL, None)


def test_a_dead_letter_ends_its_task_and_lists_it(stage, enqueued):
    task = born(stage, enqueued())

    stage.bury(task)

    record = stage.record(task)
    assert (record.status, record.due_at) == (FAILED, record.finished_at)


def test_a_dead_letter_of_a_task_that_runs_leaves_it_to_the_sweeper(stage, enqueued):
    task = enqueued()
    born(stage, task, held(task))

    stage.bury(task)

    assert (stage.record(task).status, stage.record(task).due_at) == (RUNNING, LEASE)


def test_a_killed_worker_is_replaced_when_its_message_comes_again(stage, enqueued):
    task = enqueued()
    born(stage, task, held(task))
    stage.now = LEASE + MINUTE
    assert stage.sweep() == {}, "nobody else looks at it"

    assert stage.deliver(task) is None
    assert (stage.record(task).status, stage.record(task).attempts) == (SUCCESSFUL, 2)


def test_retention_that_runs_out_is_not_noticed(stage, enqueued):
    """F22, which this option gives up: the message is gone, and the record stays READY."""
    task = born(stage, enqueued())
    stage.now = NOW + 8 * DAY

    assert stage.sweep() == {}
    assert stage.record(task).status == READY


def test_a_worker_of_a_queue_with_every_entry_writes_none_of_these(stage, enqueued, monkeypatch):
    queue = replace(stage.options.queues["default"], index="all")
    stage.options = replace(stage.options, queues={"default": queue})
    task = unknown(stage, monkeypatch, enqueued)

    assert stage.deliver(task) is not None
    assert stage.record(task).due_at is None
