"""Every transport delivers messages, redelivers returned ones, and finally makes dead letters."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from django_offload.conf import CLIENTS, configured
from django_offload.exceptions import ResourceMissing
from django_offload.transports import Delivery
from django_offload.transports.lambda_invoke import LambdaTransport
from django_offload.transports.memory import MemoryTransport
from django_offload.transports.sqs import SQSTransport
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting

SECOND = timedelta(seconds=1)
NOW = timedelta(0)


class MemoryQueue:
    """The memory transport, with a clock that the tests set."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.transport = MemoryTransport(lambda: self.now, max_receives=13)

    def receive(self, queue="default"):
        return self.transport.receive(queue)

    def delete(self, delivery):
        self.transport.delete(delivery)

    def dead(self, queue="default"):
        return [letter["body"] for letter in self.transport.take_dead(queue)]

    def hidden(self, queue="default"):
        """Return how long it is until the next message can be received."""
        return self.transport.next_visible_at() - self.now

    def in_time(self, deadline):
        self.now += deadline


class SQSQueue:
    """SQS as moto serves it, in real time."""

    limits: ClassVar = {"AttributeNames": ["All"]}

    def __init__(self, aws):
        self.sqs = aws.client("sqs")
        self.transport = SQSTransport(configured()["default"])

    def url(self, queue):
        return self.sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]

    def receive(self, queue="default"):
        result = self.sqs.receive_message(
            QueueUrl=self.url(queue),
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Delivery(
                id=message["MessageId"],
                body=message["Body"],
                queue=queue,
                handle=message["ReceiptHandle"],
                receives=int(message["Attributes"]["ApproximateReceiveCount"]),
            )
            for message in result.get("Messages", [])
        ]

    def delete(self, delivery):
        self.sqs.delete_message(QueueUrl=self.url(delivery.queue), ReceiptHandle=delivery.handle)

    def dead(self, queue="default"):
        return [delivery.body for delivery in self.receive(f"{queue}-dead")]

    def in_time(self, deadline):
        """Wait until a message becomes visible, because moto uses the real clock."""
        ends = datetime.now(UTC) + deadline
        while datetime.now(UTC) < ends:
            continue


@pytest.fixture(params=["memory", *CLIENTS])
def queue(request, settings):
    if request.param == "memory":
        return MemoryQueue()
    settings.TASKS = tasks_setting(modules=TASK_MODULES, client=request.param)
    return SQSQueue(request.getfixturevalue("offload_aws"))


def bodies(deliveries):
    return sorted(delivery.body for delivery in deliveries)


def test_a_message_is_received_only_from_its_own_queue(queue):
    queue.transport.prepare("default")
    queue.transport.send("default", "a", NOW)
    queue.transport.send("reports", "b", NOW)

    (first,), (second,) = queue.receive("default"), queue.receive("reports")

    assert (first.body, first.queue, first.receives) == ("a", "default", 1)
    assert (second.body, second.queue) == ("b", "reports")
    assert first.id != second.id


def test_the_text_is_not_changed(queue):
    text = '{"a":"\\u0000\\ud800<&>\\"","b":[1.0,-0.0]}'

    queue.transport.send("default", text, NOW)

    assert queue.receive()[0].body == text


def test_a_received_message_is_hidden(queue):
    queue.transport.send("default", "a", NOW)
    (delivery,) = queue.receive()

    assert queue.receive() == []

    queue.delete(delivery)
    assert queue.receive() == []


def test_at_most_ten_messages_are_received_at_a_time(queue):
    for number in range(12):
        queue.transport.send("default", str(number), NOW)

    first, second = queue.receive(), queue.receive()

    assert (len(first), len(second)) == (10, 2)
    assert bodies([*first, *second]) == sorted(str(number) for number in range(12))


def test_a_returned_message_is_received_again_with_its_number_of_receipts(queue):
    queue.transport.send("default", "a", NOW)

    for expected in range(1, 5):
        (delivery,) = queue.receive()
        assert delivery.receives == expected
        queue.transport.give_back(delivery, NOW)


def test_a_message_returned_with_a_delay_is_hidden_that_long(queue):
    queue.transport.send("default", "a", NOW)
    (delivery,) = queue.receive()

    queue.transport.give_back(delivery, SECOND)

    assert queue.receive() == []
    queue.in_time(SECOND + SECOND / 10)
    assert bodies(queue.receive()) == ["a"]


