"""Send many probes through one queue, and say how fast they were and what AWS throttled."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from statistics import quantiles
from typing import Any

from ...aws import client, failures
from ...conf import Options
from ...definition.probe import probe_task
from ...exceptions import Cancelled
from ...operations.pages import write_together
from ...operations.probe import ASK_EVERY_SECONDS
from ...protocol import transitions
from ...protocol.record import TaskRecord, error_of, read_record
from ...stack import StackSpec
from ...stack.costs import WRITE_UNITS, task_costs
from ...stack.names import HISTORY_INDEXES, INDEX
from ...stack.prices import PRICES
from ...stores import store_of
from ...stores.base import MOST_READ
from .finding import Finding, finding, is_local_aws, log_remedy

# A probe does nothing. This is more than a worker needs for one, cold starts included.
SECONDS_A_PROBE = 0.1
# Each probe is read until it has ended.
READS_A_PROBE = 3
PRICED_REGION = "us-east-1"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How many probes go where, and what they cost at most."""

    options: Options
    queue: str
    count: int
    dollars: float
    region: str  # Whose prices these are.

    @property
    def text(self) -> str:
        where = f"TASKS['{self.options.alias}'] and {self.options.queue(self.queue)}"
        what = f"{self.count:,} probes through {where}"
        if is_local_aws():
            return f"{what} cost nothing, because AWS is on this machine."
        return f"{what} cost about ${max(self.dollars, 0.01):,.2f} at most, by the prices of {self.region}."

    def data(self) -> dict[str, Any]:
        """Return the plan as --json prints it."""
        dollars = 0.0 if is_local_aws() else self.dollars
        return {
            "alias": self.options.alias,
            "queue": self.queue,
            "count": self.count,
            "dollars": dollars,
            "region": self.region,
        }


@dataclass(slots=True)
class LoadReport:
    """What became of the probes. Times are in seconds."""

    queue: str
    sent: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # By the reason.
    send_seconds: float = 0.0
    ended: int = 0
    failed: int = 0
    unanswered: int = 0
    sent_again: int = 0  # By the sweeper.
    seconds: float = 0.0  # From the first enqueue() to the last end.
    delays: list[float] = field(default_factory=list)  # From enqueue() to the claim.
    throttles: dict[str, float] | None = None  # By metric; None if CloudWatch doesn't say.

    @property
    def per_second(self) -> float:
        return self.ended / self.seconds if self.seconds else 0.0

    @property
    def sent_per_second(self) -> float:
        return self.sent / self.send_seconds if self.send_seconds else 0.0

    def data(self) -> dict[str, Any]:
        """Return the report as --json prints it."""
        found = asdict(self)
        del found["delays"]
        delays = percentiles(self.delays)
        return found | {
            "per_second": self.per_second,
            "sent_per_second": self.sent_per_second,
            "delay_seconds": delays,
        }


def percentiles(values: Sequence[float]) -> dict[str, float] | None:
    """Return the median, the 99th percentile and the largest of these values, or None if there are none."""
    if not values:
        return None
    cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [values[0]] * 99
    return {"p50": cuts[49], "p99": cuts[98], "longest": max(values)}


def load_plan(options: Options, queue: str, count: int) -> LoadPlan:
    region = client("sqs").meta.region_name
    region = region if region in PRICES else PRICED_REGION
    costs = task_costs(
        PRICES[region],
        count=count,
        memory=options.queues[queue].memory,
        seconds=SECONDS_A_PROBE,
        reads=READS_A_PROBE,
        write_units=WRITE_UNITS + len(HISTORY_INDEXES[options.history]),
    )
    return LoadPlan(options=options, queue=queue, count=count, dollars=sum(costs.values()), region=region)


def send_load(plan: LoadPlan, seconds: float, progress: Callable[[int, str], None]) -> LoadReport:
    """
    Send the probes by enqueue_many(), and wait until they have ended, or until none ends for `seconds`.

    Cancel those that haven't ended. Raise ResourceMissing if AWS says that the queue doesn't exist.
    """
    report = LoadReport(queue=plan.options.queue(plan.queue))
    began_at, began = time.monotonic(), datetime.now(UTC)
    task = probe_task().using(backend=plan.options.alias, queue_name=plan.queue)
    refused: Counter[str] = Counter()
    ids: list[str] = []
    try:
        for answer in task.enqueue_many(() for _ in range(plan.count)):
            if isinstance(answer, Exception):
                refused[refusal(answer)] += 1
            else:
                ids.append(answer.id)
            progress(len(ids), "sent")
        report.sent, report.refused = len(ids), dict(refused)
        report.send_seconds = time.monotonic() - began_at
        waiting = wait_for(plan.options, ids, report, seconds, progress)
    except BaseException:
        cancel_all(plan.options, ids)
        raise
    report.unanswered = len(waiting)
    cancel_all(plan.options, waiting)
    report.throttles = throttles(plan, began)
    return report


def refusal(exc: Exception) -> str:
    """Return why a probe was refused: the code of AWS, or the class of the exception."""
    cause = exc.__cause__ or exc
    code = getattr(cause, "response", {}).get("Error", {}).get("Code")
    return str(code or type(cause).__qualname__)


