"""manage.py offload_status: the queues of every stack, and what waits in them."""

from typing import Any, ClassVar

from ...conf import Options, configured, stacks
from ...exceptions import ResourceMissing
from ...record import DEAD_SHARDS, DUE_SHARDS
from ...stores import store_of
from ...wire import client
from ...worker.batch import utc_now
from ...worker.failed import EVER
from ..base import FINE, WRONG, OffloadCommand

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}
# More records of a shard than this are not counted: it is a question, not an inventory.
MOST_COUNTED = 1_000


class Command(OffloadCommand):
    """Print what waits or is under way in each queue, and how many records are due or given up."""

    help = "Show what waits in each queue, its dead letters, and how many records the sweeper has to look at."
    example: ClassVar[str] = "manage.py offload_status\nmanage.py offload_status --json"

    def answer(self, **options: Any) -> int:
        if not configured():
            raise self.unusable("TASKS names no backend of django_offload. Add one, as the README shows.")
        found = [self._stack(options) for options in stacks()]
        self.data(found)
        for stack in found:
            self.line(f"stack {stack['stack']}, records due: {stack['due']}, given up: {stack['given_up']}")
            self.table(
                ["queue", "waiting", "delayed", "in flight", "dead letters"],
                [
                    [row["queue"], row["waiting"], row["delayed"], row["in_flight"], row["dead"]]
                    for row in stack["queues"]
                ],
            )
        dead = any(row["dead"] for stack in found for row in stack["queues"])
        return WRONG if dead or any(stack["given_up"] for stack in found) else FINE

    def _stack(self, options: Options) -> dict[str, Any]:
        store, now = store_of(options), utc_now()
        return {
            "stack": options.stack,
            "due": sum(len(store.due(shard, now, MOST_COUNTED)) for shard in range(DUE_SHARDS)),
            "given_up": sum(len(store.due(shard, EVER, MOST_COUNTED)) for shard in DEAD_SHARDS),
            "queues": [self._queue(options, queue) for queue in options.queues],
        }

    def _queue(self, options: Options, queue: str) -> dict[str, Any]:
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
