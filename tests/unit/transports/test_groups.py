"""The group of a message in a request: only if the task has a tenant; without, every byte is as before."""

import json
from datetime import timedelta

import pytest

from django_offload.aws.lean import SERVICES
from django_offload.conf import CLIENTS, configured
from django_offload.exceptions import LeftOut
from django_offload.transports import sqs
from django_offload.transports.sqs import SQSTransport
from tests.contract.setup import STACK, tasks_setting
from tests.unit.aws.botocores import answered, botocores

URL = f"https://sqs.eu-west-1.amazonaws.com/1/{STACK}-default"
NOW, SOON = timedelta(0), timedelta(seconds=5)
GROUP = "0123456789abcdef" * 2


class Calls(list):
    """Takes the calls of SQS. The first batch loses its second entry."""

    def under_way(self, client, operation, **arguments):
        self.append((operation, arguments))
        first = [call for call, _ in self].count("send_message_batch") == 1
        failed = {"Id": "1", "SenderFault": False, "Code": "InternalError", "Message": "Again."}
        return lambda: {"Failed": [failed]} if first and operation == "send_message_batch" else {}

    def send(self, transport, *message):
        """Do what send() does, without what it reads of the client."""
        transport.begin_send(*message)


@pytest.fixture
def calls(settings, monkeypatch):
    setting = tasks_setting(modules=[], queue_urls={"default": URL})["default"]
    settings.TASKS = {"default": setting}
    calls = Calls()
    monkeypatch.setattr(sqs, "under_way", calls.under_way)
    monkeypatch.setattr(sqs, "client", lambda service, kind: None)
    monkeypatch.setattr("django_offload.aws.concurrent.time.sleep", lambda seconds: None)
    return calls


@pytest.fixture
def transport(calls):
    return SQSTransport(configured()["default"])


def body(client, operation, arguments):
    """Return the bytes that a client sends for a call."""
    if client == "boto3":
        request, _ = answered(botocores("sqs"), operation, arguments)
        return request.body
    return SERVICES["sqs"]().request(operation, arguments).body


def text(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_tenant_a_request_has_the_bytes_that_it_always_had(transport, calls, client):
    calls.send(transport, "default", "a", SOON)
    transport.begin_send_many("default", ["a"], [NOW], [None])()
    transport.begin_send_many("default", ["a", "b"], [NOW, SOON])()
    transport.begin_send_many("default", ["a", "b"], [NOW, SOON], [None, None])()

    entries = [
        {"Id": "0", "MessageBody": "a", "DelaySeconds": 0},
        {"Id": "1", "MessageBody": "b", "DelaySeconds": 5},
    ]
    assert [body(client, *call) for call in calls] == [
        text(QueueUrl=URL, MessageBody="a", DelaySeconds=5),
        text(QueueUrl=URL, MessageBody="a", DelaySeconds=0),
        text(QueueUrl=URL, Entries=entries),
        text(QueueUrl=URL, Entries=entries[1:]),
        text(QueueUrl=URL, Entries=entries),
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_group_is_in_each_request_and_each_entry(transport, calls, client):
    calls.send(transport, "default", "a", NOW, GROUP)
    transport.begin_send_many("default", ["a"], [NOW], [GROUP])()
    failures = transport.begin_send_many("default", ["a", "b"], [NOW, NOW], [None, GROUP])()

    assert failures == [None, None]
    plain = {"Id": "0", "MessageBody": "a", "DelaySeconds": 0}
    grouped = {"Id": "1", "MessageBody": "b", "DelaySeconds": 0, "MessageGroupId": GROUP}
    alone = text(QueueUrl=URL, MessageBody="a", DelaySeconds=0, MessageGroupId=GROUP)
    assert [body(client, *call) for call in calls] == [
        alone,
        alone,
        text(QueueUrl=URL, Entries=[plain, grouped]),
        # SQS left it out, so it is sent once more.
        text(QueueUrl=URL, Entries=[grouped]),
    ]


def test_an_entry_that_stays_left_out_fails(transport, calls, monkeypatch):
    monkeypatch.setattr("django_offload.transports.batches.pause_before_retry", lambda retries: False)

    failures = transport.begin_send_many("default", ["a", "b"], [NOW, NOW], [GROUP, GROUP])()

    assert failures[0] is None
    assert isinstance(failures[1], LeftOut)
