"""Send probes through every queue and backend of TASKS, and see when the sweeper last ran."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ...aws import client, failures
from ...conf import Options
from ...exceptions import EnqueueFailed
from ...operations.probe import (
    ProbeFailed,
    ProbeRefused,
    ProbeTimes,
    ProbeUnknown,
    SentProbe,
    begin_dead_letter,
    dead_letter_ran,
    give_up,
    measure,
    redrive_dead_letter,
    send_probe,
)
from ...stack import StackSpec
from ...stack.names import DEAD_LETTER, SWEEPER
from .finding import Finding, deploy_remedy, finding, is_local_aws, log_remedy
from .load import LoadReport

# CloudWatch has a metric some minutes later.
SWEEPER_SILENT_AFTER = timedelta(minutes=15)
# AWS says the time in whole seconds.
MOST_SKEW = timedelta(seconds=3)

type Explain = Callable[[Exception], str | None]
type Progress = Callable[[str], None]


@dataclass(slots=True)
class ProbeReport:
    """What the probes of a stack found."""

    findings: list[Finding] = field(default_factory=list)
    times: list[ProbeTimes] = field(default_factory=list)
    dead_letter_seconds: dict[str, float] = field(default_factory=dict)  # By queue.
    sweeper_ran_at: datetime | None = None
    load: LoadReport | None = None

    def data(self) -> dict[str, Any]:
        """Return the report as --json prints it."""
        return {
            "probes": [asdict(times) for times in self.times],
            "dead_letter_seconds": self.dead_letter_seconds,
            "sweeper_ran_at": self.sweeper_ran_at,
            **({} if self.load is None else {"load": self.load.data()}),
        }


def probe_stack(
    plan: StackSpec, aliases: list[Options], seconds: float, progress: Progress, explain: Explain
) -> ProbeReport:
    """
    Send a probe through every queue of a stack: to its dead-letter queue, and by each of its aliases.

    The dead letters go first, because they say if the deployed release doesn't know the probe, or can't
    verify it. Then nothing else is sent.
    """
    report = ProbeReport()
    report.findings += check_clock(plan)
    report.findings += check_sweeper(plan, report)
    try:
        report.findings += probe_dead_letters(plan, aliases, seconds, report, progress, explain)
    except ProbeUnknown as exc:
        report.findings.append(unknown_probe(plan, exc))
        return report
    except ProbeRefused as exc:
        text = f"{exc} This terminal has another SECRET_KEY than {plan.stack}."
        report.findings.append(finding("probe-refused", plan.stack, text, remedy=KEY_REMEDY))
        return report
    report.findings += probe_workers(plan, aliases, seconds, report, progress, explain)
    return report


def probe_dead_letters(
    plan: StackSpec,
    aliases: list[Options],
    seconds: float,
    report: ProbeReport,
    progress: Progress,
    explain: Explain,
) -> Iterator[Finding]:
    """
    Put a probe into every dead-letter queue, redrive it, and wait until it has run.

    Give up those that don't come back. Raise ProbeUnknown if the deployed release doesn't know the probe, and
    ProbeRefused if it can't verify messages of this process.
    """

    def found(queue: str, exc: Exception) -> Finding:
        text = f"A dead letter of {plan.options.queue(queue)} didn't come back: {reason(exc, explain)}"
        remedy = log_remedy(plan.options.function(DEAD_LETTER))
        return finding("probe-dead-letter", plan.stack, text, remedy=remedy)

    waiting: dict[str, SentProbe] = {}
    try:
        for queue in plan.queues:
            progress(f"a dead letter of {plan.options.queue(queue)}")
            options = next(options for options in aliases if queue in options.queues)
            try:
                waiting[queue] = begin_dead_letter(options, queue)
            except Exception as exc:  # noqa: BLE001, the other queues are probed too
                yield found(queue, exc)
        begun = {queue: probe.began_at for queue, probe in waiting.items()}
        for step in (redrive_dead_letter, dead_letter_ran):
            for queue, probe in list(waiting.items()):
                try:
                    waiting[queue] = step(probe, seconds)
                except (ProbeUnknown, ProbeRefused):
                    raise
                except Exception as exc:  # noqa: BLE001, the other queues are probed too
                    give_up(waiting.pop(queue))
                    yield found(queue, exc)
    except BaseException:
        for probe in waiting.values():
            give_up(probe)
        raise
    for queue in waiting:
        report.dead_letter_seconds[queue] = time.monotonic() - begun[queue]


def probe_workers(
    plan: StackSpec,
    aliases: list[Options],
    seconds: float,
    report: ProbeReport,
    progress: Progress,
    explain: Explain,
) -> Iterator[Finding]:
    """Send a probe through every queue by each of its aliases, and wait for the answers."""
    waiting: list[SentProbe] = []
    try:
        for options in aliases:
            for queue in options.queues:
                try:
                    waiting.append(send_probe(options, queue))
                except Exception as exc:  # noqa: BLE001, the other queues are probed too
                    text = f"A probe can't be sent {way(options, queue)}: {reason(exc, explain)}"
                    yield finding("probe-unsent", plan.stack, text, remedy=SEND_REMEDY)
        while waiting:
            progress(f"an answer {way(waiting[0].options, waiting[0].enqueued.queue)}")
            yield from answer_findings(plan, waiting[0], seconds, report, explain)
            del waiting[0]
    except BaseException:
        # Ctrl-C, for example: without this, probes that no worker takes would stay READY for days.
        for probe in waiting:
            give_up(probe)
        raise


KEY_REMEDY = "Give this terminal the SECRET_KEY of the stage. Its file in infra/ says where that is stored."
SEND_REMEDY = "Correct what it names. manage.py offload_doctor without --probe compares the stack with TASKS."


def answer_findings(
    plan: StackSpec, probe: SentProbe, seconds: float, report: ProbeReport, explain: Explain
) -> Iterator[Finding]:
    """Wait for the answer to a probe. Give the probe up if there is none."""
    options, queue = probe.options, probe.enqueued.queue
    try:
        report.times.append(measure(probe, seconds))
    except ProbeUnknown as exc:
        give_up(probe)
        yield unknown_probe(plan, exc)
    except Exception as exc:  # noqa: BLE001, the other probes are waited for too
        give_up(probe)
        text = f"A probe {way(options, queue)} didn't come back: {reason(exc, explain)}"
        yield finding("probe-failed", plan.stack, text, remedy=log_remedy(options.worker_function(queue)))


def nothing_sent(plan: StackSpec) -> Finding:
    """Return the finding about a stack whose table is missing, or belongs to another stack."""
    return finding("probe-unsent", plan.stack, "No probe was sent, because no table can keep its record.")


def unknown_probe(plan: StackSpec, exc: ProbeUnknown) -> Finding:
    remedy = f"Deploy this release first. {deploy_remedy(plan.stack)}"
    return finding("probe-unknown", plan.stack, f"{exc} Nothing was left behind.", remedy=remedy)


def way(options: Options, queue: str) -> str:
    """Return by which backend and queue a probe travels."""
    return f"by TASKS['{options.alias}'] and {options.queue(queue)}"


def reason(exc: Exception, explain: Explain) -> str:
    """Return what happened. Where an error hides the answer of AWS, return that."""
    if isinstance(exc, ProbeFailed):
        return str(exc)
    if isinstance(exc, EnqueueFailed) and isinstance(exc.__cause__, Exception):
        exc = exc.__cause__
    return explain(exc) or f"{type(exc).__qualname__}: {exc}"


def check_clock(plan: StackSpec) -> Iterator[Finding]:
    """Note that this machine's clock is wrong, because the queue delay is a difference of two clocks."""
    answer = client("dynamodb").describe_table(TableName=plan.options.table)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        return
    skew = datetime.now(UTC) - parsedate_to_datetime(date).astimezone(UTC)
    if abs(skew) > MOST_SKEW:
        direction = "ahead of" if skew > timedelta(0) else "behind"
        yield finding(
            "clock-skew",
            plan.stack,
            f"The clock of this machine is {abs(skew).total_seconds():.0f} s {direction} AWS's. The queue "
            "delay is wrong by that much.",
            remedy="Set the clock, for example by NTP. AWS refuses calls from 5 minutes on.",
            wrong=False,
        )


