"""manage.py offload_status: count what waits in the queues of every stack, once or again and again."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ...aws import READ_SECONDS, client
from ...conf import Options, stacks
from ...exceptions import ResourceMissing
from ...operations.due_entries import EVER, count_entries
from ...protocol.shards import Band, partitions
from ...stores import Store, store_of
from ...transports import memory_of
from ...worker.events import utc_now
from ..base import EXIT_OK, EXIT_PROBLEM, OffloadCommand
from ..rendering import Styled

COUNT_ATTRIBUTES = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}
# The limit of a count, because a look needs no exact numbers.
MOST_COUNTED = 1_000


class Command(OffloadCommand):
    help = (
        "Show what waits in each queue, its dead letters, and how many records are due for the sweeper. The "
        "exit code is 1 if there are dead letters. With --watch, look again until you press Ctrl-C; the exit "
        "code is then that of the last look."
    )
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_status
manage.py offload_status --watch --every 5
manage.py offload_status --json
"""
    json_help = "Print JSON for programs. With --watch, print a line of it for each look."
    pause = staticmethod(time.sleep)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="Look again until you press Ctrl-C.")
        parser.add_argument(
            "--every",
            type=float,
            default=2.0,
            metavar="SECONDS",
            help="With --watch: the time between looks (2).",
        )

    def run(self, **options: Any) -> int:
        self.require_backend()
        self.require_positive("--every", options["every"])
        if options["watch"]:
            return self.watch(options["every"])
        status = read_status()
        self.write_json(status)
        self.write_tables(status)
        self.write_reasons(status)
        return exit_code(status)

    def watch(self, every: float) -> int:
        last_exit_code = EXIT_OK
        try:
            while True:
                status = read_status()
                last_exit_code = exit_code(status)
                self.write_json_line(status)
                with self.redraw():
                    self.write_line(
                        f"{datetime.now(UTC):%H:%M:%S} UTC, every {every:g} s. Press Ctrl-C to stop."
                    )
                    self.write_line()
                    self.write_tables(status)
                    self.write_reasons(status)
                self.pause(every)
        except KeyboardInterrupt:
            return last_exit_code

    def write_tables(self, status: list[dict[str, Any]]) -> None:
        for stack in status:
            if stack is not status[0]:
                self.write_line()
            self.write_line(
                Styled(f"stack {stack['stack']}", "heading"),
                f", records due: {count_text(stack['due'])}, given up: ",
                alarm(stack["given_up"]),
            )
            self.write_table(
                ["queue", "waiting", "delayed", "in flight", "dead letters"],
                [
                    [row["queue"], row["waiting"], row["delayed"], row["in_flight"], alarm(row["dead"])]
                    for row in stack["queues"]
                ],
            )

    def write_reasons(self, status: list[dict[str, Any]]) -> None:
        """Say why the exit code isn't 0, and what to type."""
        if exit_code(status) == EXIT_OK:
            return
        self.write_line()
        for stack in status:
            name, given_up = stack["stack"], stack["given_up"]
            if given_up:
                verb = "was" if given_up == 1 else "were"
                self.write_line(
                    Styled("exit code 1", "bad"),
                    f": {count_text(given_up)} task{'' if given_up == 1 else 's'} of {name} {verb} given up.",
                )
                self.write_line(
                    "  → See why: manage.py offload_dead list. Then send "
                    f"{'it' if given_up == 1 else 'them'} again: manage.py offload_dead redrive."
                )
            for row in stack["queues"]:
                if row["dead"]:
                    verb = "waits for its" if row["dead"] == 1 else "wait for their"
                    self.write_line(
                        Styled("exit code 1", "bad"),
                        f": {number_of(row['dead'], 'dead letter')} of queue {row['queue']} of {name} {verb} "
                        "function.",
                    )
                    self.write_line("  → See why: manage.py offload_doctor.")


def number_of(count: int, noun: str) -> str:
    """Return a number and its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def alarm(count: int) -> Styled:
    """Return a count, in red unless it is 0."""
    return Styled(count_text(count), "bad" if count else "plain")


def count_text(count: int) -> str:
    """Return a count as text, with a plus if the count stopped there."""
    return f"{count}{'+' if count >= MOST_COUNTED else ''}"


def exit_code(status: list[dict[str, Any]]) -> int:
    """Return 1 if any stack has dead letters, otherwise 0."""
    dead = any(row["dead"] for stack in status for row in stack["queues"])
    return EXIT_PROBLEM if dead or any(stack["given_up"] for stack in status) else EXIT_OK


def read_status() -> list[dict[str, Any]]:
    """Count the records and messages of every stack, and return them as --json prints them."""
    status = []
    for options in stacks():
        store, now = store_of(options), utc_now()
        status.append(
            {
                "stack": options.stack,
                "due": count(store, now, Band.RESCUE, Band.DEFERRED),
                "given_up": count(store, EVER, Band.DEAD),
                "queues": [
                    {
                        "queue": queue,
                        **queue_counts(options, queue),
                    }
                    for queue in options.queues
                ],
            }
        )
    return status


def queue_counts(options: Options, queue: str) -> dict[str, int]:
    """Return the counts of a queue, and how many messages its dead-letter queue has."""
    if memory := memory_of(options):
        return memory.counts(queue)
    counts = message_counts(options, options.queue(queue), options.queue_urls.get(queue))
    dead_counts = message_counts(options, options.dead_letter_queue(queue))
    return counts | {"dead": sum(dead_counts.values())}


def message_counts(options: Options, name: str, url: str | None = None) -> dict[str, int]:
    """Return roughly how many messages an SQS queue has. Raise ResourceMissing if it doesn't exist."""
    sqs = client("sqs")
    try:
        url = url or sqs.get_queue_url(QueueName=name)["QueueUrl"]
        names = list(COUNT_ATTRIBUTES.values())
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except sqs.exceptions.QueueDoesNotExist as exc:
        raise ResourceMissing(options.alias, "queue", name) from exc
    return {key: int(attributes[name]) for key, name in COUNT_ATTRIBUTES.items()}


def count(store: Store, until: datetime, *bands: Band) -> int:
    """Return how many entries these bands have that are due by `until`, up to MOST_COUNTED."""
    return count_entries(store, partitions(*bands, shards=store.read_shards), until, MOST_COUNTED)
