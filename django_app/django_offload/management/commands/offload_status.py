"""manage.py offload_status: the queues of every stack, and what waits in them; once, or again and again."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...aws import client
from ...conf import Options, configured, stacks
from ...exceptions import ResourceMissing
from ...operations.due_entries import EVER
from ...protocol.record import DEAD_SHARDS, DUE_SHARDS
from ...stores import store_of
from ...worker.events import utc_now
from ..base import FINE, WRONG, OffloadCommand
from ..tables import Painted

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}
# More records of a shard than this are not counted: it is a question, not an inventory.
MOST_COUNTED = 1_000


class Command(OffloadCommand):
    """Print what waits or is under way in each queue, and how many records are due or given up."""

    help = (
        "Show what waits in each queue, its dead letters, and how many records the sweeper has to look at. "
        "The exit code is 1 where something was given up. With --watch, look again until Ctrl-C ends it; the "
        "exit code is then that of the last look."
    )
    example: ClassVar[str] = """
manage.py offload_status
manage.py offload_status --watch --every 5
manage.py offload_status --json
"""
    json_help = "Print JSON, for programs to read; with --watch a line of it for each look."
    pause = staticmethod(time.sleep)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="Look again and again; Ctrl-C ends it.")
        parser.add_argument(
            "--every", type=float, default=2.0, metavar="SECONDS", help="With --watch: how often to look (2)."
        )

    def answer(self, **options: Any) -> int:
        if not configured():
            raise self.unusable("TASKS names no backend of django_offload. Add one, as the README shows.")
        self.above_zero("--every", options["every"])
        if options["watch"]:
            return self._watch(options["every"])
        found = _look()
        self.data(found)
        self._tell(found)
        return _code(found)

    def _watch(self, every: float) -> int:
        code = FINE
        try:
            while True:
                found = _look()
                code = _code(found)
                self.data_line(found)
                with self.picture():
                    self.line(f"{datetime.now(UTC):%H:%M:%S} UTC, every {every:g} s; Ctrl-C ends it.")
                    self.line()
                    self._tell(found)
                self.pause(every)
        except KeyboardInterrupt:
            return code

    def _tell(self, found: list[dict[str, Any]]) -> None:
        for stack in found:
            if stack is not found[0]:
                self.line()
            self.line(
                Painted(f"stack {stack['stack']}", "heading"),
                f", records due: {stack['due']}, given up: ",
                Painted(stack["given_up"], "bad" if stack["given_up"] else "plain"),
            )
            self.table(
                ["queue", "waiting", "delayed", "in flight", "dead letters"],
                [
                    [row["queue"], row["waiting"], row["delayed"], row["in_flight"], _alarming(row["dead"])]
                    for row in stack["queues"]
                ],
            )


def _alarming(count: int) -> int | Painted:
    return Painted(count, "bad") if count else count


def _code(found: list[dict[str, Any]]) -> int:
    dead = any(row["dead"] for stack in found for row in stack["queues"])
    return WRONG if dead or any(stack["given_up"] for stack in found) else FINE


def _look() -> list[dict[str, Any]]:
    """Return what every stack of TASKS has to say."""
    return [_stack(options) for options in stacks()]


def _stack(options: Options) -> dict[str, Any]:
    store, now = store_of(options), utc_now()
    return {
        "stack": options.stack,
        "due": sum(len(store.due(shard, now, MOST_COUNTED)) for shard in range(DUE_SHARDS)),
        "given_up": sum(len(store.due(shard, EVER, MOST_COUNTED)) for shard in DEAD_SHARDS),
        "queues": [_queue(options, queue) for queue in options.queues],
    }


def _queue(options: Options, queue: str) -> dict[str, Any]:
    counts = _counts(options, options.queue(queue))
    dead = _counts(options, options.dead_letter_queue(queue))
    return {"queue": queue, **counts, "dead": sum(dead.values())}


def _counts(options: Options, name: str) -> dict[str, int]:
    """Return about how many messages an SQS queue has. Raise ResourceMissing if it is not there."""
    sqs = client("sqs")
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist as exc:
        raise ResourceMissing(options.alias, "queue", name) from exc
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS.values()))["Attributes"]
    return {key: int(found[attribute]) for key, attribute in COUNTS.items()}
