"""Metrics of our own, as lines of a function's log that CloudWatch reads."""

import json
from datetime import datetime

NAMESPACE = "DjangoOffload"
STACK_DIMENSION = "Stack"
OLDEST_RUNNING_METRIC = "OldestRunningSeconds"


def running_line(stack: str, seconds: float, now: datetime) -> str:
    """
    Return the line that tells CloudWatch for how long the task that runs longest has been RUNNING.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [[STACK_DIMENSION]],
        "Metrics": [{"Name": OLDEST_RUNNING_METRIC, "Unit": "Seconds"}],
    }
    instant = int(now.timestamp() * 1000)
    return json.dumps(
        {
            "_aws": {"Timestamp": instant, "CloudWatchMetrics": [metric]},
            STACK_DIMENSION: stack,
            OLDEST_RUNNING_METRIC: round(seconds, 3),
        }
    )
