"""The dashboard: one page of CloudWatch that shows how the stack does."""

import json
from typing import TYPE_CHECKING, Any

from ..worker.metrics import NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION
from .names import DEAD_LETTER, SWEEPER, worker
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

_WIDTH, _HEIGHT = 12, 6
type Metric = list[object]


def add_dashboard(template: "Template", plan: Plan) -> None:
    from troposphere import Sub, cloudwatch

    template.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=plan.stack,
            DashboardBody=Sub(json.dumps(body(plan), separators=(",", ":"))),
        )
    )


def body(plan: Plan) -> dict[str, Any]:
    """Return what the dashboard shows, in CloudWatch's own form."""
    charts: dict[str, tuple[str, list[Metric]]] = {
        "Messages waiting": ("Maximum", _of_queues(plan, "ApproximateNumberOfMessagesVisible")),
        "Age of the oldest message, s": ("Maximum", _of_queues(plan, "ApproximateAgeOfOldestMessage")),
        "Invocations": ("Sum", _of_functions(plan, "Invocations")),
        "Failed invocations and throttles": (
            "Sum",
            [*_of_functions(plan, "Errors"), *_of_functions(plan, "Throttles")],
        ),
        "Duration, ms, 95 of 100": ("p95", _of_functions(plan, "Duration")),
        "Invocations at a time": ("Maximum", _of_functions(plan, "ConcurrentExecutions")),
        "Dead letters": ("Sum", _of_dead_letters(plan)),
        "Longest RUNNING, s": ("Maximum", [[NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION, plan.stack]]),
        "Write units of the table": ("Sum", [_of_table(plan, "ConsumedWriteCapacityUnits")]),
        "Refused writes of the table": ("Sum", [_of_table(plan, "WriteThrottleEvents")]),
    }
    return {
        "widgets": [
            _chart(number, title, statistic, metrics)
            for number, (title, (statistic, metrics)) in enumerate(charts.items())
        ]
    }


def _chart(number: int, title: str, statistic: str, metrics: list[Metric]) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": number % 2 * _WIDTH,
        "y": number // 2 * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "stat": statistic,
            "period": 60,
            "metrics": metrics,
        },
    }


def _of_queues(plan: Plan, metric: str) -> list[Metric]:
    return [["AWS/SQS", metric, "QueueName", plan.options.queue(name)] for name in plan.queues]


def _of_dead_letters(plan: Plan) -> list[Metric]:
    queues = (plan.options.dead_letter_queue(name) for name in plan.queues)
    return [["AWS/SQS", "NumberOfMessagesReceived", "QueueName", queue] for queue in queues]


def _of_functions(plan: Plan, metric: str) -> list[Metric]:
    roles = [*(worker(name) for name in plan.queues), DEAD_LETTER, SWEEPER]
    return [["AWS/Lambda", metric, "FunctionName", plan.options.function(role)] for role in roles]


def _of_table(plan: Plan, metric: str) -> Metric:
    return ["AWS/DynamoDB", metric, "TableName", plan.options.table]
