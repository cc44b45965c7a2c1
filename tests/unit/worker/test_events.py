"""What Lambda hands to a handler: a batch of one of our queues, one signed message, and nothing else."""

import sys
from unittest import mock

import pytest

from django_offload.exceptions import UnknownEvent
from django_offload.testing import Invocation
from django_offload.worker import batch, dead_letter, events
from django_offload.worker.events import invocation_of, mask_of_body, seconds_left
from tests.contract.records import NOW

pytestmark = pytest.mark.usefixtures("ours")
WORKER = Invocation("contract-default-worker")
BURIER = Invocation("contract-dead-letter")
OWN = "arn:aws:sqs:us-east-1:123456789012:contract-default"


def record(**changes):
    return {
        "messageId": "m1",
        "receiptHandle": "h1",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": OWN,
        **changes,
    }


NO_BATCHES = [
    None,
    [],
    "text",
    5,
    True,
    float("nan"),
    {},
    {"records": [record()]},
    {"Records": None},
    {"Records": []},
    {"Records": {}},
    {"Records": (record(),)},
    {"Records": [None]},
    {"Records": ["text"]},
    {"Records": [[]]},
    {"Records": [{}]},
    {"command": "migrate"},
    {"raw_command": "import os"},
    {"do": "migrate"},
]
OTHERS = [
    "arn:aws:sqs:::contract-default",
    "arn:aws:sqs:us-east-1:123456789013:contract-default",
    "arn:aws:sqs:us-east-1:12345678901:contract-default",
    "arn:aws:sqs:us-east-2:123456789012:contract-default",
    "arn:aws-cn:sqs:us-east-1:123456789012:contract-default",
    "arn:aws-us-gov:sqs:us-east-1:123456789012:contract-default",
    "arn:aws:sns:us-east-1:123456789012:contract-default",
    "arn:aws:SQS:us-east-1:123456789012:contract-default",
    "ARN:aws:sqs:us-east-1:123456789012:contract-default",
    "arn:aws:sqs:us-east-1:123456789012:Contract-Default",
    "arn:aws:sqs:us-east-1:123456789012:contract-default ",
    "arn:aws:sqs:us-east-1:123456789012:contract-default\n",
    "arn:aws:sqs:us-east-1:123456789012:contract-default:1",
    "arn:aws:sqs:us-east-1:123456789012:contract-default.fifo",
    "arn:aws:sqs:us-east-1:123456789012:contract-default-dead",
    "arn:aws:sqs:us-east-1:123456789012:contract-reports",
    "arn:aws:sqs:us-east-1:123456789012:other-default",
    "arn:aws:sqs:us-east-1:123456789012:nobodys:contract-default",
    "arn:aws:sqs:us-east-1:123456789012:",
    "contract-default",
    "",
    None,
    5,
    [OWN],
    {"arn": OWN},
]
COUNTS = [
    "many", "", " 1", "1 ", "-1", "+1", "1e9", "1.0", "1_000", "٣", "²", "0x1", "inf", "nan", "9" * 10,
    "9" * 5_000, 1, 0, True, None, 1.5, 10**30, float("nan"), float("inf"), [], ["1"], {}, "\ud800",
]  # fmt: skip
# What differs in a record from one of the function's own queue.
ODD = [
    *[{"eventSourceARN": arn} for arn in OTHERS],
    *[{"attributes": {"ApproximateReceiveCount": count}} for count in COUNTS],
    *[{"eventSource": source} for source in ("aws:sns", "AWS:SQS", "aws:s3", "", None, 1)],
    *[{name: value} for name in ("messageId", "body", "receiptHandle") for value in (None, 1, [], {})],
    *[{"attributes": value} for value in (None, {}, [], "1", {"approximateReceiveCount": "1"})],
]


@pytest.fixture
def untouched(ours, monkeypatch):
    """Fail the test if a store or transport is asked for, or if a module is imported."""

    def refuse(*arguments):
        raise AssertionError("an event that was refused had an effect")

    for module in (batch, dead_letter):
        monkeypatch.setattr(module, "store_of", refuse)
    monkeypatch.setattr(batch, "transport_of", refuse)
    monkeypatch.setattr(dead_letter, "payloads_of", refuse)
    modules = set(sys.modules)
    yield
    assert set(sys.modules) == modules


