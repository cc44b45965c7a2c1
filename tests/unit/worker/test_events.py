"""What Lambda hands to a handler: a batch of one of our queues, one signed message, and nothing else."""

import pytest

from django_offload.exceptions import UnknownEvent
from django_offload.testing import Invocation
from django_offload.worker import batch, dead_letter
from django_offload.worker.events import invocation_of, mask_of_body
from tests.contract.records import NOW

pytestmark = pytest.mark.usefixtures("ours")
WORKER = Invocation("contract-default-worker")


def record(**changes):
    return {
        "messageId": "m1",
        "receiptHandle": "h1",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:contract-default",
        **changes,
    }


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        5,
        {},
        {"Records": None},
        {"Records": []},
        {"Records": [None]},
        {"Records": ["text"]},
        {"Records": [{}]},
        {"Records": [record(eventSource="aws:sns")]},
        {"Records": [record(eventSourceARN="arn:aws:sqs:eu-west-1:123456789012:other-default")]},
        {"Records": [record(eventSourceARN="arn:aws:sqs:eu-west-1:123456789012:contract-default-dead")]},
        {"Records": [record(eventSourceARN=None)]},
        {"Records": [record(attributes={})]},
        {"Records": [record(attributes={"ApproximateReceiveCount": "many"})]},
        {"Records": [record(), record(eventSourceARN="arn:aws:sqs:eu-west-1:1:nobodys")]},
        {"command": "migrate"},
        {"raw_command": "import os"},
    ],
    ids=lambda event: str(event)[:40],
)
def test_any_other_event_is_refused(event):
    with pytest.raises(
        UnknownEvent, match=r"^The worker handler accepts .* Check what invokes this function\.$"
    ):
        batch.handler(event, WORKER)


@pytest.mark.parametrize("event", [{}, {"Records": [record()]}, {"sig": "x"}])
def test_the_dead_letter_handler_takes_dead_letters_alone(event):
    with pytest.raises(UnknownEvent, match=r"accepts only a batch of one of its dead-letter queues\. Check"):
        dead_letter.handler(event, WORKER)


def test_a_message_for_another_function_is_refused():
    with pytest.raises(UnknownEvent):
        batch.handler({"sig": "x"}, Invocation("nobodys-worker"))


def test_a_worker_is_named_by_its_log_stream():
    context = Invocation(
        "f",
        seconds=10,
        log_stream_name="2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef",
        clock=lambda: NOW,
    )

    invocation = invocation_of(context)

    assert invocation.worker_id == "0123456789abcdef"
    assert (invocation.whole, invocation.left()) == (10, 10)


def test_without_a_log_stream_a_worker_is_named_by_its_process():
    assert invocation_of(Invocation("f", log_stream_name="")).worker_id.startswith("pid-")


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ({"name": "tests.unit.tasks.quotes", "args": ["hunter2hunter2"], "kwargs": {}}, True),
        ({"name": "tests.unit.tasks.quotes", "ref": {"key": "payloads/1/arguments"}}, False),
        ({"name": "tests.unit.tasks.double", "args": [1], "kwargs": {}}, None),
        ("{", None),
    ],
)
def test_the_mask_of_a_body_is_incomplete_if_its_arguments_are_elsewhere(body, complete):
    mask = mask_of_body(body)

    assert (None if mask is None else mask.complete) is complete
