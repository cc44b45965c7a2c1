"""One queue as it is now, by what SQS says of it."""

from dataclasses import dataclass

from ..aws import client
from ..conf import Options
from ..exceptions import ResourceMissing
from ..transports.sqs import SQSTransport

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """About how many messages a queue has."""

    waiting: int
    delayed: int
    in_flight: int
    dead: int  # In its dead-letter queue, on their way to become dead letters.


def depth(options: Options, name: str) -> Depth:
    """Return how deep a queue is, in two calls. Raise ResourceMissing if it is not there."""
    url = SQSTransport(options).url(name)
    found = _counts(options, name, url)
    dead = _counts(options, name, f"{url}-dead")
    return Depth(**found, dead=sum(dead.values()))


def _counts(options: Options, name: str, url: str) -> dict[str, int]:
    sqs = client("sqs")
    try:
        said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS.values()))["Attributes"]
    except sqs.exceptions.QueueDoesNotExist as exc:
        raise ResourceMissing(options.alias, "queue", options.queue(name)) from exc
    return {key: int(said[attribute]) for key, attribute in COUNTS.items()}
