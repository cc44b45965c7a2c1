"""What tasks cost, and what an idle stack costs: our own counts times the prices of AWS."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from django_offload.management.doctor.load import READS_A_PROBE, SECONDS_A_PROBE
from django_offload.protocol.shards import Band, partitions
from django_offload.stack import StackSpec, limits
from django_offload.stack.alarms import alarm_definitions
from django_offload.stack.costs import task_costs
from django_offload.stack.prices import Prices

MILLION = 1_000_000
MONTH = timedelta(days=30)
# An idle mapping polls its queue with five long polls of 20 s at a time:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLS_A_MONTH = 5 * MONTH / timedelta(seconds=20)
SWEEPS_A_MONTH = MONTH / timedelta(minutes=1)
SWEEP_SECONDS = 0.2
# One query for each shard of both bands, also the old ones, each half a unit if nothing is due.
SWEPT_SHARDS = len(partitions(Band.RESCUE, Band.DEFERRED))
SWEEP_READ_UNITS = SWEPT_SHARDS * 0.5
# How long tasks wait in the table of what waiting costs, and how many probes are in that of a load.
WAITS = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=6))
LOADS = (1_000, 100_000, MILLION)


def per_million(prices: Prices, *, memory: int, seconds: float, reads: int = 2) -> Mapping[str, float]:
    """
    Return what a million tasks cost in dollars, by kind of cost.

    Each task runs for `seconds` in an invocation of its own with `memory` megabytes, and its status is read
    `reads` times.
    """
    return task_costs(prices, count=MILLION, memory=memory, seconds=seconds, reads=reads)


def idle_month(prices: Prices, spec: StackSpec, *, own_key: bool = False) -> Mapping[str, float]:
    """Return what a month without tasks costs in dollars, by kind of cost."""
    polls = 2 * len(spec.queues) * POLLS_A_MONTH
    sweep = SWEEP_SECONDS * limits.SWEEPER_MEMORY / 1024 * prices.gigabyte_second
    return {
        "polls of the mappings": polls * prices.queue_request,
        "sweeps": SWEEPS_A_MONTH * (prices.invocation + sweep),
        f"reads of {SWEPT_SHARDS} shards": SWEEPS_A_MONTH * SWEEP_READ_UNITS * prices.read_unit,
        "alarms": len(list(alarm_definitions(spec))) * prices.alarm,
        "custom metric": prices.metric,
        "dashboard": prices.dashboard,
        "your own key": prices.key if own_key else 0.0,
    }


def tables(prices_by_region: Mapping[str, Prices], spec: StackSpec) -> str:
    """Return both costs as Markdown tables, with a column for each region."""
    sizes = {"512 MB for 0.1 s": (512, 0.1), "512 MB for 1 s": (512, 1.0), "1,024 MB for 10 s": (1024, 10.0)}
    costs_by_title = {
        f"a million tasks of {size}": [
            per_million(prices, memory=memory, seconds=seconds) for prices in prices_by_region.values()
        ]
        for size, (memory, seconds) in sizes.items()
    }
    costs_by_title["an idle month"] = [
        idle_month(prices, spec, own_key=True) for prices in prices_by_region.values()
    ]
    return "\n".join(
        markdown_table(title, list(prices_by_region), costs) for title, costs in costs_by_title.items()
    )


def waiting_table(prices_by_region: Mapping[str, Prices], units: Mapping[timedelta, float]) -> str:
    """Return what a million tasks cost more that wait, as a Markdown table with a column for each region."""
    lines = [
        f"| a million tasks that wait | more units each | {' | '.join(prices_by_region)} |",
        f"|---|---:|{'---:|' * len(prices_by_region)}",
    ]
    for wait, more in units.items():
        costs = (f"${MILLION * more * prices.write_unit:,.2f}" for prices in prices_by_region.values())
        lines.append(f"| {wait_text(wait)} | {more:,.1f} | {' | '.join(costs)} |")
    return "\n".join(lines) + "\n"


def wait_text(wait: timedelta) -> str:
    minutes = wait // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes < 60 else f"{minutes // 60} hour{'s' if minutes >= 120 else ''}"


def load_table(prices_by_region: Mapping[str, Prices]) -> str:
    """Return what offload_doctor --load says that it costs, as a Markdown table."""
    lines = [
        f"| `offload_doctor --load` with 512 MB | {' | '.join(prices_by_region)} |",
        f"|---|{'---:|' * len(prices_by_region)}",
    ]
    for count in LOADS:
        costs = (
            task_costs(prices, count=count, memory=512, seconds=SECONDS_A_PROBE, reads=READS_A_PROBE)
            for prices in prices_by_region.values()
        )
        cells = (f"${max(sum(cost.values()), 0.01):,.2f}" for cost in costs)
        lines.append(f"| {count:,} probes | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def markdown_table(title: str, regions: list[str], costs: list[Mapping[str, float]]) -> str:
    rows = [(kind, [cost[kind] for cost in costs]) for kind in costs[0]]
    rows.append(("**total**", [sum(cost.values()) for cost in costs]))
    lines = [f"| {title} | {' | '.join(regions)} |", f"|---|{'---:|' * len(regions)}"]
    lines += [f"| {kind} | {' | '.join(f'${value:,.2f}' for value in values)} |" for kind, values in rows]
    return "\n".join(lines) + "\n"


# Of a task of a queue with "index": "trouble": its birth adds nothing to the index, its end removes nothing.
# tests/reliability/test_write_units.py counts these too.
TROUBLE_WRITE_UNITS = 3


def index_table(prices_by_region: Mapping[str, Prices]) -> str:
    """Return what a million tasks cost in requests, invocations and writes, by their queue's `index`."""
    lines = [
        f"| a million tasks, without compute, reads and logs | {' | '.join(prices_by_region)} |",
        f"|---|{'---:|' * len(prices_by_region)}",
    ]
    for index, units in (("all", None), ("trouble", TROUBLE_WRITE_UNITS)):
        cells = []
        for prices in prices_by_region.values():
            costs = per_million(prices, memory=128, seconds=0, reads=0)
            writes = costs["write units"] if units is None else MILLION * units * prices.write_unit
            cells.append(dollars(costs["queue requests"] + costs["invocations"] + writes))
        lines.append(f'| `"index": "{index}"` | {" | ".join(cells)} |')
    return "\n".join(lines) + "\n"


def dollars(value: float) -> str:
    return f"${cents(value):,.2f}"


def cents(value: float) -> float:
    """Return dollars in whole cents, half a cent rounded up: $3.275 may be a bit less as a float."""
    return float(Decimal(str(round(value, 6))).quantize(Decimal("0.01"), ROUND_HALF_UP))