def test_a_delayed_message_is_not_received_yet(queue):
    queue.transport.send("default", "a", SECOND)

    assert queue.receive() == []
    queue.in_time(SECOND + SECOND / 10)
    assert bodies(queue.receive()) == ["a"]


def test_a_message_received_too_often_becomes_a_dead_letter(queue):
    queue.transport.send("default", "a", NOW)
    receipts = 0
    while deliveries := queue.receive():
        receipts += 1
        queue.transport.give_back(deliveries[0], NOW)
        assert receipts < 20

    assert receipts == 13
    assert queue.dead() == ["a"]
    assert queue.receive() == []


def test_a_deleted_message_does_not_become_a_dead_letter(queue):
    queue.transport.send("default", "a", NOW)
    for _ in range(12):
        (delivery,) = queue.receive()
        queue.transport.give_back(delivery, NOW)
    (delivery,) = queue.receive()
    queue.delete(delivery)

    assert queue.receive() == []
    assert queue.dead() == []


def test_depth_counts_waiting_and_received_messages(queue):
    queue.transport.prepare("default")
    assert queue.transport.depth("default") == 0

    for _ in range(3):
        queue.transport.send("default", "a", NOW)
    assert queue.transport.depth("default") == 3

    taken = queue.receive()
    assert queue.transport.depth("default") == 3

    queue.delete(taken[0])
    assert queue.transport.depth("default") == 2


def test_depth_does_not_count_delayed_messages(queue):
    queue.transport.send("default", "a", timedelta(minutes=10))

    assert queue.transport.depth("default") == 0


def test_capabilities_are_those_of_sqs(queue):
    assert queue.transport.longest_delay == timedelta(minutes=15)
    assert queue.transport.longest_return == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(0.0, 0), (0.001, 1), (1.5, 2), (899.5, 900), (900, 900), (10_000, 900), (-5, 0)],
)
def test_sqs_delays_whole_seconds_rounded_up(monkeypatch, settings, delay, seconds):
    from django_offload.transports import sqs

    sent = []

    class Client:
        class exceptions:
            QueueDoesNotExist = KeyError

        def send_message(self, **kwargs):
            sent.append(kwargs["DelaySeconds"])

    settings.TASKS = tasks_setting(modules=[], queue_urls={"default": "https://q/1/contract-default"})
    monkeypatch.setattr(sqs, "client", lambda service, kind: Client())

    SQSTransport(configured()["default"]).send("default", "a", timedelta(seconds=delay))

    assert sent == [seconds]


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("queue", CLIENTS, indirect=True)
def test_the_error_names_the_missing_resource(settings):
    client = configured()["default"].client
    settings.TASKS = tasks_setting(modules=[], stack="nowhere", client=client)
    options = configured()["default"]

    for call in (
        lambda: SQSTransport(options).prepare("default"),
        lambda: SQSTransport(options).send("default", "a", NOW),
    ):
        with pytest.raises(ResourceMissing, match="The queue 'nowhere-default' does not exist"):
            call()
    with pytest.raises(ResourceMissing, match="The function 'nowhere-default-worker' does not exist"):
        LambdaTransport(options).send("default", "{}", NOW)


@pytest.mark.parametrize("queue", CLIENTS, indirect=True)
def test_the_url_of_a_removed_queue_is_looked_up_again(queue):
    queue.transport.send("default", "a", NOW)
    attributes = queue.sqs.get_queue_attributes(
        QueueUrl=queue.url("default"), AttributeNames=["RedrivePolicy"]
    )
    queue.sqs.delete_queue(QueueUrl=queue.url("default"))
    try:
        with pytest.raises(ResourceMissing):
            queue.transport.send("default", "b", NOW)
    finally:
        created = queue.sqs.create_queue(QueueName=f"{STACK}-default", Attributes=attributes["Attributes"])

    queue.transport.send("default", "c", NOW)

    assert bodies(queue.receive()) == ["c"]
    queue.sqs.purge_queue(QueueUrl=created["QueueUrl"])


def test_lambda_neither_returns_nor_delays_messages(settings):
    settings.TASKS = tasks_setting(modules=[])
    transport = LambdaTransport(configured()["default"])

    assert (transport.longest_delay, transport.longest_return) == (NOW, NOW)
    assert transport.depth("default") == 0
    assert transport.prepare("default") is None
    assert transport.give_back(Delivery(id="x", body={}, queue="default"), SECOND) is None
