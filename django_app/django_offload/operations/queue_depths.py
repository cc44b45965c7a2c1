"""Count the messages of a queue."""

from dataclasses import dataclass

from ..aws import client
from ..conf import Options
from ..exceptions import ResourceMissing
from ..transports import memory_of
from ..transports.sqs import SQSTransport

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """The approximate numbers of messages in a queue."""

    waiting: int
    delayed: int
    in_flight: int
    dead: int  # In its dead-letter queue, where they wait for the dead-letter handler.


def queue_depth(options: Options, queue: str) -> QueueDepth:
    """Return the depth of a queue, read with two calls. Raise ResourceMissing if the queue does not exist."""
    if memory := memory_of(options):
        return QueueDepth(**memory.counts(queue))
    url, sqs = SQSTransport(options).url(queue), client("sqs")
    try:
        counts, dead_counts = (
            sqs.get_queue_attributes(QueueUrl=address, AttributeNames=list(COUNTS.values()))["Attributes"]
            for address in (url, f"{url}-dead")
        )
    except sqs.exceptions.QueueDoesNotExist as exc:
        raise ResourceMissing(options.alias, "queue", options.queue(queue)) from exc
    return QueueDepth(
        **{name: int(counts[attribute]) for name, attribute in COUNTS.items()},
        dead=sum(int(dead_counts[attribute]) for attribute in COUNTS.values()),
    )