@pytest.mark.parametrize("handler", ["worker", "dead-letter"])
def test_any_other_event_is_refused_and_has_no_effect(untouched, handler):
    module, context = (batch, WORKER) if handler == "worker" else (dead_letter, BURIER)
    own = record(eventSourceARN=OWN if handler == "worker" else f"{OWN}-dead")
    odd_records = [{**own, **odd} for odd in ODD if odd.get("eventSourceARN") != own["eventSourceARN"]]
    events = [
        *NO_BATCHES,
        *[{"Records": [odd]} for odd in odd_records],
        {"Records": [own, {**own, "body": 1}]},
    ]
    words = (
        rf"^The {handler} handler accepts only a batch of one of its .*\. Check what invokes this function\.$"
    )

    assert len(events) > 80
    for event in events:
        with pytest.raises(UnknownEvent, match=words):
            module.handler(event, context)


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_a_queue_is_a_functions_own_by_its_whole_arn(partition, region):
    function = f"arn:{partition}:lambda:{region}:210987654321:function:contract-default-worker"
    own = record(eventSourceARN=f"arn:{partition}:sqs:{region}:210987654321:contract-default")

    for arn in (function, f"{function}:live", f"{function}:7"):
        (routed,) = events.batch(
            {"Records": [own]}, Invocation("contract-default-worker", invoked_function_arn=arn), "worker"
        )
        assert (routed.delivery.queue, routed.delivery.receives) == ("default", 1)
    with pytest.raises(UnknownEvent):
        events.batch({"Records": [own]}, WORKER, "worker")


@pytest.mark.parametrize(
    "arn",
    [
        None,
        5,
        "arn",
        "contract-default-worker",
        "arn:aws:lambda:us-east-1:123456789012:function:another",
        "arn:aws:sqs:us-east-1:123456789012:function:contract-default-worker",
        "arn:aws:lambda:us-east-1:123456789012:layer:contract-default-worker",
    ],
)
def test_a_function_that_lambda_names_in_no_way_accepts_nothing(untouched, arn):
    context = Invocation("contract-default-worker")
    context.invoked_function_arn = arn

    for event in ({"Records": [record()]}, {"sig": "x"}):
        with pytest.raises(UnknownEvent):
            batch.handler(event, context)


def test_a_worker_accepts_no_batch_of_another_workers_queue(untouched):
    with pytest.raises(UnknownEvent):
        batch.handler({"Records": [record()]}, Invocation("contract-reports-worker"))
    with pytest.raises(UnknownEvent):
        dead_letter.handler({"Records": [record(eventSourceARN=f"{OWN}-dead")]}, WORKER)


@pytest.mark.parametrize("event", [{}, {"Records": [record()]}, {"sig": "x"}])
def test_the_dead_letter_handler_takes_dead_letters_alone(event):
    with pytest.raises(UnknownEvent, match=r"accepts only a batch of one of its dead-letter queues\. Check"):
        dead_letter.handler(event, BURIER)


def test_a_message_for_another_function_is_refused(untouched):
    with pytest.raises(UnknownEvent):
        batch.handler({"sig": "x"}, Invocation("nobodys-worker"))


@pytest.mark.parametrize(
    ("millis", "seconds"),
    [
        (1_500, 1.5),
        (0, 0),
        (10**400, 86_400),
        (float("inf"), 86_400),
        (float("nan"), 0),
        (None, 0),
        ("5000", 0),
    ],
)
def test_a_time_that_makes_no_sense_is_no_time_or_a_day(millis, seconds):
    context = mock.Mock(get_remaining_time_in_millis=lambda: millis, log_stream_name="")
    invocation = invocation_of(context)

    assert (invocation.whole, invocation.left(), seconds_left(context)) == (seconds, seconds, seconds)


@pytest.mark.parametrize(("millis", "seconds"), [(-5, -0.005), (-(10**400), -86_400)])
def test_after_its_deadline_an_invocation_has_less_than_no_time_left(millis, seconds):
    context = mock.Mock(get_remaining_time_in_millis=lambda: millis, log_stream_name="")
    invocation = invocation_of(context)

    assert (invocation.whole, invocation.left(), seconds_left(context)) == (0, seconds, seconds)


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
