"""Moto's mock_aws before, between and inside tests with `offload_aws`, in the order of this file."""

import boto3
import pytest
from django.test import SimpleTestCase
from moto import mock_aws
from orders.tasks import fetch

from django_offload.aws import LEAN, client, reset_clients
from django_offload.aws.lean import Client


@pytest.fixture(autouse=True)
def _region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def runs(offload_aws):
    result = fetch.enqueue(1)

    assert offload_aws.run() == 1

    result.refresh()
    return result.return_value == "order 1"


def test_1_before(offload_aws):
    assert runs(offload_aws)


def create_the_stack():
    """Create what an enqueue() needs, as a test of somebody who knows moto does."""
    url = boto3.client("sqs").create_queue(QueueName="shop-test-default")["QueueUrl"]
    keys = ("id", "part")
    boto3.client("dynamodb").create_table(
        TableName="shop-test-tasks",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return url


@mock_aws
def send_one():
    url = create_the_stack()

    result = fetch.enqueue(1)

    (message,) = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert result.id in message["Body"]
    assert fetch.get_result(result.id).status == "READY"


@pytest.mark.parametrize("number", range(2))
def test_2_inside_mock_aws_a_task_is_sent_to_moto(number):
    reset_clients()
    assert isinstance(client("sqs", LEAN), Client)  # Made before, so moto doesn't know of it.

    send_one()


def test_3_after_it(offload_aws):
    assert runs(offload_aws)


@mock_aws
class Test4AClassOfMocks(SimpleTestCase):
    def test_store(self):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="photos")


def test_5_after_the_class(offload_aws):
    assert runs(offload_aws)


@mock_aws
def test_6_inside_it(offload_aws):
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="photos")
    assert runs(offload_aws)
    names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
    assert "photos" in names


@pytest.fixture
def mocked():
    with mock_aws():
        yield


def test_7_around_it(mocked, offload_aws):
    assert runs(offload_aws)


def test_8_a_task_that_is_enqueued_after_all_of_them_is_kept(offload):
    result = fetch.enqueue(1)

    assert offload.run() == 1
    assert fetch.get_result(result.id).return_value == "order 1"
