"""manage.py offload_doctor: what is wrong, and what mends it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from ...conf import Options, configured, stacks
from ...stack import StackSpec, spec_of
from ..base import FINE, WRONG, OffloadCommand
from ..doctor import functions, project, queues, records, storage
from ..doctor.finding import Finding
from ..tables import Painted

# What of a stack is looked at, by its name for readers.
DEPLOYED: dict[str, Callable[[StackSpec], Iterator[Finding]]] = {
    "queues": queues.examine,
    "table": storage.table,
    "bucket": storage.bucket,
    "functions": functions.examine,
}


class Command(OffloadCommand):
    """Look at settings, stack, records and outbox; print what is wrong, and what mends it. Change nothing."""

    help = "Find what is stuck, given up, missing, or contradicts TASKS, and say what mends it."
    example: ClassVar[str] = "manage.py offload_doctor\nmanage.py offload_doctor --json"

    def answer(self, **options: Any) -> int:
        if not configured():
            raise self.unusable("TASKS names no backend of django_offload. Add one, as the README shows.")
        now = datetime.now(UTC)
        findings = [*project.settings(), *project.environment(), *project.database(now)]
        oldest: dict[str, Any] = {}
        with self.working("Looking") as work:
            steps, known = count(), stacks()

            def look(what: str) -> None:
                work.at(next(steps), len(known) * (len(DEPLOYED) + 1), what)

            for stack in known:
                found = list(self._deployed(stack, look))
                findings += found
                look(f"records of {stack.stack}")
                findings += self._kept(stack, now, {finding.id for finding in found}, oldest)
        return self._tell(findings, oldest)

    def _kept(
        self, stack: Options, now: datetime, known: set[str], oldest: dict[str, Any]
    ) -> Iterator[Finding]:
        """Look at what is kept, which can be asked only where there is something to keep it."""
        if not known & {"table-missing", "other-table", "index-missing"}:
            yield from records.overdue(stack, now)
            yield from records.given_up(stack)
            unfinished = records.unfinished(stack, now)
            oldest[stack.stack] = unfinished.data()
            yield from records.waiting(stack, now, unfinished.ready)
        if not known & {"bucket-missing", "bucket-forbidden"}:
            yield from records.refused(stack)

    def _deployed(self, options: Options, look: Callable[[str], object]) -> Iterator[Finding]:
        plan = spec_of(options.stack)
        for name, examine in DEPLOYED.items():
            look(f"{name} of {options.stack}")
            yield from examine(plan)

    def _tell(self, findings: list[Finding], oldest: dict[str, Any]) -> int:
        wrong = [finding for finding in findings if finding.wrong]
        notes = [finding for finding in findings if not finding.wrong]
        self.data(
            {
                "findings": [asdict(finding) for finding in wrong],
                "notes": [asdict(finding) for finding in notes],
                "stacks": oldest,
            }
        )
        for finding in findings:
            mark = Painted("WRONG", "bad") if finding.wrong else Painted("note ", "waits")
            self.line(mark, f"  {finding.text} ({finding.id})\n       → {finding.mend}")
        for stack, found in oldest.items():
            for what, record in found.items():
                if record:
                    told = f"{record['id']} {record['task']}, since {record['since']:%Y-%m-%d %H:%M} UTC"
                    self.line(f"{stack}: {what.replace('_', ' ')}: {told}")
        if wrong:
            self.line(Painted(f"{len(wrong)} {'finding' if len(wrong) == 1 else 'findings'}.", "bad"))
        else:
            self.line(Painted("Nothing is wrong.", "good"))
        return WRONG if wrong else FINE
