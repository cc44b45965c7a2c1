"""Inside throttled_once(), a throttled call isn't tried again; every other failure still is."""

import boto3
import pytest
from botocore.config import Config

from django_offload.aws import failures, is_throttled, throttled_once
from django_offload.aws.time_budget import apply_to_boto3
from tests.unit.aws.server import says, serving

GET = {"TableName": "shop-tasks", "Key": {"id": {"S": "x"}}}
CODES = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
BROKEN = says(b'{"__type": "x#InternalServerError"}', "500 Internal Server Error")


def throttled(code):
    return says(b'{"__type": "x#%s", "message": "No."}' % code.encode(), "400 Bad Request")


def boto3_client(url):
    client = boto3.session.Session().client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="x",
        config=Config(retries={"mode": "standard", "total_max_attempts": 4}),
    )
    apply_to_boto3(client, 10.0)
    return client


@pytest.fixture(params=["lean", "boto3"])
def served(request, monkeypatch):
    """Return a function that serves a script to a client, which waits for nothing between its tries."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    opened = []

    def serve(*script):
        server = serving(*script)
        opened.append(server)
        scripted, client = server.__enter__()
        return scripted, client if request.param == "lean" else boto3_client(scripted.url)

    yield serve
    for server in opened:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("code", CODES)
def test_a_throttled_call_is_not_tried_again(served, code):
    server, client = served(throttled(code), throttled(code))

    with throttled_once(), pytest.raises(failures()) as caught:
        client.get_item(**GET)

    assert is_throttled(caught.value)
    assert len(server.requests) == 1


def test_after_the_block_it_is_tried_again(served):
    server, client = served(throttled(CODES[0]))
    with throttled_once():
        pass

    client.get_item(**GET)

    assert len(server.requests) == 2


def test_another_failure_is_tried_again(served):
    server, client = served(BROKEN)

    with throttled_once():
        client.get_item(**GET)

    assert len(server.requests) == 2


def test_another_failure_is_no_throttle(served):
    _, client = served(*[BROKEN] * 4)

    with pytest.raises(failures()) as caught:
        client.get_item(**GET)

    assert not is_throttled(caught.value)
    assert not is_throttled(OSError("no answer"))
