"""Deliveries that meet a record which is not ready for them: nothing is lost, nothing ends too early."""

from datetime import timedelta

import pytest

from django_offload.definition.retry_policy import RetryPolicy
from django_offload.exceptions import Cancelled
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.record import READY
from django_offload.transports.sqs import SQSTransport
from tests.contract.records import NOW, claimed, create_record
from tests.faults import FailingStore, Unreachable

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize("direct", [False, True])
def test_a_web_clock_that_is_ahead_delays_no_task(stage, enqueued, direct):
    ahead = enqueued(enqueued_at=NOW + 200 * timedelta(milliseconds=1))
    create_record(stage.store, ahead)

    assert stage.deliver(ahead, direct=direct) is None
    assert stage.record(ahead).result == "8"


def test_run_after_is_kept_whatever_the_clock(stage, enqueued):
    later = enqueued(run_after=NOW + 10 * MINUTE)
    create_record(stage.store, later)

    assert stage.deliver(later) == 10 * MINUTE
    assert stage.record(later).status == READY


def test_an_invocation_that_cannot_work_leaves_a_record_for_the_sweeper(stage, enqueued):
    unknown = enqueued(name="shop.tasks.to_come")

    stage.deliver(unknown, direct=True)

    assert stage.record(unknown).status == READY


def test_an_invocation_that_can_leave_no_record_fails_so_that_lambda_tries_again(stage, enqueued):
    stage.store = FailingStore(stage.store, before="create")

    with pytest.raises(Unreachable):
        stage.deliver(enqueued(name="shop.tasks.to_come"), direct=True)


def test_a_lease_that_ends_while_its_claim_is_refused_ends_no_task_with_attempts_left(stage, enqueued):
    held = enqueued()
    create_record(stage.store, held)
    stage.store.change(held.id, claimed(held.id, NOW))
    stage.now, stage.tick = NOW + 5 * MINUTE - 30 * timedelta(milliseconds=1), 20 * timedelta(milliseconds=1)

    assert stage.deliver(held) == SECOND
    assert stage.record(held).attempts == 1
    assert not stage.record(held).ended


def test_a_start_that_passes_while_its_claim_is_refused_loses_no_message(stage, enqueued):
    soon = enqueued(run_after=NOW + 50 * timedelta(milliseconds=1))
    stage.tick = 20 * timedelta(milliseconds=1)

    assert stage.deliver(soon) == SECOND


def test_a_duplicate_of_what_waits_longer_than_a_message_can_is_acknowledged(stage, enqueued):
    waiting = enqueued()
    create_record(stage.store, waiting)
    put = {"not_before": 4_000_000_000_000_000}
    stage.store.change(
        waiting.id, ConditionalWrite(name="wait", conditions=((equals("status", READY),),), put=put)
    )

    assert stage.deliver(waiting) is None
    assert stage.record(waiting).status == READY


def test_sqs_hides_a_message_no_longer_than_it_says_it_does(stage):
    assert SQSTransport(stage.options).longest_return <= timedelta(hours=11)


def test_a_task_that_cancels_itself_is_not_tried_again(ours):
    policy = RetryPolicy(
        max_attempts=5, backoff=1.0, retry_on=frozenset({"builtins.Exception"}), no_retry_on=frozenset()
    )

    assert policy.retries(ValueError(), 1)
    assert not policy.retries(Cancelled(), 1)


def test_a_retry_in_the_far_future_keeps_its_record(stage, enqueued):
    patient = enqueued(name="tests.unit.tasks.in_a_month", args=())
    create_record(stage.store, patient)

    assert stage.deliver(patient) is None
    record = stage.store.get(patient.id)
    assert record["ttl"] > (NOW + 30 * DAY).timestamp()
