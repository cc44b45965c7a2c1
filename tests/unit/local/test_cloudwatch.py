"""The metrics that AWS on this machine sends to CloudWatch, as AWS does."""

from itertools import count

import pytest

from django_offload.local.aws.cloudwatch import FunctionRun, MeteredInvoker, put_metrics
from django_offload.local.lambda_.invoker import Invoker, Outcome, failed_outcome
from tests.unit.local.fakes import function


class AlternatingInvoker(Invoker):
    """Fails every second time."""

    def __init__(self):
        self.times, self.closed, self.reloaded = count(), False, 0

    def invoke(self, function, event):
        return failed_outcome("Error", "no") if next(self.times) % 2 else Outcome(payload=event)

    def close(self):
        self.closed = True

    def reload(self):
        self.reloaded += 1
        return 3


FUNCTION = function()


@pytest.fixture
def invoker():
    clock = count(0, 0.25)
    return MeteredInvoker(AlternatingInvoker(), clock=lambda: next(clock))


def test_each_run_is_returned_once(invoker):
    assert invoker.invoke(FUNCTION, b"1").payload == b"1"
    assert invoker.invoke(FUNCTION, b"2").failed

    assert invoker.take_runs() == {FUNCTION.name: [FunctionRun(250.0, False), FunctionRun(250.0, True)]}
    assert invoker.take_runs() == {}


def test_other_calls_reach_the_inner_invoker(invoker):
    assert invoker.reload() == 3
    invoker.close()

    assert invoker.inner.closed


class CloudWatch:
    def __init__(self):
        self.metrics = []

    def put_metric_data(self, Namespace, MetricData):
        self.metrics += [(Namespace, datum["MetricName"], datum["StatisticValues"]) for datum in MetricData]


class Server:
    region = "ap-south-1"  # Where no other test has queues.

    def __init__(self):
        self.cloudwatch = CloudWatch()

    def client(self, service):
        return {"cloudwatch": self.cloudwatch}[service]


def test_function_metrics_have_their_sums(invoker):
    server = Server()
    for event in (b"1", b"2", b"3"):
        invoker.invoke(FUNCTION, event)

    put_metrics(server, invoker)

    statistics = {name: values for _, name, values in server.cloudwatch.metrics}
    assert statistics["Invocations"]["Sum"] == 3
    assert statistics["Errors"] == {"SampleCount": 3, "Sum": 1.0, "Minimum": 0.0, "Maximum": 1.0}
    assert statistics["Duration"]["Maximum"] == 250.0
    assert {namespace for namespace, _, _ in server.cloudwatch.metrics} == {"AWS/Lambda"}
