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
from .batches import Entries, send_in_batches

# By endpoint and name. The URL of a queue never changes.
_urls: dict[tuple[str, str], str] = {}


class SQSTransport(Transport):
    """Uses one standard queue for each queue in QUEUES."""

    longest_delay = LONGEST_DELAY
    # SQS can hide a message for 12 hours, but delivers no more messages while 120,000 are hidden.
    longest_return = LONGEST_DELAY

    def __init__(self, options: Options) -> None:
        self.options = options

    def is_prepared(self, queue: str) -> bool:
        return self.url_without_call(queue) is not None

    def prepare(self, queue: str) -> None:
        with suppress(OutOfTime, *failures()):  # If AWS does not answer, the queue may exist.
            self.url(queue)

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        self.begin_send(queue, text, delay, group)()

    def begin_send(
        self, queue: str, text: str, delay: timedelta, group: str | None = None
    ) -> Callable[[], None]:
        sqs = self._client
        wait = under_way(
            sqs,
            "send_message",
            QueueUrl=self.url(queue),
            MessageBody=text,
            DelaySeconds=whole_seconds(delay, LONGEST_DELAY),
            **in_group(group),
        )

        def finish() -> None:
            try:
                wait()
            except sqs.exceptions.QueueDoesNotExist as exc:
                clear_urls()
                raise ResourceMissing(self.options.alias, "queue", self.options.queue(queue)) from exc

        return finish

    def begin_send_many(
        self,
        queue: str,
        texts: Sequence[str],
        delays: Sequence[timedelta],
        groups: Sequence[str | None] | None = None,
    ) -> Callable[[], list[Exception | None]]:
        groups = groups or [None] * len(texts)
        if len(texts) == 1:
            # One message costs less by itself than in a batch.
            wait = begun(partial(self.begin_send, queue, texts[0], delays[0], groups[0]))
            return lambda: [failure if isinstance(failure := wait(), Exception) else None]
        seconds, sqs = [whole_seconds(delay, LONGEST_DELAY) for delay in delays], self._client

        def send(entries: Entries) -> Callable[[], dict[str, Any]]:
            return under_way(
                sqs,
                "send_message_batch",
                QueueUrl=self.url(queue),
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": text,
                        "DelaySeconds": seconds[number],
                        **in_group(groups[number]),
                    }
                    for number, text in entries.items()
                ],
            )

        return send_in_batches(texts, send)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        self._client.change_message_visibility(
            QueueUrl=self.url(delivery.queue),
            ReceiptHandle=delivery.handle,
            VisibilityTimeout=whole_seconds(delay, self.longest_return),
        )

    def depth(self, queue: str) -> int:
        # Invisible messages count too, because a worker that crashes hides its messages for half an hour.
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        result = self._client.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)
        return sum(int(result["Attributes"][name]) for name in names)

    def url(self, queue: str) -> str:
        """Return the URL of a queue, which SQS is asked for at most once per process."""
        return self.url_without_call(queue) or self._look_up_url(queue)

    @property
    def _client(self) -> Any:
        return client("sqs", self.options.client)

    def url_without_call(self, queue: str) -> str | None:
        """Return the URL from OPTIONS, earlier calls or the stack's environment, or None."""
        options = self.options
        return (
            options.queue_urls.get(queue)
            or _urls.get((self._client.meta.endpoint_url, options.queue(queue)))
            or parse_urls(options.environment(ENV_QUEUE_URLS) or "{}").get(queue)
        )

    def _look_up_url(self, queue: str) -> str:
        sqs, name = self._client, self.options.queue(queue)
        try:
            url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist as exc:
            raise ResourceMissing(self.options.alias, "queue", name) from exc
        return _urls.setdefault((sqs.meta.endpoint_url, name), url)


@lru_cache(maxsize=8)
def parse_urls(text: str) -> Mapping[str, str]:
    urls: Mapping[str, str] = json.loads(text)
    return urls


def clear_urls() -> None:
    """Drop every URL that SQS has returned."""
    _urls.clear()


def in_group(group: str | None) -> dict[str, str]:
    """Return what puts a message into a group: of a standard queue, it makes the queue fair."""
    return {} if group is None else {"MessageGroupId": group}


def whole_seconds(delay: timedelta, longest: timedelta) -> int:
    """Return the delay in seconds, rounded up, because a shorter delay would start a task too early."""
    return math.ceil(min(max(delay, timedelta(0)), longest).total_seconds())
