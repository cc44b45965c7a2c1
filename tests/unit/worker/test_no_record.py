"""A message that is acknowledged leaves a record that says how its task ended, even if there was none."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from django_offload.exceptions import PayloadLost
from django_offload.payloads import use
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.enqueued_task import Reference
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import FAILED, INLINE_RESULT_BYTES, READY, SUCCESSFUL
from django_offload.protocol.transitions import claim, unclaim
from django_offload.testing import Invocation, sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch
from django_offload.worker.deadline import LambdaInvocation
from django_offload.worker.delivery import DENIALS
from tests.contract.records import NOW
from tests.faults import FailingStore, WrappedStore

# A handler closes the connections that another test has opened.
pytestmark = pytest.mark.django_db

KEY, MINUTE, DAY = "payloads/x/arguments", timedelta(minutes=1), timedelta(days=1)


class Payloads(MemoryPayloads):
    """A bucket that says what a test wants of one key."""

    answer: PayloadLost | None = None

    def get(self, key: str) -> bytes | None:
        if self.answer is not None:
            raise self.answer
        return super().get(key)


@pytest.fixture
def payloads(stage):
    with use(stage.options.stack, Payloads()) as found:
        yield found


@pytest.fixture
def large(enqueued, payloads):
    """Return a task with its arguments in the bucket, and no record."""
    kept = payloads.keep(KEY, "[[4],{}]")
    return enqueued(reference=Reference(key=KEY, sha256=kept.sha256, size=kept.size))


def work(stage, enqueued, receives=1):
    """Have the worker's handler work on a message. Return the ids of those that come again."""
    delivery = Delivery(id="1", body=stage.message(enqueued), queue="default", handle="1", receives=receives)
    event = sqs_event([delivery], stage.options.queue("default"))
    answer = batch.handler(event, Invocation(stage.options.worker_function("default")), stage.clock)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def gone(payloads):
    payloads.delete(KEY)


def denied(payloads):
    payloads.answer = PayloadLost(KEY, "gone, or denied", retryable=True)


def changed(payloads):
    payloads.put(KEY, b"[[5],{}]")


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("lose", [gone, denied, changed])
def test_a_task_whose_arguments_are_lost_gets_a_record_that_says_so(stage, large, payloads, lose, direct):
    lose(payloads)

    if direct:
        delivery = Delivery(id="1", body=stage.message(large), queue="default", receives=DENIALS)
        assert stage.answer(stage.worker(direct=True), delivery) is None
    else:
        assert work(stage, large, DENIALS) == []

    record = stage.record(large)
    assert (record.status, record.error["class"]) == (FAILED, "django_offload.exceptions.PayloadLost")
    assert record.enqueued.reference == large.reference
    assert record.due_at == record.finished_at  # It is listed among the dead letters.


def test_a_task_whose_arguments_do_not_fit_gets_a_record_that_says_so(stage, enqueued):
    misfit = enqueued(args=(1, 2, 3))

    assert work(stage, misfit) == []

    record = stage.record(misfit)
    assert (record.status, record.error["class"]) == (FAILED, "django_offload.exceptions.BadArguments")


def test_if_the_record_cannot_be_made_the_message_comes_again(stage, large, payloads, monkeypatch):
    gone(payloads)
    failing = FailingStore(stage.store, before="create")
    monkeypatch.setattr("django_offload.worker.batch.store_of", lambda options: failing)

    assert work(stage, large) == ["1"]
    assert stage.store.records == {}
    assert work(stage, large) == []
    assert stage.record(large).status == FAILED


def test_a_dead_letter_of_a_task_without_a_record_gets_one(stage, enqueued, large, payloads):
    gone(payloads)
    unknown = enqueued(1, name="shop.tasks.gone")
    long = enqueued(2, args=("x" * 2 * INLINE_RESULT_BYTES,))
    for letter in (large, unknown, long):
        stage.bury(letter)

    errors = [stage.record(letter).error["class"].rpartition(".")[2] for letter in (large, unknown, long)]
    assert errors == ["DeadLettered", "UnknownTask", "DeadLettered"]
    assert stage.store.get_part(long.id, "arguments") == long.arguments


def test_what_expired_without_a_record_makes_none_and_is_logged(stage, large, enqueued, payloads, caplog):
    caplog.set_level(logging.INFO, "django_offload")
    gone(payloads)
    stage.now = NOW + 8 * DAY

    assert work(stage, large) == work(stage, enqueued(1)) == []
    stage.bury(enqueued(2))

    assert stage.store.records == {}
    assert f"Task id={large.id} name={large.name} has no record, which would tell how it ended" in caplog.text
    assert f"id={enqueued(1).id} name={large.name} message expired, no record: not run" in caplog.text
    assert (
        f"Task id={enqueued(2).id} name={large.name} has an expired dead letter and no record" in caplog.text
    )


def test_a_worker_that_stood_still_beyond_its_deadline_holds_nobody_up(stage, enqueued):
    task, left, leases = enqueued(), [300.0], []

    class StandingStill(WrappedStore):
        """Takes minutes to say that there is no record to claim."""

        def change(self, task_id, change):
            if change.name == "claim":
                leases.append(change.put["lease_until"])
                left[:] = [-858.0] if len(leases) == 1 else left
            return super().change(task_id, change)

    invocation = LambdaInvocation(left=lambda: left[0], whole=300.0, worker_id="w")
    worker = replace(stage.worker(), store=StandingStill(stage.store), invocation=invocation)
    delivery = Delivery(id="1", body=stage.message(task), queue="default")

    assert stage.answer(worker, delivery) == timedelta(0)
    assert [lease > to_micros(NOW) for lease in leases] == [True, False]
    assert (stage.record(task).status, stage.record(task).attempts) == (READY, 0)


def test_a_task_whose_claim_was_undone_goes_on_after_its_dead_letter(stage, enqueued):
    """Its claims made the record, and only its message would have brought it back."""
    task = enqueued()
    for number in range(2):
        stage.now = NOW + number * 10 * MINUTE
        lease = stage.now + 5 * MINUTE
        change = claim(
            task, token="a", worker_id="w", now=stage.now, lease_until=lease, max_attempts=3, swept=False
        )
        stage.store.change(task.id, change)
    stage.store.change(task.id, unclaim(fence=2, token="a", workers=["w"]))

    stage.bury(task)

    assert (stage.record(task).status, stage.record(task).due_at) == (READY, stage.now)
    assert stage.sweep() == {"sent": 1}
    (again,) = stage.transport.receive("default", 1)
    stage.answer(stage.worker(), again)
    assert stage.record(task).status == SUCCESSFUL
