"""The CloudWatch dashboard: one page that shows whether the stack is healthy."""

import json
from typing import TYPE_CHECKING, Any

from ..worker.metrics import NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION
from .names import DEAD_LETTER, SWEEPER, worker
from .spec import StackSpec

if TYPE_CHECKING:
    from troposphere import Template

WIDTH, HEIGHT = 12, 6
type Metric = list[object]


def add_dashboard(template: "Template", spec: StackSpec) -> None:
    from troposphere import Sub, cloudwatch

    # Shows on one page whether the stack is healthy.
    template.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=spec.stack,
            DashboardBody=Sub(json.dumps(dashboard_body(spec), separators=(",", ":"))),
        )
    )


def dashboard_body(spec: StackSpec) -> dict[str, Any]:
    """Return the dashboard's charts, two in a row, in the format of CloudWatch."""
    options, table = spec.options, spec.options.table
    roles = [*(worker(name) for name in spec.queues), DEAD_LETTER, SWEEPER]

    def queue_metrics(metric: str) -> list[Metric]:
        return [["AWS/SQS", metric, "QueueName", options.queue(name)] for name in spec.queues]

    def function_metrics(metric: str) -> list[Metric]:
        return [["AWS/Lambda", metric, "FunctionName", options.function(role)] for role in roles]

    def table_metrics(metric: str) -> list[Metric]:
        """Return a line of the table, which leaves the indexes out, and one of each index."""
        own: Metric = ["AWS/DynamoDB", metric, "TableName", table]
        return [own, *([*own, "GlobalSecondaryIndexName", index] for index in spec.indexes)]

    # A received dead letter is gone again within seconds, so a count of those that wait would show none.
    dead_letters: list[Metric] = [
        ["AWS/SQS", "NumberOfMessagesReceived", "QueueName", options.dead_letter_queue(name)]
        for name in spec.queues
    ]
    charts: list[tuple[str, str, list[Metric]]] = [
        ("Messages waiting", "Maximum", queue_metrics("ApproximateNumberOfMessagesVisible")),
        ("Age of the oldest message, s", "Maximum", queue_metrics("ApproximateAgeOfOldestMessage")),
        ("Invocations", "Sum", function_metrics("Invocations")),
        (
            "Failed invocations and throttles",
            "Sum",
            [*function_metrics("Errors"), *function_metrics("Throttles")],
        ),
        ("Duration, ms, 95 of 100", "p95", function_metrics("Duration")),
        ("Invocations at a time", "Maximum", function_metrics("ConcurrentExecutions")),
        ("Dead letters", "Sum", dead_letters),
        ("Longest RUNNING, s", "Maximum", [[NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION, spec.stack]]),
        ("Write units of the table and its indexes", "Sum", table_metrics("ConsumedWriteCapacityUnits")),
        ("Refused writes of the table and its indexes", "Sum", table_metrics("WriteThrottleEvents")),
        # Why: more OPTIONS["shards"] help against the first, a higher quota against the second.
        ("Refused by a partition's limit", "Sum", table_metrics("WriteKeyRangeThroughputThrottleEvents")),
        ("Refused by the account's quota", "Sum", table_metrics("WriteAccountLimitThrottleEvents")),
    ]
    return {
        "widgets": [
            {
                "type": "metric",
                "x": number % 2 * WIDTH,
                "y": number // 2 * HEIGHT,
                "width": WIDTH,
                "height": HEIGHT,
                "properties": {
                    "title": title,
                    "region": "${AWS::Region}",
                    "stat": statistic,
                    "period": 60,
                    "metrics": metrics,
                },
            }
            for number, (title, statistic, metrics) in enumerate(charts)
        ]
    }
