"""manage.py offload_result: show a task once, or until it ends; or cancel it."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management import CommandError
from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...operations import describe
from ...operations.cancel import cancel
from ...operations.duplicates import followed
from ...operations.find import StoredTask, find
from ...operations.status import status_of
from ...protocol.record import SUCCESSFUL, TaskRecord, read_record
from ..base import EXIT_INTERRUPTED, EXIT_OK, EXIT_PROBLEM, OffloadCommand
from ..progress import Progress, ProgressBar
from ..rendering import one_line, progress_text, record_lines, styled_status


class Command(OffloadCommand):
    help = (
        "Show one task by its id: status, attempts, arguments, result or error with traceback. "
        "With --follow, show its progress until it ends. The exit code is then 0 if it succeeded and 1 if it "
        "failed. Ctrl-C stops following with exit code 130; the task continues."
    )
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234 --follow
manage.py offload_result 3f2b9c0de4a1487fb7d2a5c6e8f01234 --cancel
"""
    json_help = "Print JSON for programs. With --follow, print a line of it for each change."
    pause = staticmethod(time.sleep)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", help="The id of the task: 32 hexadecimal digits.")
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Show its progress until it ends: as a bar if rich is installed "
            '(pip install "django-offload[terminal]"), otherwise as a line for each change.',
        )
        parser.add_argument(
            "--cancel",
            action="store_true",
            help="Cancel it first. A running task stops when it next checks for that.",
        )
        parser.add_argument(
            "--every",
            type=float,
            default=1.0,
            metavar="SECONDS",
            help="With --follow: the time between reads (1).",
        )

    def run(self, **options: Any) -> int:
        self.require_positive("--every", options["every"])
        stored_task = self.find_task(options["id"])
        if options["cancel"]:
            enqueued = stored_task.record.enqueued
            if cancel(stored_task.store, enqueued, stored_task.options, datetime.now(UTC)) is None:
                raise self.failure(not_cancelled(stored_task.record))
            stored_task = self.find_task(enqueued.id)
        if options["follow"]:
            # Of a duplicate, the task that does its work is what goes on.
            stored_task = self.follow(followed(stored_task), options["every"])
        description = describe.describe(stored_task)
        self.write_json_line(description) if options["follow"] else self.write_json(description)
        for line in record_lines(description):
            self.write_line(*line)
        unsuccessful = stored_task.record.status != SUCCESSFUL
        return EXIT_PROBLEM if options["follow"] and unsuccessful else EXIT_OK

    def find_task(self, task_id: str) -> StoredTask:
        stored_task = find(task_id, with_parts=True)
        if stored_task is None:
            raise self.failure(
                f"There is no task with the id {task_id}. Check the id. Results are kept for result_ttl."
            )
        return stored_task

    def follow(self, stored_task: StoredTask, every: float) -> StoredTask:
        """Print each change of a task until it ends, and return its final record."""
        store, record = stored_task.store, stored_task.record
        task_id, last_change = record.enqueued.id, object()
        try:
            with self.progress(record.enqueued.name.rpartition(".")[2]) as progress:
                while not record.ended:
                    last_change = self.show_progress(record, progress, last_change)
                    self.pause(every)
                    attributes = store.get(task_id)
                    if attributes is None:
                        break
                    record = read_record(attributes)
        except KeyboardInterrupt as exc:
            message = f"Stopped by Ctrl-C. The task continues. See manage.py offload_result {task_id}."
            raise CommandError(message, returncode=EXIT_INTERRUPTED) from exc
        return self.find_task(task_id)

    def show_progress(self, record: TaskRecord, progress: Progress, last_change: object) -> object:
        """Update the bar; print a line only if something differs from `last_change`. Return the new state."""
        reported = record.progress or {}
        if isinstance(progress, ProgressBar):
            text = one_line(f"{record.status} {reported.get('message') or ''}".rstrip())
            progress.update(reported.get("done", 0), reported.get("total"), text)
        change = (record.status, record.attempts, record.progress)
        if change != last_change:
            self.write_json_line(status_of(record, {}))
            if not isinstance(progress, ProgressBar):
                time_text = f"{datetime.now(UTC):%H:%M:%S} UTC  "
                self.write_line(time_text, styled_status(record.status), f"  {progress_text(reported)}")
        return change


def not_cancelled(record: TaskRecord) -> str:
    """Return why a task that has ended can't be cancelled, and what to do."""
    if record.duplicate_of is not None:
        return f"The task is a duplicate. Cancel the one that does its work: {record.duplicate_of}."
    return f"The task has ended as {record.status}, so it can't be cancelled."
