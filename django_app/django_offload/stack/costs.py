"""What a task costs in AWS: our own counts times the prices of AWS."""

from collections.abc import Mapping

from .prices import Prices

# tests/reliability/test_write_units.py counts the write units.
# Of one task that succeeds. SQS: send, receive, delete. DynamoDB: create, claim and finish, with the index.
QUEUE_REQUESTS, INVOCATIONS, WRITE_UNITS = 3, 1, 5
LOG_BYTES = 600  # Lambda's own three lines, and one of the worker.


def task_costs(
    prices: Prices,
    *,
    count: int,
    memory: int,
    seconds: float,
    reads: float = 2,
    write_units: float = WRITE_UNITS,
) -> Mapping[str, float]:
    """
    Return what `count` tasks cost in dollars, by kind of cost.

    Each task runs for `seconds` in an invocation of its own with `memory` megabytes, and its status is read
    `reads` times.
    """
    return {
        "queue requests": count * QUEUE_REQUESTS * prices.queue_request,
        "invocations": count * INVOCATIONS * prices.invocation,
        "compute": count * seconds * memory / 1024 * prices.gigabyte_second,
        "write units": count * write_units * prices.write_unit,
        "read units": count * reads * prices.read_unit,
        "logs": count * LOG_BYTES / 1024**3 * prices.log_gigabyte,
    }
