"""Tests of pytest that ask for nothing, and one that asks for the fixture after it has enqueued."""

import os

import pytest
from moto import mock_aws
from orders.tasks import fetch

from django_offload.compat import TaskResultDoesNotExist

EARLIER = []


@pytest.fixture
def enqueued():
    return fetch.enqueue(1)


def look(result):
    for task_id in EARLIER:
        with pytest.raises(TaskResultDoesNotExist):
            fetch.get_result(task_id)
    EARLIER.append(result.id)
    assert fetch.get_result(result.id).status == "READY"


@pytest.mark.parametrize("number", range(3))
def test_without_a_database(enqueued, number):
    look(enqueued)


@pytest.mark.django_db(transaction=True)
def test_with_a_database(enqueued):
    look(enqueued)


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(2))
def test_through_a_view(client, number, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/orders/7/receipt/")

    assert client.get(answer["Location"]).json()["status"] == "READY"


def test_the_fixture_runs_what_was_enqueued_before_it(enqueued, offload):
    assert offload.run() == 1

    enqueued.refresh()
    assert enqueued.return_value == "order 1"


@mock_aws
def test_mock_aws_does_not_answer_for_another_endpoint(enqueued):
    if os.environ.get("AWS_ENDPOINT_URL"):
        look(fetch.enqueue(1))
