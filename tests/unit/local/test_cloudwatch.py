"""What local AWS tells CloudWatch, as AWS does by itself."""

from itertools import count

import pytest

from django_offload.local.aws.cloudwatch import Metered, Ran, tell_once
from django_offload.local.lambda_.invoker import Invoker, Outcome, failure
from tests.unit.local.fakes import function


class Steps(Invoker):
    """Fails every second time."""

    def __init__(self):
        self.times, self.closed, self.renewed = count(), False, 0

    def invoke(self, function, event):
        return failure("Error", "no") if next(self.times) % 2 else Outcome(payload=event)

    def close(self):
        self.closed = True

    def renew(self):
        self.renewed += 1
        return 3


FUNCTION = function()


@pytest.fixture
def metered():
    clock = count(0, 0.25)
    return Metered(Steps(), clock=lambda: next(clock))


def test_what_ran_is_noted_once(metered):
    assert metered.invoke(FUNCTION, b"1").payload == b"1"
    assert metered.invoke(FUNCTION, b"2").failed

    assert metered.taken() == {FUNCTION.name: [Ran(250.0, False), Ran(250.0, True)]}
    assert metered.taken() == {}


def test_the_rest_is_the_other_invokers(metered):
    assert metered.renew() == 3
    metered.close()

    assert metered.inner.closed


class CloudWatch:
    def __init__(self):
        self.told = []

    def put_metric_data(self, Namespace, MetricData):
        self.told += [(Namespace, datum["MetricName"], datum["StatisticValues"]) for datum in MetricData]


class Server:
    region = "ap-south-1"  # Where no other test has queues.

    def __init__(self):
        self.cloudwatch = CloudWatch()

    def client(self, service):
        return {"cloudwatch": self.cloudwatch}[service]


def test_functions_are_told_with_their_sums(metered):
    server = Server()
    for event in (b"1", b"2", b"3"):
        metered.invoke(FUNCTION, event)

    tell_once(server, metered)

    found = {name: values for _, name, values in server.cloudwatch.told}
    assert found["Invocations"]["Sum"] == 3
    assert found["Errors"] == {"SampleCount": 3, "Sum": 1.0, "Minimum": 0.0, "Maximum": 1.0}
    assert found["Duration"]["Maximum"] == 250.0
    assert {namespace for namespace, _, _ in server.cloudwatch.told} == {"AWS/Lambda"}
