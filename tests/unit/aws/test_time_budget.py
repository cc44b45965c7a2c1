"""Nested time limits: the shorter one applies."""

import pytest

from django_offload.aws import at_most, client, clients, each_at_most, within
from django_offload.aws.time_budget import LEAST_SECONDS, begin_call, seconds_left
from django_offload.conf import CLIENTS
from django_offload.exceptions import OutOfTime
from tests.unit.aws.server import Scripted


def long():
    return within(lambda: 60.0)


def short():
    return within(lambda: 1.0)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (lambda: at_most(60.0), lambda: at_most(1.0)),
        (lambda: at_most(1.0), lambda: at_most(60.0)),
        (long, lambda: at_most(1.0)),
        (short, lambda: at_most(60.0)),
        (lambda: at_most(60.0), short),
        (lambda: at_most(1.0), long),
        (long, short),
        (short, long),
    ],
)
def test_the_shorter_of_two_limits_applies_inside_and_the_outer_one_afterwards(outer, inner):
    with outer():
        alone = seconds_left()
        with inner():
            assert seconds_left() <= 1.0
        assert seconds_left() == pytest.approx(alone, abs=1.0)

    assert seconds_left() is None


def test_the_seconds_of_each_call_begin_anew(monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with at_most(20.0), each_at_most(5.0):
        now += 4
        assert seconds_left() == pytest.approx(1.0 - LEAST_SECONDS)
        begin_call()
        assert seconds_left() == pytest.approx(5.0 - LEAST_SECONDS)
        now += 13
        begin_call()
        assert seconds_left() == pytest.approx(3.0 - LEAST_SECONDS), "the outer limit applies"

    begin_call()
    assert seconds_left() is None


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_call_that_can_no_longer_end_in_time_is_not_started(monkeypatch, kind):
    server = Scripted()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    clients.reset_clients()
    try:
        dynamodb = client("dynamodb", kind)
        with at_most(LEAST_SECONDS), pytest.raises(OutOfTime, match="A call to dynamodb"):
            dynamodb.get_item(TableName="t", Key={"id": {"S": "1"}})
    finally:
        server.close()

    assert server.requests == []
