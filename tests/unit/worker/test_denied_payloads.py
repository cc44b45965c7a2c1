"""Arguments that S3 denies: perhaps they are gone, perhaps a policy has slipped and is mended in a minute."""

from datetime import timedelta

import pytest

from django_offload.exceptions import PayloadLost
from django_offload.operations.unverified_bodies import act_on_body, unverified_body
from django_offload.payloads import use
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.enqueued_task import Reference
from django_offload.protocol.record import READY, SUCCESSFUL
from django_offload.transports import Delivery
from django_offload.worker.delivery import DENIALS
from tests.contract.records import create_record

KEY = "payloads/x/arguments"


class DenyingPayloads(MemoryPayloads):
    """Keeps texts, and denies them as long as it is told to."""

    denies = True

    def get(self, key: str) -> bytes | None:
        if self.denies:
            raise PayloadLost(key, "gone, or denied", retryable=True)
        return super().get(key)


@pytest.fixture
def payloads(stage):
    with use(stage.options.stack, DenyingPayloads()) as denying:
        yield denying


@pytest.fixture
def large(stage, enqueued, payloads):
    kept = payloads.keep(KEY, "[[4],{}]")
    one = enqueued(reference=Reference(key=KEY, sha256=kept.sha256, size=kept.size))
    create_record(stage.store, one)
    return one


def deliver(stage, enqueued, receives):
    body = stage.message(enqueued)
    return stage.answer(stage.worker(), Delivery(id="1", body=body, queue="default", receives=receives))


def test_what_s3_denies_is_given_back_a_few_times_and_then_gone(stage, large):
    waits = [deliver(stage, large, receives) for receives in range(1, DENIALS)]

    assert waits == [timedelta(seconds=2**receives) for receives in range(1, DENIALS)]
    assert stage.record(large).status == READY

    assert deliver(stage, large, DENIALS) is None
    assert stage.record(large).error["class"] == "django_offload.exceptions.PayloadLost"


def test_a_task_whose_policy_was_mended_runs(stage, large, payloads):
    deliver(stage, large, 1)
    payloads.denies = False

    assert deliver(stage, large, 2) is None
    assert stage.record(large).status == SUCCESSFUL


def test_what_is_gone_ends_its_task_at_once(stage, large, payloads):
    payloads.denies = False
    payloads.delete(KEY)

    assert deliver(stage, large, 1) is None
    assert stage.record(large).error["class"] == "django_offload.exceptions.PayloadLost"


def test_of_a_body_that_is_denied_nobody_knows(payloads):
    payloads.put("dead/default/1", b"x")

    assert unverified_body("dead/default/1") is None
    assert act_on_body("discard", "dead/default/1").text.startswith("There is no message with this key")
