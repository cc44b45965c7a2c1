"""manage.py offload_doctor: find problems, and show how to correct them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType
from typing import Any, ClassVar

from django.core.management import CommandError
from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...conf import Options, configured, stacks
from ...exceptions import OffloadError
from ...stack import StackSpec, spec_of
from ...stack import stacks as aliases_by_stack
from ..base import EXIT_OK, EXIT_PROBLEM, OffloadCommand, error_message
from ..doctor import functions, project, queues, records, storage
from ..doctor.finding import Finding, is_local_aws
from ..doctor.load import LoadPlan, load_findings, load_lines, load_plan, load_unsent, send_load
from ..doctor.probe import ProbeReport, nothing_sent, probe_stack
from ..rendering import Styled

# The checks of a deployed stack, by the names that the progress shows.
STACK_CHECKS: dict[str, Callable[[StackSpec], Iterator[Finding]]] = {
    "queues": queues.check_queues,
    "table": storage.check_table,
    "bucket": storage.check_bucket,
    "functions": functions.check_functions,
}
# Findings without a table to read, or to send probes to.
NO_TABLE = {"table-missing", "other-table"}
NO_REPORTS: Mapping[str, ProbeReport] = MappingProxyType({})


class Command(OffloadCommand):
    help = "Find what is stuck, given up or missing, or contradicts TASKS, and how to correct it."
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_doctor
manage.py offload_doctor --json
manage.py offload_doctor --probe
manage.py offload_doctor --load 1000 --dry-run
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
        parser.add_argument(
            "--load",
            type=int,
            metavar="N",
            help="After --probe, which it includes, send N probes through one queue and measure them.",
        )
        parser.add_argument("--alias", help="The alias of TASKS that --load sends by (the first one).")
        parser.add_argument("--queue", help="The queue that --load sends through (the first of the alias).")
        parser.add_argument("--yes", action="store_true", help="Send the load without asking.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what the load would cost, and send nothing."
        )

    def run(self, **options: Any) -> int:
        self.require_positive("--timeout", options["timeout"])
        load = self.plan_load(options)
        if load is not None:
            self.write_line(load.text)
            if options["dry_run"]:
                self.write_json({"load": load.data()})
                return EXIT_OK
            if not is_local_aws() and not self.confirmed(options, "Send them?", "the cost"):
                self.write_line("Nothing was sent.")
                return EXIT_OK
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
            self.write_report(findings, {})
            return EXIT_PROBLEM
        findings += [*project.check_environment(), *project.check_database(now)]
        oldest = self.check_all(plans, now, findings)
        reports: dict[str, ProbeReport] = {}
        if options["probe"] or load is not None:
            reports = self.probe_all(plans, options["timeout"], findings)
        if load is not None:
            self.send(load, plans[load.options.stack], reports, options["timeout"], findings)
        self.write_report(findings, oldest, reports)
        return EXIT_PROBLEM if any(finding.wrong for finding in findings) else EXIT_OK

    def check_all(
        self, plans: Mapping[str, StackSpec], now: datetime, findings: list[Finding]
    ) -> dict[str, Any]:
        """Add what is wrong with each stack to the findings. Return its oldest records."""
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
        return oldest

    def plan_load(self, options: dict[str, Any]) -> LoadPlan | None:
        """Return what --load asks for, or None without it. Raise CommandError if TASKS has no such queue."""
        if options["load"] is None:
            for name in ("alias", "queue", "yes", "dry_run"):
                if options[name]:
                    raise self.usage_error(f"--{name.replace('_', '-')} belongs to --load. Add --load N.")
            return None
        self.require_positive("--load", options["load"])
        self.require_backend()
        aliases = configured()
        alias = options["alias"] or next(iter(aliases))
        if alias not in aliases:
            raise self.usage_error(f"TASKS has no alias '{alias}' of ours. Use {' or '.join(aliases)}.")
        queues = aliases[alias].queues
        queue = options["queue"] or next(iter(queues))
        if queue not in queues:
            raise self.usage_error(f"TASKS['{alias}'] has no queue '{queue}'. Use {' or '.join(queues)}.")
        return load_plan(aliases[alias], queue, options["load"])

    def probe_all(
        self, plans: Mapping[str, StackSpec], seconds: float, findings: list[Finding]
    ) -> dict[str, ProbeReport]:
        """Send probes through each stack. Add what is wrong to the findings."""
        reports: dict[str, ProbeReport] = {}
        with self.progress("Probing") as progress:
            for name, plan in plans.items():
                if any(found.stack == name and found.id in NO_TABLE for found in findings):
                    reports[name] = ProbeReport(findings=[nothing_sent(plan)])
                else:
                    aliases = aliases_by_stack()[name]
                    reports[name] = probe_stack(
                        plan, aliases, seconds, lambda text: progress.update(0, None, text), error_message
                    )
                findings += reports[name].findings
        return reports

    def send(
        self,
        load: LoadPlan,
        plan: StackSpec,
        reports: Mapping[str, ProbeReport],
        seconds: float,
        findings: list[Finding],
    ) -> None:
        """Send the load, if the probes of its stack came back. Add what is wrong to the findings."""
        if any(found.wrong for found in reports[plan.stack].findings):
            findings.append(load_unsent(plan, "The load wasn't sent, because a probe found a problem."))
            return
        with self.progress("Load") as progress:
            try:
                report = send_load(load, seconds, lambda done, text: progress.update(done, load.count, text))
            except OffloadError as exc:
                findings.append(load_unsent(plan, f"The load wasn't sent, or not all of it: {exc}"))
                return
        reports[plan.stack].load = report
        findings += load_findings(plan, load, report)

    def write_report(
        self,
        findings: list[Finding],
        oldest: dict[str, Any],
        reports: Mapping[str, ProbeReport] = NO_REPORTS,
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
        if report.load is not None:
            for line in load_lines(report.load):
                self.write_line(line)


def seconds_text(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def check_stored(
    stack: Options, now: datetime, finding_ids: set[str], oldest: dict[str, Any]
) -> Iterator[Finding]:
    """Check the records and the bucket, if they can be read. Add the oldest records to `oldest`."""
    if not finding_ids & {*NO_TABLE, "index-missing"}:
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
