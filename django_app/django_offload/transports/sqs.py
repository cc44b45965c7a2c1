"""Messages through SQS."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from ..aws import begun, client, failures, under_way
from ..conf import ENV_QUEUE_URLS, Options
from ..exceptions import OutOfTime, ResourceMissing
from ..protocol.record import LONGEST_DELAY
from .base import Delivery, Transport
from .batches import Entries, failures_of

# By endpoint and name; a queue keeps its URL as long as it lives.
_urls: dict[tuple[str, str], str] = {}


class SQSTransport(Transport):
    """One standard queue per queue of QUEUES."""

    longest_delay = LONGEST_DELAY
    # SQS would hide a message for 12 hours, but delivers no more once 120,000 are hidden at a time.
    longest_return = LONGEST_DELAY

    def __init__(self, options: Options) -> None:
        self.options = options

    def knows(self, queue: str) -> bool:
        return self._known(queue) is not None

    def prepare(self, queue: str) -> None:
        with suppress(OutOfTime, *failures()):  # AWS does not answer: that says nothing of the queue.
            self.url(queue)

    def send(self, queue: str, text: str, delay: timedelta) -> None:
        self.begin_send(queue, text, delay)()

    def begin_send(self, queue: str, text: str, delay: timedelta) -> Callable[[], None]:
        sqs = self._client
        wait = under_way(
            sqs,
            "send_message",
            QueueUrl=self.url(queue),
            MessageBody=text,
            DelaySeconds=_seconds(delay, LONGEST_DELAY),
        )

        def sent() -> None:
            try:
                wait()
            except sqs.exceptions.QueueDoesNotExist as exc:
                forget_urls()
                raise ResourceMissing(self.options.alias, "queue", self.options.queue(queue)) from exc

        return sent

    def begin_send_many(
        self, queue: str, texts: Sequence[str], delay: timedelta
    ) -> Callable[[], list[Exception | None]]:
        if len(texts) == 1:
            # One message costs less by itself than in a batch.
            wait = begun(partial(self.begin_send, queue, texts[0], delay))
            return lambda: [failure if isinstance(failure := wait(), Exception) else None]
        seconds, sqs = _seconds(delay, LONGEST_DELAY), self._client

        def begin(entries: Entries) -> Callable[[], dict[str, Any]]:
            return under_way(
                sqs,
                "send_message_batch",
                QueueUrl=self.url(queue),
                Entries=[
                    {"Id": str(number), "MessageBody": text, "DelaySeconds": seconds}
                    for number, text in entries.items()
                ],
            )

        return failures_of(texts, begin)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        self._client.change_message_visibility(
            QueueUrl=self.url(delivery.queue),
            ReceiptHandle=delivery.handle,
            VisibilityTimeout=_seconds(delay, self.longest_return),
        )

    def depth(self, queue: str) -> int:
        # Visible ones, and those that a worker has taken: one that crashes hides them for half an hour.
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._client.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def url(self, queue: str) -> str:
        """Return the queue's URL: from OPTIONS, the stack's environment, or SQS, asked once per process."""
        return self._known(queue) or self._found(queue)

    @property
    def _client(self) -> Any:
        return client("sqs", self.options.client)

    def _known(self, queue: str) -> str | None:
        """Return the same as far as no call is needed for it."""
        options = self.options
        return (
            options.queue_urls.get(queue)
            or _urls.get((self._client.meta.endpoint_url, options.queue(queue)))
            or _parsed(options.environment(ENV_QUEUE_URLS) or "{}").get(queue)
        )

    def _found(self, queue: str) -> str:
        sqs, name = self._client, self.options.queue(queue)
        try:
            found: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist as exc:
            raise ResourceMissing(self.options.alias, "queue", name) from exc
        return _urls.setdefault((sqs.meta.endpoint_url, name), found)


@lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads(text)
    return found


def forget_urls() -> None:
    """Drop every URL that was looked up."""
    _urls.clear()


def _seconds(delay: timedelta, longest: timedelta) -> int:
    """Return whole seconds, rounded up: rounded down, a task would start early."""
    return math.ceil(min(max(delay, timedelta(0)), longest).total_seconds())
