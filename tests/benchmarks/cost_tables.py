"""What tasks cost, and what a stack costs that has none: counts of ours times prices of AWS."""

from collections.abc import Mapping
from datetime import timedelta

from django_offload.stack import limits
from django_offload.stack.alarm_definitions import alarms
from django_offload.stack.plan import Plan
from django_offload.stack.prices import Prices

MILLION = 1_000_000
MONTH = timedelta(days=30)
# Of one task on its way to success. SQS: sent, received, deleted. DynamoDB: birth, claim and finish, with
# the index; tests/reliability/test_write_units.py counts them.
QUEUE_REQUESTS, INVOCATIONS, WRITE_UNITS = 3, 1, 5
LOG_BYTES = 600  # Lambda's own three lines, and one of ours.
# An idle mapping asks a queue with five long polls of 20 s at a time:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLS_A_MONTH = 5 * MONTH / timedelta(seconds=20)
SWEEPS_A_MONTH = MONTH / timedelta(minutes=1)
SWEEP_SECONDS = 0.2
SWEEP_READ_UNITS = 4 * 0.5  # A shard of the index each.


def per_million(prices: Prices, *, memory: int, seconds: float, reads: int = 2) -> Mapping[str, float]:
    """
    Return the dollars that a million tasks cost, by what they are spent on.

    Each runs for `seconds` in an invocation of its own with `memory` megabytes, and its status is read
    `reads` times.
    """
    return {
        "queue requests": MILLION * QUEUE_REQUESTS * prices.queue_request,
        "invocations": MILLION * INVOCATIONS * prices.invocation,
        "compute": MILLION * seconds * memory / 1024 * prices.gigabyte_second,
        "write units": MILLION * WRITE_UNITS * prices.write_unit,
        "read units": MILLION * reads * prices.read_unit,
        "logs": MILLION * LOG_BYTES / 1024**3 * prices.log_gigabyte,
    }


def idle_month(prices: Prices, plan: Plan, *, own_key: bool = False) -> Mapping[str, float]:
    """Return the dollars that a month without a task costs, by what they are spent on."""
    polls = 2 * len(plan.queues) * POLLS_A_MONTH
    sweep = SWEEP_SECONDS * limits.SERVICE_MEMORY / 1024 * prices.gigabyte_second
    return {
        "polls of the mappings": polls * prices.queue_request,
        "sweeps": SWEEPS_A_MONTH * (prices.invocation + sweep + SWEEP_READ_UNITS * prices.read_unit),
        "alarms": len(list(alarms(plan))) * prices.alarm,
        "metric of our own": prices.metric,
        "dashboard": prices.dashboard,
        "key of yours": prices.key if own_key else 0.0,
    }


def tables(prices: Mapping[str, Prices], plan: Plan) -> str:
    """Return both as Markdown, a column for each region."""
    sizes = {"512 MB for 0.1 s": (512, 0.1), "512 MB for 1 s": (512, 1.0), "1,024 MB for 10 s": (1024, 10.0)}
    parts = []
    for title, (memory, seconds) in sizes.items():
        columns = [per_million(of, memory=memory, seconds=seconds) for of in prices.values()]
        parts.append(_table(f"a million tasks of {title}", list(prices), columns))
    columns = [idle_month(of, plan, own_key=True) for of in prices.values()]
    parts.append(_table("an idle month", list(prices), columns))
    return "\n".join(parts)


def _table(title: str, regions: list[str], columns: list[Mapping[str, float]]) -> str:
    rows = [(name, [column[name] for column in columns]) for name in columns[0]]
    rows.append(("**together**", [sum(column.values()) for column in columns]))
    lines = [f"| {title} | {' | '.join(regions)} |", f"|---|{'---:|' * len(regions)}"]
    lines += [f"| {name} | {' | '.join(f'${value:,.2f}' for value in values)} |" for name, values in rows]
    return "\n".join(lines) + "\n"
