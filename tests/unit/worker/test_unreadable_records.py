"""A record that another writer made unreadable: its task waits for a correction, and is not lost."""

from datetime import timedelta

import pytest

from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import FAILED, RECORD_LIFE, SUCCESSFUL, initial_item
from django_offload.protocol.shards import shard_of
from django_offload.testing import Invocation, sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch, dead_letter
from django_offload.worker.sweeping.sweeper import UNREADABLE_AFTER
from tests.contract.records import NOW, claimed, create_record

# A handler closes the connections that another test has opened.
pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PATH = "django_offload.exceptions"


def put(stage, enqueued, *changes, **odd):
    """Store a record, and have somebody else write to it. Return what it said before."""
    create_record(stage.store, enqueued)
    for change in changes:
        stage.store.change(enqueued.id, change)
    before = dict(stage.store.records[enqueued.id])
    stage.store.records[enqueued.id].update(odd)
    return before


def correct(stage, enqueued, before, *names):
    """Have somebody give these attributes the values that they had."""
    stored = stage.store.records[enqueued.id]
    for name in names:
        stored.pop(name)
        stored.update({name: before[name]} if name in before else {})


def delivery(stage, enqueued, number=1, receives=1):
    body = stage.message(enqueued)
    return Delivery(id=str(number), body=body, queue="default", handle=str(number), receives=receives)


def work(stage, *tasks, receives=1):
    """Have the worker's handler work on messages. Return the ids of those that come again."""
    deliveries = [delivery(stage, task, number, receives) for number, task in enumerate(tasks)]
    event = sqs_event(deliveries, stage.options.queue("default"))
    answer = batch.handler(event, Invocation(stage.options.worker_function("default")), stage.clock)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def bury(stage, *tasks):
    """Have the dead-letter handler work on messages. Return the ids of those that come again."""
    deliveries = [delivery(stage, task, number) for number, task in enumerate(tasks)]
    event = sqs_event(deliveries, stage.options.dead_letter_queue("default"))
    answer = dead_letter.handler(event, Invocation(stage.options.function("dead-letter")), stage.clock)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


RUNNING = {"lease_until": "300", "workers": "w", "undone": ["x"], "started_at": True}
READY = {
    "depth": "many",
    "owner": 5,
    "arguments_reference": "{}",
    "options": "{",
    "sent_at": 10**30,
    "not_before": "soon",
    "run_after": 10**30,
    "enqueued_at": -(10**30),
    "fence": 10**30,
    "workers": "w",
    "undone": "1",
    "errors": "error#0001",
    "status": "ready",
    "id": "x",
}


@pytest.mark.parametrize(
    ("lost", "name", "value"),
    [*((False, *pair) for pair in READY.items()), *((True, *pair) for pair in RUNNING.items())],
)
@pytest.mark.parametrize("unindexed", [False, True])
def test_its_task_runs_once_it_is_corrected(stage, enqueued, lost, name, value, unindexed):
    task, neighbour = enqueued(), enqueued(1)
    create_record(stage.store, neighbour)
    claims = [claimed(task.id, NOW - 10 * MINUTE, enqueued=task)] if lost else []
    before = put(stage, task, *claims, **{name: value})
    if unindexed:  # As a claim without a record at enqueue makes it.
        del stage.store.records[task.id]["due_at"], stage.store.records[task.id]["due_shard"]

    # Its message comes again and again, and is a dead letter in the end.
    for receives in range(1, 6):
        assert work(stage, task, neighbour, receives=receives) == ["0"]
        stage.now += 10 * MINUTE
    assert stage.record(neighbour).status == SUCCESSFUL
    if bury(stage, task) == ["0"]:
        # Nothing says whether the task has ended, so the dead letter waits.
        assert (name, unindexed) == ("status", True)
        correct(stage, task, before, name)
        assert bury(stage, task) == []
        assert stage.record(task).error["class"] == f"{PATH}.DeadLettered"
        return
    assert stage.sweep() == {"failed": 1}

    # Days later somebody corrects it.
    stage.now += 3 * DAY
    assert stage.sweep() == {"failed": 1}
    correct(stage, task, before, name)
    stage.now += UNREADABLE_AFTER
    assert stage.sweep() == {"sent": 1}
    (again,) = stage.transport.receive("default", 1)
    stage.answer(stage.worker(), again)
    assert stage.record(task).status == SUCCESSFUL


@pytest.mark.parametrize("odd", [{"progress": "{"}, {"error": "[]"}, {"sends": "many"}, {"token": 1}])
def test_what_a_claim_overwrites_holds_up_no_delivery(stage, enqueued, odd):
    task = enqueued()
    put(stage, task, claimed(task.id, NOW - 10 * MINUTE, enqueued=task), **odd)

    assert work(stage, task) == []
    assert stage.record(task).status == SUCCESSFUL


