"""The metrics that SQS and Lambda send to CloudWatch on AWS, and that moto doesn't."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..lambda_.functions import Function
from ..lambda_.invoker import Invoker, Outcome
from .moto_server import MotoServer

logger = logging.getLogger("django_offload.local")

# AWS does it once a minute. Here it is more often, because somebody is watching.
INTERVAL_SECONDS = 30.0
FIRST_SECONDS = 5.0
ACCOUNT = "123456789012"
# The most data that one PutMetricData takes.
DATA_LIMIT = 500


class FunctionRun(NamedTuple):
    """The duration and result of one invocation."""

    milliseconds: float
    failed: bool


class MeteredInvoker(Invoker):
    """Runs functions with another invoker, and measures each run."""

    def __init__(self, invoker: Invoker, clock: Callable[[], float] = time.monotonic) -> None:
        self.inner, self._clock = invoker, clock
        self._runs: defaultdict[str, list[FunctionRun]] = defaultdict(list)
        self._lock = threading.Lock()

    def invoke(self, function: Function, event: bytes) -> Outcome:
        start = self._clock()
        outcome = self.inner.invoke(function, event)
        with self._lock:
            self._runs[function.name].append(FunctionRun((self._clock() - start) * 1000, outcome.failed))
        return outcome

    def close(self) -> None:
        self.inner.close()

    def reload(self) -> int:
        return self.inner.reload()

    def take_runs(self) -> dict[str, list[FunctionRun]]:
        """Return the runs of each function since the last call."""
        with self._lock:
            runs, self._runs = dict(self._runs), defaultdict(list)
        return runs


def put_metrics_until(stop: threading.Event, server: MotoServer, invoker: MeteredInvoker) -> None:
    """Send metrics to CloudWatch every few seconds until `stop`. Log errors and continue."""
    seconds = FIRST_SECONDS
    while not stop.wait(seconds):
        seconds = INTERVAL_SECONDS
        try:
            put_metrics(server, invoker)
        except Exception as exc:  # noqa: BLE001 - missing charts are no reason to stop.
            logger.warning("Couldn't send metrics to CloudWatch: %s", exc)


def put_metrics(server: MotoServer, invoker: MeteredInvoker) -> None:
    """Send the current metrics of queues, and of the functions that ran since the last call."""
    cloudwatch = server.client("cloudwatch")
    function_data = [
        metric_datum(metric, "FunctionName", name, values)
        for name, runs in invoker.take_runs().items()
        for metric, values in (
            ("Invocations", [1.0] * len(runs)),
            ("Errors", [float(run.failed) for run in runs]),
            ("Duration", [run.milliseconds for run in runs]),
        )
    ]
    for namespace, data in (("AWS/SQS", list(queue_data(server))), ("AWS/Lambda", function_data)):
        for start in range(0, len(data), DATA_LIMIT):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + DATA_LIMIT])


def queue_data(server: MotoServer) -> Iterator[dict[str, Any]]:
    """Yield the depth and the age of each queue."""
    from moto.sqs.models import sqs_backends

    now = datetime.now(UTC).timestamp()
    for queue in list(sqs_backends[ACCOUNT][server.region].queues.values()):
        visible = list(queue.messages)
        sent_at = [float(message.sent_timestamp or 0) / 1000 for message in visible]
        for metric, value in (
            ("ApproximateNumberOfMessagesVisible", len(visible)),
            ("ApproximateAgeOfOldestMessage", now - min(sent_at, default=now)),
        ):
            yield metric_datum(metric, "QueueName", queue.name, [value])


def metric_datum(metric: str, dimension: str, name: str, values: Sequence[float]) -> dict[str, Any]:
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": dimension, "Value": name}],
        "StatisticValues": {
            "SampleCount": len(values),
            "Sum": sum(values),
            "Minimum": min(values),
            "Maximum": max(values),
        },
    }
