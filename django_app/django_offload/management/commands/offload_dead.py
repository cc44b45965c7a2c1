"""manage.py offload_dead: what was given up, and what becomes of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...conf import configured
from ...operations import describe
from ...operations.dead_letters import DeadLetterFilter, act_on, act_on_record, dead_letter_row
from ...operations.find import find
from ...operations.redrive import ActionResult
from ...operations.unverified_bodies import (
    SHOWN_BYTES,
    UNVERIFIED_PREFIX,
    escaped,
    unverified_bodies,
    unverified_body,
)
from ...stores import store_of
from ..base import FINE, WRONG, HelpFormatter, OffloadCommand, epilog
from ..record_lines import lines
from ..tables import Painted

WORK = {"redrive": "Redriving", "discard": "Discarding"}
HEADINGS = ["id", "task", "cause", "queue", "attempts", "failed at", "message"]


class Command(OffloadCommand):
    """
    List, show, redrive or discard dead letters: FAILED records that something else than their task ended.

    A redriven record is READY again, its message signed anew; one that runs or waits is refused.
    """

    help = "List, show, redrive or discard dead letters: tasks that were given up."
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

        def action_of(name: str, text: str) -> CommandParser:
            examples = [line for line in self.example.splitlines() if f" {name}" in line]
            made: CommandParser = actions.add_parser(
                name,
                help=text,
                description=text,
                epilog=epilog("\n".join(examples)),
                formatter_class=HelpFormatter,
            )
            return made

        listing = action_of("list", "List them, the oldest first.")
        listing.add_argument("--limit", type=int, default=100, help="At most so many (default: 100).")
        showing = action_of("show", "Show one by its id, or a body by its key.")
        showing.add_argument("id", metavar="ID", help="The id of a task, or the key of a body.")
        size = f"At most so many bytes of a body (default: {SHOWN_BYTES:,})."
        showing.add_argument("--bytes", type=int, default=SHOWN_BYTES, help=size)
        redriving = action_of("redrive", "Make them READY again and send them.")
        discarding = action_of("discard", "Take them out of the list; they stay FAILED.")
        for action in (redriving, discarding):
            action.add_argument("ids", metavar="ID", nargs="*", help="By id.")
            action.add_argument("--all", action="store_true", help="All that are listed.")
        for action in (listing, redriving, discarding):
            action.add_argument("--task", help="Only those of this task.")
            action.add_argument("--cause", help="Only those with this error: the name of its class.")
            action.add_argument(
                "--failed", action="store_true", help="Also those that failed by their task's own exception."
            )
        for action in (listing, showing, redriving, discarding):
            self.add_shared_arguments(action)

    def answer(self, **options: Any) -> int:
        if not configured():
            raise self.unusable("TASKS names no backend of django_offload. Add one, as the README shows.")
        action = options["action"]
        if action == "show":
            self.above_zero("--bytes", options["bytes"])
            return self._show(options["id"], options["bytes"])
        choice = DeadLetterFilter(task=options["task"], cause=options["cause"], failed=options["failed"])
        if action == "list":
            return self._list(choice, options["limit"])
        return self._settle(action, choice, options["ids"], everything=options["all"])

    def _list(self, choice: DeadLetterFilter, limit: int) -> int:
        self.above_zero("--limit", limit)
        found = [dead_letter_row(*each) for each in islice(choice.records(), limit)]
        lying = [] if choice.narrow else list(islice(unverified_bodies(), limit))
        self.data(
            {
                "records": found,
                "bodies": [
                    {"key": kept.key, "stack": of.stack, "size": kept.size, "kept_at": kept.kept_at}
                    for of, kept in lying
                ],
            }
        )
        if found:
            self.table(HEADINGS, [_cells(row) for row in found])
        if len(found) == limit:
            self.line(f"There may be more than these {limit}: --limit, --task or --cause shows others.")
        if lying:
            if found:
                self.line()
            self.line("Bodies that did not verify:")
            rows = [[kept.key, kept.size, f"{kept.kept_at:%Y-%m-%d %H:%M}"] for _, kept in lying]
            self.table(["key", "bytes", "kept at (UTC)"], rows)
        if not found and not lying:
            self.line(_none(choice))
        return FINE

    def _show(self, task_id: str, most: int) -> int:
        if task_id.startswith(UNVERIFIED_PREFIX):
            data = unverified_body(task_id)
            if data is None:
                raise self.wrong(f"There is no body of key {task_id}. See manage.py offload_dead list.")
            text = escaped(data, most)
            self.data({"key": task_id, "size": len(data), "text": text})
            self.line(text)
            if len(data) > most:
                self.line(f"… {len(data) - most:,} bytes more: --bytes {len(data)} shows them.")
            return FINE
        found = find(task_id, with_parts=True)
        if found is None:
            raise self.wrong(f"There is no task of id {task_id}. See manage.py offload_dead list.")
        status = describe.describe(found)
        self.data(status)
        for line in lines(status):
            self.line(*line)
        return FINE

    def _settle(self, action: str, choice: DeadLetterFilter, ids: list[str], *, everything: bool) -> int:
        if bool(ids) == (everything or choice.narrow):
            raise self.unusable(f"Say which to {action}: ids, or --task, --cause or --all.")
        verdicts = []
        with self.working(WORK[action]) as work:
            for verdict in self._verdicts(action, choice, ids):
                verdicts.append(verdict)
                self.line(Painted(verdict.id, "good" if verdict.done else "bad"), f"  {verdict.text}")
                work.at(len(verdicts), len(ids) or None)
        self.data([{"id": each.id, "done": each.done, "text": each.text} for each in verdicts])
        if not verdicts:
            self.line(_none(choice))
        return FINE if all(each.done for each in verdicts) else WRONG

    def _verdicts(self, action: str, choice: DeadLetterFilter, ids: list[str]) -> Iterator[ActionResult]:
        now = datetime.now(UTC)
        if ids:
            yield from (act_on(action, task_id, now) for task_id in dict.fromkeys(ids))
            return
        # What fails again, as soon as it is redriven, is for another call of this command.
        for options, record in choice.records(until=now):
            yield act_on_record(action, store_of(options), record.enqueued.id, options, datetime.now(UTC))
        if action == "discard" and not choice.narrow:
            yield from (act_on(action, kept.key, now) for _, kept in unverified_bodies())


def _cells(row: dict[str, Any]) -> list[object]:
    failed_at = f"{row['failed_at']:%Y-%m-%d %H:%M}" if row["failed_at"] else ""
    cause = Painted(row["cause"].rpartition(".")[2], "bad")
    return [row["id"], row["task"], cause, row["queue"], row["attempts"], failed_at, row["message"]]


def _none(choice: DeadLetterFilter) -> str:
    kind = " of this kind" if choice.narrow else ""
    more = "" if choice.failed else "; --failed looks among tasks that failed by themselves too"
    return f"There are no dead letters{kind}{more}."