def check_sweeper(plan: StackSpec, report: ProbeReport) -> Iterator[Finding]:
    """Find out from CloudWatch when the sweeper last ran, and if it failed."""
    function, now = plan.options.function(SWEEPER), datetime.now(UTC)
    try:
        invocations, errors = sweeper_metrics(function, now)
    except failures() as exc:
        text = f"CloudWatch doesn't say when {function} last ran: {exc}"
        remedy = "Allow cloudwatch:GetMetricData for the credentials in use."
        yield finding("sweeper-unseen", plan.stack, text, remedy=remedy, wrong=False)
        return
    ran = [instant for instant, count in invocations.items() if count]
    report.sweeper_ran_at = max(ran, default=None)
    if not ran:
        minutes = SWEEPER_SILENT_AFTER // timedelta(minutes=1)
        text = f"{function} hasn't run for {minutes} minutes, so lost and later tasks aren't sent."
        remedy = f"If it started just now, try again in some minutes. Otherwise: {deploy_remedy(plan.stack)}"
        # Local AWS has just been started most of the time, and has its metrics half a minute later.
        yield finding("sweeper-silent", plan.stack, text, remedy=remedy, wrong=not is_local_aws())
    elif errors.get(max(ran)):
        text = f"{function} failed when it last ran, at {max(ran):%H:%M} UTC."
        yield finding("sweeper-fails", plan.stack, text, remedy=log_remedy(function))


def sweeper_metrics(function: str, now: datetime) -> list[dict[datetime, float]]:
    """Return how often the function was invoked and failed, by minute."""
    names = ("Invocations", "Errors")
    dimensions = [{"Name": "FunctionName", "Value": function}]
    series = client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": name.lower(),
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for name in names
        ],
        StartTime=now - SWEEPER_SILENT_AFTER,
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    by_id = {each["Id"]: dict(zip(each["Timestamps"], each["Values"], strict=True)) for each in series}
    return [by_id.get(name.lower(), {}) for name in names]
