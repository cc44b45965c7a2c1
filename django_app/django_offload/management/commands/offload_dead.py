"""manage.py offload_dead: list dead letters, show one, redrive or discard them."""

from itertools import islice
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...operations import describe
from ...operations.dead_letters import DeadLetterFilter, act_on_all, act_on_ids, dead_letter_row
from ...operations.find import find
from ...operations.unverified_bodies import (
    SHOWN_BYTES,
    UNVERIFIED_PREFIX,
    escaped,
    unverified_bodies,
    unverified_body,
)
from ...worker.events import utc_now
from ..base import EXIT_OK, EXIT_PROBLEM, HelpFormatter, OffloadCommand, example_epilog
from ..rendering import Styled, record_lines

PROGRESS_LABELS = {"redrive": "Redriving", "discard": "Discarding"}
HEADINGS = ["id", "task", "cause", "queue", "attempts", "failed at", "message"]


class Command(OffloadCommand):
    """
    Work on dead letters: FAILED records that ended for another reason than their task's own exception.

    Redriving makes a record READY and sends a newly signed message. It refuses a record that waits or runs.
    """

    help = "List, show, redrive or discard dead letters: tasks that were given up."
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_dead list
manage.py offload_dead show 3f2b9c0de4a1487fb7d2a5c6e8f01234
manage.py offload_dead redrive 3f2b9c0de4a1487fb7d2a5c6e8f01234
manage.py offload_dead redrive --cause UnknownTask
manage.py offload_dead discard --task shop.tasks.send
manage.py offload_dead discard --all
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", metavar="ACTION", required=True, help="One of these; each has --help."
        )

        def add_action(name: str, text: str) -> CommandParser:
            examples = [line for line in self.example.splitlines() if f" {name}" in line]
            action_parser: CommandParser = actions.add_parser(
                name,
                help=text,
                description=text,
                epilog=example_epilog("\n".join(examples)),
                formatter_class=HelpFormatter,
            )
            return action_parser

        list_parser = add_action("list", "List dead letters, the oldest first.")
        list_parser.add_argument("--limit", type=int, default=100, help="List at most this many (100).")
        show_parser = add_action("show", "Show a dead letter, or a message that failed verification.")
        show_parser.add_argument("id", metavar="ID", help="The id of a task, or the key of a message.")
        show_parser.add_argument(
            "--bytes",
            type=int,
            help="Also show the body of a message, at most this many bytes of it. It may contain arguments.",
        )
        redrive_parser = add_action("redrive", "Make dead letters READY again and send them.")
        discard_parser = add_action("discard", "Remove dead letters from the list. They stay FAILED.")
        for action_parser in (redrive_parser, discard_parser):
            action_parser.add_argument(
                "ids", metavar="ID", nargs="*", help="Ids of tasks, or keys of messages."
            )
            action_parser.add_argument("--all", action="store_true", help="All that are listed.")
        for action_parser in (list_parser, redrive_parser, discard_parser):
            action_parser.add_argument("--task", help="Only dead letters of this task.")
            action_parser.add_argument("--cause", help="Only dead letters with this class of error.")
            action_parser.add_argument(
                "--failed", action="store_true", help="Also tasks that failed with their own exception."
            )
        for action_parser in (list_parser, show_parser, redrive_parser, discard_parser):
            self.add_common_arguments(action_parser)

    def run(self, **options: Any) -> int:
        self.require_backend()
        action = options["action"]
        if action == "show":
            if options["bytes"] is not None:
                self.require_positive("--bytes", options["bytes"])
            if options["id"].startswith(UNVERIFIED_PREFIX):
                return self.show_message(options["id"], options["bytes"])
            return self.show_record(options["id"])
        selection = DeadLetterFilter(task=options["task"], cause=options["cause"], failed=options["failed"])
        if action == "list":
            self.require_positive("--limit", options["limit"])
            return self.list_dead_letters(selection, options["limit"])
        return self.act(action, selection, options["ids"], everything=options["all"])

    def list_dead_letters(self, selection: DeadLetterFilter, limit: int) -> int:
        rows = [dead_letter_row(*dead_letter) for dead_letter in islice(selection.records(), limit)]
        messages = [] if selection.narrow else list(islice(unverified_bodies(), limit))
        self.write_json(
            {
                "records": rows,
                "bodies": [
                    {"key": entry.key, "stack": stack.stack, "size": entry.size, "kept_at": entry.stored_at}
                    for stack, entry in messages
                ],
            }
        )
        if rows:
            self.write_table(HEADINGS, [table_row(row) for row in rows])
        if len(rows) == limit:
            self.write_line(f"There may be more than these {limit}. Use --limit, --task or --cause.")
        if messages:
            if rows:
                self.write_line()
            self.write_line("Messages that failed verification:")
            self.write_table(
                ["key", "bytes", "stored at (UTC)"],
                [[entry.key, entry.size, f"{entry.stored_at:%Y-%m-%d %H:%M}"] for _, entry in messages],
            )
        if not rows and not messages:
            self.write_line(none_text(selection))
        return EXIT_OK

    def show_record(self, task_id: str) -> int:
        stored_task = find(task_id, with_parts=True)
        if stored_task is None:
            raise self.failure(f"There is no task with the id {task_id}. See manage.py offload_dead list.")
        description = describe.describe(stored_task)
        self.write_json(description)
        for line in record_lines(description):
            self.write_line(*line)
        return EXIT_OK

    def show_message(self, key: str, limit: int | None) -> int:
        data = unverified_body(key)
        if data is None:
            raise self.failure(f"There is no message with the key {key}. See manage.py offload_dead list.")
        text = "" if limit is None else escaped(data, limit)
        self.write_json({"key": key, "size": len(data), "text": text})
        if limit is None:
            self.write_line(
                f"The message has {len(data):,} bytes. It may contain sensitive arguments of a task. "
                f"Show them with --bytes {min(len(data), SHOWN_BYTES)}."
            )
            return EXIT_OK
        self.write_line(text)
        if len(data) > limit:
            self.write_line(f"… {len(data) - limit:,} more bytes. Show them with --bytes {len(data)}.")
        return EXIT_OK

    def act(self, action: str, selection: DeadLetterFilter, ids: list[str], *, everything: bool) -> int:
        """Redrive or discard the dead letters, and print what happened to each."""
        if bool(ids) == (everything or selection.narrow):
            raise self.usage_error(f"Choose what to {action}. Give ids, or use --task, --cause or --all.")
        results = []
        acted = act_on_ids(action, ids, utc_now) if ids else act_on_all(action, selection, utc_now)
        with self.progress(PROGRESS_LABELS[action]) as progress:
            for result in acted:
                results.append(result)
                self.write_line(Styled(result.id, "good" if result.done else "bad"), f"  {result.text}")
                progress.update(len(results), len(ids) or None)
        self.write_json([{"id": result.id, "done": result.done, "text": result.text} for result in results])
        if not results:
            self.write_line(none_text(selection))
        return EXIT_OK if all(result.done for result in results) else EXIT_PROBLEM


def table_row(row: dict[str, Any]) -> list[object]:
    failed_at = f"{row['failed_at']:%Y-%m-%d %H:%M}" if row["failed_at"] else ""
    cause = Styled(row["cause"].rpartition(".")[2], "bad")
    return [row["id"], row["task"], cause, row["queue"], row["attempts"], failed_at, row["message"]]


def none_text(selection: DeadLetterFilter) -> str:
    """Return what to print if no dead letter matches."""
    text = f"There are no {'matching ' if selection.narrow else ''}dead letters."
    return (
        text if selection.failed else f"{text} Add --failed for tasks that failed with their own exception."
    )