def wait_for(
    options: Options,
    ids: list[str],
    report: LoadReport,
    seconds: float,
    progress: Callable[[int, str], None],
) -> list[str]:
    """Add every probe that ends to the report. Return those that haven't ended when none ends for long."""
    store, waiting = store_of(options), ids
    last_end = time.monotonic()
    first: datetime | None = None
    last: datetime | None = None
    while waiting and time.monotonic() - last_end < seconds:
        still_waiting: list[str] = []
        for page in batched(waiting, MOST_READ):
            # The first ones end first. If most of a page waits, so does what was sent after it.
            if len(still_waiting) > MOST_READ:
                still_waiting += page
                continue
            found = store.begin_get_many(page)()
            for task_id in page:
                record = read_record(found[task_id]) if task_id in found else None
                if record is None or not record.ended:
                    still_waiting.append(task_id)
                    continue
                last_end = time.monotonic()
                count_end(report, record)
                enqueued_at = record.enqueued.enqueued_at
                finished_at = record.finished_at or enqueued_at
                first = min(first or enqueued_at, enqueued_at)
                last = max(last or finished_at, finished_at)
            progress(report.ended, "ended")
        waiting = still_waiting
        if waiting:
            time.sleep(ASK_EVERY_SECONDS)
    report.seconds = (last - first).total_seconds() if first and last else 0.0
    return waiting


def count_end(report: LoadReport, record: TaskRecord) -> None:
    report.ended += 1
    report.failed += record.status != "SUCCESSFUL"
    report.sent_again += bool(record.sends)
    if record.attempted_at is not None:
        report.delays.append((record.attempted_at - record.enqueued.enqueued_at).total_seconds())


def cancel_all(options: Options, ids: Sequence[str]) -> None:
    """End probes that wait, so that their messages run nothing. Those that run end by themselves."""
    change = transitions.cancel(
        now=datetime.now(UTC), result_ttl=timedelta(hours=1), error=error_of(Cancelled())
    )
    for page in batched(ids, MOST_READ):
        for _ in write_together(store_of(options), [(task_id, change) for task_id in page]):
            pass


def throttles(plan: LoadPlan, began: datetime) -> dict[str, float] | None:
    """Return what Lambda and DynamoDB throttled since then, as CloudWatch knows it by now."""
    table = {"Name": "TableName", "Value": plan.options.table}
    function = {"Name": "FunctionName", "Value": plan.options.worker_function(plan.queue)}
    metrics = {
        "lambda": ("AWS/Lambda", "Throttles", [function]),
        "table": ("AWS/DynamoDB", "WriteThrottleEvents", [table]),
        "index": (
            "AWS/DynamoDB",
            "WriteThrottleEvents",
            [table, {"Name": "GlobalSecondaryIndexName", "Value": INDEX}],
        ),
    }
    try:
        series = client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": name,
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
                for name, (namespace, metric, dimensions) in metrics.items()
            ],
            StartTime=began - MINUTE,
            EndTime=datetime.now(UTC) + MINUTE,
        )["MetricDataResults"]
    except failures():
        return None
    return {each["Id"]: sum(each["Values"]) for each in series}


def load_findings(plan: StackSpec, load: LoadPlan, report: LoadReport) -> Iterator[Finding]:
    """Find probes that AWS refused, that failed, or that didn't come back."""
    if report.refused:
        reasons = ", ".join(f"{count:,} × {name}" for name, count in report.refused.items())
        text = f"AWS refused {sum(report.refused.values()):,} of {load.count:,} probes: {reasons}."
        remedy = 'Send fewer at a time, or raise what is throttled: see the page "How much can it take?".'
        yield finding("load-refused", plan.stack, text, remedy=remedy)
    if report.unanswered or report.failed:
        text = (
            f"{report.unanswered:,} of {report.sent:,} probes didn't end in time and were cancelled, and "
            f"{report.failed:,} failed."
        )
        remedy = log_remedy(load.options.worker_function(load.queue))
        yield finding("load-unanswered", plan.stack, text, remedy=remedy)


def load_unsent(plan: StackSpec, text: str) -> Finding:
    remedy = "Correct what the findings name, then try again."
    return finding("load-unsent", plan.stack, text, remedy=remedy)


def load_lines(report: LoadReport) -> Iterator[str]:
    """Yield what people read of a report."""
    yield (
        f"{report.queue}: {report.sent:,} probes sent in {report.send_seconds:.1f} s "
        f"({report.sent_per_second:,.0f} a second), {report.ended:,} ended in {report.seconds:.1f} s "
        f"({report.per_second:,.0f} a second)"
    )
    delays = percentiles(report.delays)
    if delays:
        yield (
            f"{report.queue}: delay until the claim {delays['p50']:.2f} s (median), "
            f"{delays['p99']:.2f} s (99th percentile), {delays['longest']:.2f} s (longest)"
        )
    refused = sum(report.refused.values())
    if report.throttles is None:
        known = "CloudWatch doesn't say what was throttled (cloudwatch:GetMetricData)"
    else:
        counts = ", ".join(f"{name} {count:,.0f}" for name, count in sorted(report.throttles.items()))
        known = f"throttled, by what CloudWatch has so far: {counts or 'nothing'}"
    yield f"{report.queue}: {refused:,} refused, {report.sent_again:,} sent again by the sweeper; {known}"
