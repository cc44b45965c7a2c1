"""Money: what a task calls and writes, times AWS's list prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.test import override_settings

from django_offload.conf import configured
from django_offload.operations.index_pages import PAGE_SIZE
from django_offload.stack.costs import QUEUE_REQUESTS
from django_offload.stack.prices import AS_OF, PRICES, SOURCE
from tests.benchmarks.board_pages import page_units
from tests.benchmarks.cost_tables import MILLION, MONTH, cents, dollars, per_million
from tests.benchmarks.metered import BATCH, waiting_units, write_units
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Plan
from tests.benchmarks.site import offload

REGION = "us-east-1"
# An always-on worker of a quarter of a core and 512 MB, in dollars an hour: Fargate on Linux and x86_64,
# 0.25 × 0.04048 + 0.5 × 0.004445 (https://aws.amazon.com/fargate/pricing/, as of the other prices).
ALWAYS_ON_HOUR = 0.25 * 0.04048 + 0.5 * 0.004445
MEMORY_MEGABYTES = 512
SECONDS = (0.01, 0.1, 1.0)
HOUR = timedelta(hours=1)
# Each page of the board is out of so many tasks.
BOARD_SHARDS, BOARD_TASKS = (2, 32), 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to use the library, and what it gives up."""

    label: str
    batch: int
    gives_up: str
    argument: object = 7
    record: bool = True
    index: str = "all"

    def units(self) -> Mapping[str, float]:
        options = {"record_at_enqueue": self.record, "queues": {"default": {"index": self.index}}}
        with override_settings(TASKS={"default": offload(**options)}):
            return write_units(self.argument)


LESS = (
    "rescue of a message that is lost after SQS confirmed it; a killed worker is replaced when SQS "
    "delivers again"
)
WAYS = (
    Way(label="one by one", batch=1, gives_up="nothing"),
    Way(
        label="in bulk, batches of ten",
        batch=BATCH,
        gives_up="nothing; a batch waits to fill (`batch_window`)",
    ),
    Way(label="in bulk, arguments of 1,500 bytes", batch=BATCH, argument="x" * 1_500, gives_up="nothing"),
    Way(
        label="in bulk, `record_at_enqueue: False`",
        batch=BATCH,
        record=False,
        gives_up="rescue of a lost message; cancel and a result before the first claim; `run_after` beyond "
        "15 minutes",
    ),
    Way(label='one by one, `"index": "trouble"`', batch=1, index="trouble", gives_up=LESS),
    Way(label='in bulk, `"index": "trouble"`', batch=BATCH, index="trouble", gives_up=LESS),
)


def section(plan: Plan) -> Section:
    counted = {way.label: way.units() for way in WAYS}
    costs = {way.label: _dollars(way, counted[way.label]) for way in WAYS}
    rows = [_row(way, counted[way.label], costs[way.label]) for way in WAYS]
    heads = ["a million tasks", "SQS requests a task", "writes", "write units", "reads", "dollars"]
    plain, less, trouble = WAYS[1].label, WAYS[3].label, WAYS[4].label
    return Section(
        "Money",
        f"The table shows list prices of {REGION} as of {AS_OF} ({SOURCE}), without compute and logs, which "
        "depend on the task. A write bills the whole item, rounded up to whole KB, and each entry that it "
        "adds to the sweeper's index or removes from it.",
        [table([*heads, "gives up"], rows), _always_on()],
        [
            Figure(
                "write units a task, index included",
                counted[plain]["enqueue"] + counted[plain]["worker"],
                5,
                "",
            ),
            Figure("reads a task", counted[plain]["reads"], 0, ""),
            Figure("dollars a million in bulk, full status", cents(costs[plain]), 3.35, "$"),
            Figure("dollars a million in bulk, `record_at_enqueue: False`", cents(costs[less]), 1.45, "$"),
            Figure(
                'write units a task, `"index": "trouble"`',
                counted[trouble]["enqueue"] + counted[trouble]["worker"],
                3,
                "",
            ),
            Figure('dollars a million one by one, `"index": "trouble"`', cents(costs[trouble]), 3.28, "$"),
            Figure(
                "write units of a task that waited an hour in a backlog",
                counted[plain]["enqueue"] + counted[plain]["worker"] + waiting_units([HOUR])[HOUR],
                11,
                "",
            ),
            *(
                Figure(f"read units of a page of {PAGE_SIZE} on the board, {shards} shards", units, 85, "")
                for shards, units in board_units().items()
            ),
        ],
    )


def board_units() -> Mapping[int, float]:
    """Return the read units of the first page of the tasks under way, by the number of shards."""
    found = {}
    for shards in BOARD_SHARDS:
        with override_settings(TASKS={"default": offload(shards=shards)}):
            found[shards] = page_units(configured()["default"], "underway", BOARD_TASKS)
    return found


def _dollars(way: Way, counted: Mapping[str, float]) -> float:
    prices = PRICES[REGION]
    requests = QUEUE_REQUESTS / way.batch * prices.queue_request + prices.invocation / way.batch
    return MILLION * (requests + (counted["enqueue"] + counted["worker"]) * prices.write_unit)


def _row(way: Way, counted: Mapping[str, float], cost: float) -> list[str]:
    units = f"{counted['enqueue']:g} + {counted['worker']:g}"
    cells = [
        way.label,
        number(QUEUE_REQUESTS / way.batch),
        f"{counted['writes']:g}",
        units,
        f"{counted['reads']:g}",
    ]
    return [*cells, dollars(cost), way.gives_up]


def _always_on() -> str:
    """Return from which rate on an always-on worker is cheaper than Lambda's compute and invocations."""
    rows = []
    month = MONTH / timedelta(hours=1) * ALWAYS_ON_HOUR
    for seconds in SECONDS:
        parts = per_million(PRICES[REGION], memory=MEMORY_MEGABYTES, seconds=seconds)
        task = (parts["compute"] + parts["invocations"]) / MILLION
        rate = month / task / MONTH.total_seconds()
        rows.append([f"{seconds:g} s", f"${MILLION * task:.2f}", f"{rate:.2f}", f"{rate * seconds:.0%}"])
    title = f"task, {MEMORY_MEGABYTES} MB"
    head = f"an always-on worker (${month:.2f} a month) is cheaper from tasks/s"
    return table([title, "Lambda, a million", head, "its share of that worker's time"], rows)
