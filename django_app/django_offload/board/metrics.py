"""The recent metrics of all queues, read from CloudWatch in one call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..aws import client
from ..conf import Options
from ..protocol.json_codec import EPOCH
from ..transports import memory_of

# How far back a chart goes, and the time that one of its points covers.
SPANS: Mapping[str, tuple[timedelta, timedelta]] = {
    "1 hour": (timedelta(hours=1), timedelta(minutes=1)),
    "6 hours": (timedelta(hours=6), timedelta(minutes=5)),
    "24 hours": (timedelta(hours=24), timedelta(minutes=15)),
}
# The most metrics in one GetMetricData call. Queues beyond it get no charts.
MOST_METRICS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of a queue or its worker function."""

    key: str
    namespace: str
    name: str
    statistic: str
    missing: float | None = None  # The value of a period without data.


METRICS = (
    Metric(key="depth", namespace="AWS/SQS", name="ApproximateNumberOfMessagesVisible", statistic="Maximum"),
    Metric(key="age", namespace="AWS/SQS", name="ApproximateAgeOfOldestMessage", statistic="Maximum"),
    Metric(key="done", namespace="AWS/Lambda", name="Invocations", statistic="Sum", missing=0.0),
    Metric(key="errors", namespace="AWS/Lambda", name="Errors", statistic="Sum", missing=0.0),
    Metric(key="average", namespace="AWS/Lambda", name="Duration", statistic="Average"),
    Metric(key="longest", namespace="AWS/Lambda", name="Duration", statistic="Maximum"),
)

type Points = Sequence[tuple[datetime, float | None]]  # None where the value is unknown.


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHistory:
    """The points of every metric of one queue, oldest first."""

    queue: str
    points: Mapping[str, Points]

    def latest(self, key: str) -> float | None:
        """Return the latest known value of a metric, or None."""
        values = [value for _, value in self.points[key] if value is not None]
        return values[-1] if values else None

    def total(self, key: str) -> float:
        return sum(value or 0 for _, value in self.points[key])

    @property
    def depth(self) -> float | None:
        return self.latest("depth")

    @property
    def age(self) -> float | None:
        return self.latest("age")

    @property
    def invocations(self) -> float:
        return self.total("done")

    @property
    def failed(self) -> float:
        return self.total("errors")


def read_histories(options: Options, span: str, now: datetime) -> dict[str, QueueHistory]:
    """Return the history of each queue in OPTIONS['queues']."""
    length, period = SPANS[span]
    # End with a whole period, because the current one isn't complete yet.
    end = now - (now - EPOCH) % period
    queues = list(options.queues)[: MOST_METRICS // len(METRICS)]
    values_by_id = {}
    if not memory_of(options):  # Tasks in memory leave no metrics.
        response = client("cloudwatch").get_metric_data(
            MetricDataQueries=list(metric_queries(options, queues, period)),
            StartTime=end - length,
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        values_by_id = {
            series["Id"]: dict(zip(series["Timestamps"], series["Values"], strict=True))
            for series in response["MetricDataResults"]
        }
    instants = [end - length + period * number for number in range(length // period)]
    histories = {}
    for number, queue in enumerate(queues):
        points: dict[str, Points] = {}
        for metric in METRICS:
            values = values_by_id.get(query_id(number, metric), {})
            points[metric.key] = [(instant, values.get(instant, metric.missing)) for instant in instants]
        histories[queue] = QueueHistory(queue=queue, points=points)
    return histories


def query_id(number: int, metric: Metric) -> str:
    """Return the id of a queue's query. CloudWatch wants it to begin with a lowercase letter."""
    return f"q{number}_{metric.key}"


def metric_queries(options: Options, queues: Sequence[str], period: timedelta) -> Iterator[dict[str, Any]]:
    for number, queue in enumerate(queues):
        dimensions = {
            "AWS/SQS": ("QueueName", options.queue(queue)),
            "AWS/Lambda": ("FunctionName", options.worker_function(queue)),
        }
        for metric in METRICS:
            name, value = dimensions[metric.namespace]
            yield {
                "Id": query_id(number, metric),
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": name, "Value": value}],
                    },
                    "Period": int(period.total_seconds()),
                    "Stat": metric.statistic,
                },
            }
