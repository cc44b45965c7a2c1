"""Metrics of a stack, as lines of a function's log that CloudWatch reads."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

NAMESPACE = "DjangoOffload"
STACK_DIMENSION = "Stack"
OLDEST_RUNNING_METRIC = "OldestRunningSeconds"


def print_longest_running(stack: str, running: Sequence[timedelta], now: datetime) -> None:
    """
    Print for CloudWatch how long the longest attempt has been RUNNING, 0 if there is none.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    metric = {
        "Namespace": NAMESPACE,
        "Dimensions": [[STACK_DIMENSION]],
        "Metrics": [{"Name": OLDEST_RUNNING_METRIC, "Unit": "Seconds"}],
    }
    line = {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [metric]},
        STACK_DIMENSION: stack,
        OLDEST_RUNNING_METRIC: max(running, default=timedelta(0)).total_seconds(),
    }
    # Not through logging, whose format would put text before it: then CloudWatch would see a mere line.
    print(json.dumps(line), flush=True)