def test_a_claim_of_what_cannot_be_read_is_undone_and_counts_as_no_attempt(stage, enqueued, caplog):
    task = enqueued()
    before = put(stage, task, depth="many")

    assert [work(stage, task, receives=receives) for receives in range(1, 10)] == [["0"]] * 9

    stored = stage.store.records[task.id]
    assert (stored["status"], "workers" in stored, "lease_until" in stored) == ("READY", False, False)
    assert (
        f"Task id={task.id} name={task.name} waits: The record of task {task.id} can't be read" in caplog.text
    )
    correct(stage, task, before, "depth")
    assert work(stage, task) == []
    record = stage.record(task)
    assert (record.status, record.attempts, record.attempt_numbers([10])) == (SUCCESSFUL, 1, {10: 1})


def test_a_delivery_that_meets_what_cannot_be_read_waits_longer_each_time(stage, enqueued):
    task = enqueued()
    put(stage, task, not_before="soon")

    waits = [stage.worker().deliver(delivery(stage, task, receives=receives)) for receives in (1, 2, 3, 12)]

    assert waits == [timedelta(seconds=seconds) for seconds in (2, 4, 8, 900)]


@pytest.mark.parametrize("status", [SUCCESSFUL, FAILED])
def test_the_dead_letter_of_a_task_that_has_ended_is_acknowledged(stage, enqueued, status):
    task = enqueued()
    put(stage, task, status=status, hidden_at="x", due_at=to_micros(NOW), due_shard=-1)
    stored = dict(stage.store.records[task.id])

    assert bury(stage, task) == []
    assert stage.store.records[task.id] == stored


@pytest.mark.parametrize("status", [["SUCCESSFUL"], "ready", True])
def test_a_dead_letter_comes_again_where_nothing_says_whether_its_task_has_ended(stage, enqueued, status):
    odd, neighbour = enqueued(), enqueued(1)
    put(stage, odd, status=status)
    del stage.store.records[odd.id]["due_at"]

    assert bury(stage, odd, neighbour) == ["0"]
    assert stage.record(neighbour).status == FAILED


# The sweeper.


def test_a_record_is_kept_for_as_long_as_nobody_corrects_it(stage, enqueued):
    task, later = enqueued(), enqueued(1, run_after=NOW + 300 * DAY)
    for odd in (task, later):
        put(stage, odd, fence="many", due_at=to_micros(NOW))
    for _ in range(3):
        stage.now += 20 * DAY
        assert stage.sweep() == {"failed": 2}

    ends = [stage.store.records[odd.id]["ttl"] for odd in (task, later)]
    assert ends[0] == int((stage.now + UNREADABLE_AFTER + RECORD_LIFE).timestamp())
    assert ends[1] == initial_item(later)["ttl"]  # What lasts longer already isn't shortened.


@pytest.mark.parametrize(
    "odd",
    [
        {"fence": "many"},
        {"id": "x"},
        {"due_at": to_micros(NOW) + 0.5},
        {"ttl": "soon", "status": "ready"},
        {"status": "SUCCESSFUL", "result": 5},
    ],
)
def test_whatever_is_odd_it_is_looked_at_once_an_hour(stage, enqueued, odd):
    task = enqueued()
    assert shard_of(task.id) == 0
    put(stage, task, **odd)
    stage.store._due[stage.store.records[task.id]["due_shard"]][task.id] = None
    stage.now = NOW + 10 * MINUTE

    assert stage.sweep() == {"failed": 1}
    assert stage.sweep() == {}
    stored = stage.store.records[task.id]
    assert (stored["due_at"], stored["due_shard"]) == (to_micros(stage.now + HOUR), 0)


def test_the_key_of_a_record_may_be_no_id_of_a_task(stage, enqueued):
    odd = {**initial_item(enqueued()), "id": "x", "due_shard": 1}
    stage.store.records["x"] = odd
    stage.store._due[1]["x"] = None
    stage.now = NOW + 10 * MINUTE

    assert stage.sweep() == {"failed": 1}
    assert stage.sweep() == {}
    assert (odd | stage.store.records["x"])["due_shard"] == 1
    assert stage.transport.receive("default", 1) == []


def test_a_record_in_another_shard_is_sent_and_moves_to_its_own(stage, enqueued):
    task = enqueued()
    put(stage, task, due_shard=1)
    del stage.store._due[0][task.id]
    stage.store._due[1][task.id] = None
    stage.now = NOW + 10 * MINUTE

    assert stage.sweep() == {"sent": 1}
    assert stage.store.records[task.id]["due_shard"] == 0
