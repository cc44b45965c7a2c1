"""What AWS tells CloudWatch by itself, and no stand-in does: how deep queues are, how functions ran."""

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

# On AWS once a minute; here somebody looks on, and soon.
EVERY_SECONDS = 30.0
FIRST_SECONDS = 5.0
ACCOUNT = "123456789012"
# Data of one PutMetricData.
MOST_DATA = 500


class Ran(NamedTuple):
    """One invocation of a function."""

    milliseconds: float
    failed: bool


class Metered(Invoker):
    """Runs functions by another invoker, and notes how each ran."""

    def __init__(self, invoker: Invoker, clock: Callable[[], float] = time.monotonic) -> None:
        self.inner, self._clock = invoker, clock
        self._ran: defaultdict[str, list[Ran]] = defaultdict(list)
        self._lock = threading.Lock()

    def invoke(self, function: Function, event: bytes) -> Outcome:
        start = self._clock()
        outcome = self.inner.invoke(function, event)
        with self._lock:
            self._ran[function.name].append(Ran((self._clock() - start) * 1000, outcome.failed))
        return outcome

    def close(self) -> None:
        self.inner.close()

    def renew(self) -> int:
        return self.inner.renew()

    def taken(self) -> dict[str, list[Ran]]:
        """Return what ran since the last time, by function."""
        with self._lock:
            found, self._ran = dict(self._ran), defaultdict(list)
        return found


def tell(stop: threading.Event, server: MotoServer, metered: Metered) -> None:
    """Tell CloudWatch every few seconds, until `stop`; what goes wrong is told the log, and stops nothing."""
    seconds = FIRST_SECONDS
    while not stop.wait(seconds):
        seconds = EVERY_SECONDS
        try:
            tell_once(server, metered)
        except Exception as exc:  # noqa: BLE001, charts are no reason to end
            logger.warning("CloudWatch was not told: %s", exc)


def tell_once(server: MotoServer, metered: Metered) -> None:
    """Tell CloudWatch how things are."""
    cloudwatch = server.client("cloudwatch")
    of_functions = [datum for name, ran in metered.taken().items() for datum in _of_function(name, ran)]
    for namespace, data in (("AWS/SQS", list(_of_queues(server))), ("AWS/Lambda", of_functions)):
        for start in range(0, len(data), MOST_DATA):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[start : start + MOST_DATA])


def _of_queues(server: MotoServer) -> Iterator[dict[str, Any]]:
    from moto.sqs.models import sqs_backends

    now = datetime.now(UTC).timestamp()
    for queue in list(sqs_backends[ACCOUNT][server.region].queues.values()):
        visible = list(queue.messages)
        sent = [float(message.sent_timestamp or 0) / 1000 for message in visible]
        for name, value in (
            ("ApproximateNumberOfMessagesVisible", len(visible)),
            ("ApproximateAgeOfOldestMessage", now - min(sent, default=now)),
        ):
            yield _datum(name, "QueueName", queue.name, [value])


def _of_function(name: str, ran: Sequence[Ran]) -> Iterator[dict[str, Any]]:
    for metric, values in (
        ("Invocations", [1.0] * len(ran)),
        ("Errors", [float(one.failed) for one in ran]),
        ("Duration", [one.milliseconds for one in ran]),
    ):
        yield _datum(metric, "FunctionName", name, values)


def _datum(name: str, dimension: str, of: str, values: Sequence[float]) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": [{"Name": dimension, "Value": of}],
        "StatisticValues": {
            "SampleCount": len(values),
            "Sum": sum(values),
            "Minimum": min(values),
            "Maximum": max(values),
        },
    }
