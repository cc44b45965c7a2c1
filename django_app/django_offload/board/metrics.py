"""How queues did lately, as CloudWatch counted it: one call for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..aws import client
from ..conf import Options
from ..protocol.json_codec import EPOCH

# How far a chart goes back, and for how long each of its points stands.
SPANS: Mapping[str, tuple[timedelta, timedelta]] = {
    "1 hour": (timedelta(hours=1), timedelta(minutes=1)),
    "6 hours": (timedelta(hours=6), timedelta(minutes=5)),
    "24 hours": (timedelta(hours=24), timedelta(minutes=15)),
}
# GetMetricData takes so many in one call: queues beyond that are without charts.
MOST_METRICS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What CloudWatch counts of a queue, or of its worker function."""

    key: str
    namespace: str
    name: str
    statistic: str
    counts: bool = False  # Where nothing is told, was it nothing?


METRICS = (
    Metric(key="depth", namespace="AWS/SQS", name="ApproximateNumberOfMessagesVisible", statistic="Maximum"),
    Metric(key="age", namespace="AWS/SQS", name="ApproximateAgeOfOldestMessage", statistic="Maximum"),
    Metric(key="done", namespace="AWS/Lambda", name="Invocations", statistic="Sum", counts=True),
    Metric(key="errors", namespace="AWS/Lambda", name="Errors", statistic="Sum", counts=True),
    Metric(key="average", namespace="AWS/Lambda", name="Duration", statistic="Average"),
    Metric(key="longest", namespace="AWS/Lambda", name="Duration", statistic="Maximum"),
)

type Points = Sequence[tuple[datetime, float | None]]  # None: nothing was told.


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The points of every metric of one queue, the oldest first."""

    queue: str
    points: Mapping[str, Points]

    def _last(self, key: str) -> float | None:
        """Return the latest value that is known."""
        known = [value for _, value in self.points[key] if value is not None]
        return known[-1] if known else None

    def _total(self, key: str) -> float:
        return sum(value or 0 for _, value in self.points[key])

    @property
    def depth(self) -> float | None:
        return self._last("depth")

    @property
    def age(self) -> float | None:
        return self._last("age")

    @property
    def invocations(self) -> float:
        return self._total("done")

    @property
    def failed(self) -> float:
        return self._total("errors")


def histories(options: Options, span: str, now: datetime) -> dict[str, History]:
    """Return the history of each queue, by its name in QUEUES."""
    length, period = SPANS[span]
    # Whole periods: of the one that goes on, not all is counted yet.
    end = now - (now - EPOCH) % period
    queues = list(options.queues)[: MOST_METRICS // len(METRICS)]
    answer = client("cloudwatch").get_metric_data(
        MetricDataQueries=list(_queries(options, queues, period)),
        StartTime=end - length,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    found = {
        said["Id"]: dict(zip(said["Timestamps"], said["Values"], strict=True))
        for said in answer["MetricDataResults"]
    }
    instants = [end - length + period * number for number in range(length // period)]
    return {
        name: History(
            queue=name,
            points={
                metric.key: _points(found.get(_id(number, metric), {}), instants, metric)
                for metric in METRICS
            },
        )
        for number, name in enumerate(queues)
    }


def _id(number: int, metric: Metric) -> str:
    return f"q{number}_{metric.key}"


def _queries(options: Options, queues: Sequence[str], period: timedelta) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(queues):
        of = {
            "AWS/SQS": ("QueueName", options.queue(name)),
            "AWS/Lambda": ("FunctionName", options.worker_function(name)),
        }
        for metric in METRICS:
            dimension, value = of[metric.namespace]
            yield {
                "Id": _id(number, metric),
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": dimension, "Value": value}],
                    },
                    "Period": int(period.total_seconds()),
                    "Stat": metric.statistic,
                },
            }


def _points(told: Mapping[datetime, float], instants: Sequence[datetime], metric: Metric) -> Points:
    nothing = 0.0 if metric.counts else None
    return [(instant, told.get(instant, nothing)) for instant in instants]
