"""An enqueue while SQS does not answer, and the queue's URL is unknown: the record keeps the task."""

import threading
from datetime import UTC, datetime

import pytest

from django_offload.aws import clients
from django_offload.conf import CLIENTS, Options
from django_offload.sending import enqueue
from django_offload.sending.enqueue import send, send_many
from tests.contract.records import enqueued_task
from tests.unit.aws.server import Scripted, says


@pytest.fixture
def sqs():
    """Return a server that accepts requests and answers none."""
    silence = threading.Event()
    server = Scripted(*[lambda connection: silence.wait(30) and says()(connection)] * 20)
    yield server
    silence.set()
    server.close()


@pytest.fixture
def dynamodb():
    server = Scripted()
    yield server
    server.close()


@pytest.fixture(params=CLIENTS)
def options(request, sqs, dynamodb, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url)
    monkeypatch.setattr(enqueue, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(enqueue, "BEGIN_SECONDS", 1.0)
    monkeypatch.setattr(enqueue, "SEND_SECONDS", 4.0)
    clients.reset_clients()
    params = {
        "BACKEND": "django_offload.backends.SQSBackend",
        "QUEUES": ["default"],
        "OPTIONS": {"stack": "silent-dev", "client": request.param, "in_tests": "send"},
    }
    return Options.parse("default", params)


def enqueued_now(number: int):
    return enqueued_task(f"{number:032x}", enqueued_at=datetime.now(UTC))


def test_one_task_is_recorded(options, dynamodb):
    send(enqueued_now(1), options)

    assert b"PutItem" in dynamodb.requests[0]


def test_many_tasks_are_recorded(options, dynamodb):
    assert send_many([enqueued_now(1), enqueued_now(2)], options) == [None, None]

    # Each record, and then an update so that the sweeper looks at it soon.
    assert [b"PutItem" in request for request in dynamodb.requests] == [True, True, False, False]
