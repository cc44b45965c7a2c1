"""manage.py offload_result: one task, as its record tells; now, or until it has ended."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management import CommandError
from django.core.management.base import CommandParser

from ...operations import describe
from ...operations.cancel import cancel
from ...operations.find import StoredTask, find
from ...operations.status import status_of
from ...protocol.record import SUCCESSFUL, TaskRecord, read_record
from ..base import FINE, INTERRUPTED, WRONG, OffloadCommand
from ..long_work import Bar, Work
from ..record_lines import far, lines, painted


class Command(OffloadCommand):
    """Print a task's record: state, times, arguments (sensitive ones hidden), result or error."""

    help = (
        "Show one task by its id: state, attempts, arguments, result or error with traceback. With --follow, "
        "show its progress until it ends; the exit code is then 0 if it succeeded, 1 if it failed. Ctrl-C "
        "ends the watching with exit code 130; the task goes on."
    )
    example: ClassVar[str] = """
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234 --follow
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234 --cancel
"""
    json_help = "Print JSON, for programs to read; with --follow a line of it for each change."
    pause = staticmethod(time.sleep)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", help="The id of the task: 32 hexadecimal digits.")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Show its progress until it ends: as a bar where rich is installed "
            '(pip install "django-offload[terminal]"), else a line for each change.',
        )
        parser.add_argument(
            "--cancel",
            action="store_true",
            help="Cancel it first: at once where it has not started, else as soon as it asks.",
        )
        parser.add_argument(
            "--every",
            type=float,
            default=1.0,
            metavar="SECONDS",
            help="With --follow: how often to look (1).",
        )

    def answer(self, **options: Any) -> int:
        self.above_zero("--every", options["every"])
        found = self._find(options["id"])
        if options["cancel"]:
            found = self._cancel(found)
        if options["follow"]:
            found = self._follow(found, options["every"])
        status = describe.describe(found)
        self.data_line(status) if options["follow"] else self.data(status)
        for line in lines(status):
            self.line(*line)
        return WRONG if options["follow"] and found.record.status != SUCCESSFUL else FINE

    def _find(self, task_id: str) -> StoredTask:
        found = find(task_id, with_parts=True)
        if found is None:
            raise self.wrong(
                f"There is no task of id {task_id}. Check the id; results are kept for result_ttl."
            )
        return found

    def _cancel(self, found: StoredTask) -> StoredTask:
        task_id = found.record.enqueued.id
        if cancel(found.store, found.record.enqueued, found.options, datetime.now(UTC)) is None:
            raise self.wrong(f"It is {found.record.status}: there is nothing to cancel.")
        return self._find(task_id)

    def _follow(self, found: StoredTask, every: float) -> StoredTask:
        """Return the record once it has ended, having told of each change until then."""
        store, record = found.store, found.record
        task_id, told = record.enqueued.id, object()
        try:
            with self.working(record.enqueued.name.rpartition(".")[2]) as work:
                while not record.ended:
                    told = self._tell(record, work, told)
                    self.pause(every)
                    attributes = store.get(task_id)
                    if attributes is None:
                        break
                    record = read_record(attributes)
        except KeyboardInterrupt as exc:
            sentence = f"Ended by Ctrl-C: the task goes on. See manage.py offload_result {task_id}."
            raise CommandError(sentence, returncode=INTERRUPTED) from exc
        return self._find(task_id)

    def _tell(self, record: TaskRecord, work: Work, told: object) -> object:
        """Show how far the task is; as a line only what was not `told` before. Return what is told now."""
        progress = record.progress or {}
        if isinstance(work, Bar):
            text = f"{record.status} {progress.get('message') or ''}".rstrip()
            work.at(progress.get("done", 0), progress.get("total"), text)
        now = (record.status, record.attempts, record.progress)
        if now != told:
            self.data_line(status_of(record, {}))
            if not isinstance(work, Bar):
                self.line(f"{datetime.now(UTC):%H:%M:%S} UTC  ", painted(record.status), f"  {far(progress)}")
        return now
