"""manage.py offload_doctor: find problems, and show how to correct them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from django.core.management import CommandError
from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...conf import Options, stacks
from ...stack import StackSpec, spec_of
from ...stack import stacks as aliases_by_stack
from ..base import EXIT_OK, EXIT_PROBLEM, OffloadCommand, error_message
from ..doctor import functions, project, queues, records, storage
from ..doctor.finding import Finding
from ..doctor.probe import ProbeReport, probe_stack
from ..rendering import Styled

# The checks of a deployed stack, by the names that the progress shows.
STACK_CHECKS: dict[str, Callable[[StackSpec], Iterator[Finding]]] = {
    "queues": queues.check_queues,
    "table": storage.check_table,
    "bucket": storage.check_bucket,
    "functions": functions.check_functions,
}


class Command(OffloadCommand):
    help = "Find what is stuck, given up or missing, or contradicts TASKS, and how to correct it."
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_doctor
manage.py offload_doctor --json
manage.py offload_doctor --probe
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--probe",
            action="store_true",
            help="Also send a probe through every queue and backend, and a dead letter there and back.",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=90.0,
            metavar="SECONDS",
            help="How long to wait for each answer to a probe (%(default)g).",
        )

    def run(self, **options: Any) -> int:
        self.require_positive("--timeout", options["timeout"])
        now = datetime.now(UTC)
        findings = [*project.check_settings()]
        try:
            self.require_backend()
            plans = {stack.stack: spec_of(stack.stack) for stack in stacks()}
        except (Exception, SystemExit) as exc:
            # Findings about anything else than TASKS don't say which backend to add.
            has_no_backend = isinstance(exc, CommandError) and all(each.id != "E007" for each in findings)
            if has_no_backend or not any(finding.wrong for finding in findings):
                raise
            # AWS can't be compared with settings that contradict themselves, or with tasks that can't be
            # imported. The findings say so.
            self.write_report(findings, {}, {})
            return EXIT_PROBLEM
        findings += [*project.check_environment(), *project.check_database(now)]
        oldest: dict[str, Any] = {}
        with self.progress("Checking") as progress:
            step_numbers, all_stacks = count(), stacks()
            total = len(all_stacks) * (len(STACK_CHECKS) + 1)
            for stack in all_stacks:
                plan = plans[stack.stack]
                stack_findings: list[Finding] = []
                for name, check in STACK_CHECKS.items():
                    progress.update(next(step_numbers), total, f"{name} of {stack.stack}")
                    stack_findings += check(plan)
                progress.update(next(step_numbers), total, f"records of {stack.stack}")
                ids = {finding.id for finding in stack_findings}
                findings += [*stack_findings, *check_stored(stack, now, ids, oldest)]
        reports: dict[str, ProbeReport] = {}
        if options["probe"]:
            with self.progress("Probing") as progress:
                reports = {
                    name: probe_stack(
                        plan,
                        aliases_by_stack()[name],
                        options["timeout"],
                        lambda text: progress.update(0, None, text),
                        error_message,
                    )
                    for name, plan in plans.items()
                }
            findings += [found for report in reports.values() for found in report.findings]
        self.write_report(findings, oldest, reports)
        return EXIT_PROBLEM if any(finding.wrong for finding in findings) else EXIT_OK

    def write_report(
        self, findings: list[Finding], oldest: dict[str, Any], reports: dict[str, ProbeReport]
    ) -> None:
        wrong = [finding for finding in findings if finding.wrong]
        notes = [finding for finding in findings if not finding.wrong]
        self.write_json(
            {
                "findings": [finding.data() for finding in wrong],
                "notes": [finding.data() for finding in notes],
                "stacks": oldest,
                **({"probes": {name: report.data() for name, report in reports.items()}} if reports else {}),
            }
        )
        for finding in findings:
            mark = Styled("WRONG", "bad") if finding.wrong else Styled("note ", "info")
            self.write_line(mark, f"  {finding.text} ({finding.id})")
            self.write_line(f"       → {finding.remedy}")
        for stack, oldest_records in oldest.items():
            for name, record in oldest_records.items():
                if record:
                    since = f"{record['since']:%Y-%m-%d %H:%M} UTC"
                    title = name.replace("_", " ")
                    self.write_line(f"{stack}: {title}: {record['id']} {record['task']}, since {since}")
        for stack, report in reports.items():
            self.write_probes(stack, report)
        if wrong:
            self.write_line(
                Styled(f"{len(wrong)} {'problem' if len(wrong) == 1 else 'problems'} found.", "bad")
            )
        else:
            self.write_line(Styled("No problems found.", "good"))

    def write_probes(self, stack: str, report: ProbeReport) -> None:
        if report.times:
            self.write_table(
                ["backend", "queue", "queue delay", "cold start", "run", "end to end", "dead letter"],
                [
                    [
                        times.alias,
                        times.queue,
                        seconds_text(times.queue_delay),
                        "–" if times.cold_start is None else seconds_text(times.cold_start),
                        seconds_text(times.run),
                        seconds_text(times.end_to_end),
                        seconds_text(report.dead_letter_seconds.get(times.queue)),
                    ]
                    for times in report.times
                ],
            )
        if report.sweeper_ran_at is not None:
            self.write_line(f"{stack}: the sweeper last ran at {report.sweeper_ran_at:%Y-%m-%d %H:%M} UTC")


def seconds_text(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def check_stored(
    stack: Options, now: datetime, finding_ids: set[str], oldest: dict[str, Any]
) -> Iterator[Finding]:
    """Check the records and the bucket, if they can be read. Add the oldest records to `oldest`."""
    if not finding_ids & {"table-missing", "other-table", "index-missing"}:
        overdue = list(records.check_overdue(stack, now))
        yield from overdue
        yield from records.check_dead_letters(stack)
        unfinished = records.unfinished_records(stack, now)
        if all(found.id != "overdue-unreadable" for found in overdue):
            yield from records.check_unreadable(stack, unfinished.unreadable)
        oldest[stack.stack] = unfinished.data()
        yield from records.check_waiting(stack, now, unfinished.ready)
    if not finding_ids & {"bucket-missing", "bucket-forbidden"}:
        yield from records.check_unverified_messages(stack)
