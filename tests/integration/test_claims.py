"""Fence, token and lease: of several workers with the same task, one has it."""

import json

import pytest

from django_offload.compat import TaskResultStatus
from django_offload.protocol.conditional_write import Refused
from django_offload.testing import Invocation
from django_offload.worker import batch
from tests.faults import FailingStore, RepeatingStore, store_with
from tests.integration import tasks
from tests.integration.setup import (
    MINUTE,
    SECOND,
    claim_by_another,
    enqueued_before,
    event_of,
    record_of,
    store,
    work_at,
)


def test_a_claim_left_by_a_dead_worker_is_taken_over(both):
    result = tasks.note.enqueue("a")
    enqueued_before(result.id, 10 * MINUTE)
    claim_by_another(result.id, ago=9 * MINUTE, lease=5 * MINUTE)

    both.run()

    result.refresh()
    assert tasks.RUNS == ["a"]
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)
    assert result.worker_ids[0] == "another-worker"
    assert result.started_at < result.last_attempted_at
    assert record_of(result.id).fence == 2


def test_a_claim_that_is_held_is_left_alone_and_its_message_waits_for_the_lease(aws, queues):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=0 * MINUTE, lease=5 * MINUTE)
    before = store().get(result.id)

    assert aws.run() == 1
    assert tasks.RUNS == []
    assert store().get(result.id) == before
    assert queues.counts() == (0, 1)


def test_the_message_that_waited_runs_the_task_after_the_lease(aws, queues):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=0 * MINUTE, lease=5 * MINUTE)
    event = event_of(queues.take())

    assert work_at(0 * MINUTE, event) == {
        "batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]
    }
    assert work_at(4 * MINUTE, event)["batchItemFailures"] != []
    assert tasks.RUNS == []

    assert work_at(5 * MINUTE + SECOND, event) == {"batchItemFailures": []}
    assert tasks.RUNS == ["a"]


def test_attempts_used_up_by_crashes_end_the_task(both):
    result = tasks.note.enqueue("a")
    enqueued_before(result.id, 60 * MINUTE)
    for ago in (50, 40, 30):
        claim_by_another(result.id, ago=ago * MINUTE, lease=5 * MINUTE)

    both.run()

    result.refresh()
    assert tasks.RUNS == []
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 3)
    assert (
        "WorkerLost: The worker died while it ran the task, on each of 3 attempts"
        in result.errors[0].traceback
    )


@pytest.mark.parametrize("name", ["claim", "succeed"])
def test_a_write_that_is_repeated_because_its_answer_was_lost_is_one_write(both, name):
    result = tasks.note.enqueue("a")

    with store_with(lambda inner: RepeatingStore(inner, name)):
        both.run()

    result.refresh()
    assert tasks.RUNS == ["a"]
    assert (result.status, result.attempts, result.return_value) == (TaskResultStatus.SUCCESSFUL, 1, "a")


def test_a_release_that_is_repeated_is_one_release(aws):
    result = tasks.retried.enqueue("a")
    aws.fail_next(OSError("once"))

    with store_with(lambda inner: RepeatingStore(inner, "release")):
        aws.run()

    result.refresh()
    assert tasks.RUNS == [("a", 2)]
    assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.SUCCESSFUL, 2, 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_claim_without_an_answer_runs_nothing_and_its_message_comes_again(aws, queues, when):
    tasks.note.enqueue("a")

    with store_with(lambda inner: FailingStore(inner, **{when: "claim"})):
        aws.run()

    assert tasks.RUNS == []
    assert queues.counts() == (0, 1)


def test_an_outcome_that_could_not_be_stored_is_stored_by_another_attempt(aws, queues):
    result = tasks.note.enqueue("a")
    event = event_of(queues.take())

    with store_with(lambda inner: FailingStore(inner, before="succeed")):
        work_at(0 * MINUTE, event)
    result.refresh()
    assert result.status == TaskResultStatus.RUNNING

    assert work_at(6 * MINUTE, event) == {"batchItemFailures": []}
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)
    assert tasks.RUNS == ["a", "a"]


def test_an_outcome_whose_answer_was_lost_is_acknowledged_when_it_comes_again(aws, queues):
    result = tasks.note.enqueue("a")
    event = event_of(queues.take())

    with store_with(lambda inner: FailingStore(inner, after="succeed")):
        assert work_at(0 * MINUTE, event)["batchItemFailures"] != []

    assert work_at(0 * MINUTE, event) == {"batchItemFailures": []}
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 1)


def test_a_message_expires_and_creates_no_record_after_that(aws, queues):
    result = tasks.note.enqueue("a")
    event = event_of(queues.take())
    expires_at = json.loads(event["Records"][0]["body"])["expires_at"]
    delete_record(aws, result.id)

    assert work_at(7 * 24 * 60 * MINUTE + MINUTE, event) == {"batchItemFailures": []}

    assert tasks.RUNS == []
    assert store().get(result.id) is None
    assert expires_at > 0


class NearlyOver(Invocation):
    """An invocation of five minutes that has ten seconds left once it has begun to work."""

    asked = 0

    def get_remaining_time_in_millis(self):
        type(self).asked += 1
        return 300_000 if type(self).asked <= 1 else 10_000


def test_a_worker_without_time_gives_its_message_back_unclaimed(aws, queues, monkeypatch):
    monkeypatch.setattr(NearlyOver, "asked", 0)
    result = tasks.note.enqueue("a")
    event = event_of(queues.take())

    answer = batch.handler(event, NearlyOver("contract-default-worker"))

    assert answer["batchItemFailures"] != []
    assert tasks.RUNS == []
    assert record_of(result.id).fence == 0
    assert aws.run() == 1
    assert tasks.RUNS == ["a"]


def test_the_lease_outlives_the_invocation(aws):
    leases = []
    tasks.HOOKS.append(lambda task_id: leases.append(record_of(task_id)))
    tasks.hooked.enqueue("a")

    aws.run()

    lease = leases[0].lease_until - leases[0].attempted_at
    assert 300 * SECOND < lease <= 306 * SECOND


def test_of_racing_claims_one_wins(aws):
    from concurrent.futures import ThreadPoolExecutor

    result = tasks.note.enqueue("a")

    def race(number):
        try:
            claim_by_another(result.id, ago=0 * MINUTE, lease=5 * MINUTE)
        except Refused:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(16))) == 1
    assert record_of(result.id).fence == 1


def delete_record(aws, task_id):
    aws.client("dynamodb").delete_item(
        TableName="contract-tasks", Key={"id": {"S": task_id}, "part": {"S": "record"}}
    )
