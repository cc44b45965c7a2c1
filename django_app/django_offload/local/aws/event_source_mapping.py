"""What feeds functions from SQS queues: Lambda's event source mapping, with AWS's rules."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from ..lambda_.functions import Functions
from ..lambda_.invoker import Invoker, Outcome, failure
from ..slots import Slots
from .moto_server import MotoServer
from .sqs_event import Event, Record, acknowledge, events, make_record

logger = logging.getLogger("django_offload.local")

# SQS returns at most ten messages at a time.
RECEIVE_LIMIT = 10
# moto answers a waiting receive when a message arrives; a longer wait would only delay the end.
WAIT_SECONDS = 2
MOST_HELD = 1_000
# Between two looks at a queue that could not be reached.
TROUBLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One mapping, as ListEventSourceMappings describes it. Enabled or not: here this package runs it."""

    source_arn: str
    function_arn: str
    batch_size: int = 10
    window_seconds: float = 0
    concurrency: int | None = None  # MaximumConcurrency; None where it says none.
    partial: bool = False  # ReportBatchItemFailures.

    @property
    def queue(self) -> str:
        return self.source_arn.rsplit(":", 1)[-1]


def deployed_mappings(server: MotoServer) -> Iterator[Mapping]:
    """Yield every mapping from an SQS queue."""
    for page in server.client("lambda").get_paginator("list_event_source_mappings").paginate():
        for said in page["EventSourceMappings"]:
            if said["EventSourceArn"].split(":")[2] != "sqs":
                continue
            scaling = said.get("ScalingConfig") or {}
            yield Mapping(
                source_arn=said["EventSourceArn"],
                function_arn=said["FunctionArn"],
                batch_size=said.get("BatchSize", 10),
                window_seconds=said.get("MaximumBatchingWindowInSeconds", 0),
                concurrency=scaling.get("MaximumConcurrency"),
                partial="ReportBatchItemFailures" in (said.get("FunctionResponseTypes") or []),
            )


class EventSourceMapping:
    """
    Feeds one function from one queue.

    Messages that a response acknowledges are deleted. What failed stays until its visibility timeout ends,
    or what the worker changed it to; SQS itself moves it to the dead-letter queue by maxReceiveCount.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        sqs: Any,
        functions: Functions,
        invoker: Invoker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mapping = mapping
        self._sqs, self._functions, self._invoker, self._clock = sqs, functions, invoker, clock
        self._queue_url: str | None = None
        # Receipt handles of what was given back; older messages are visible again by themselves.
        self._held: deque[str] = deque(maxlen=MOST_HELD)
        self._lock = threading.Lock()

    def poll_once(self) -> int:
        """Hand one batch to the function, if there is one now, and return how many messages it had."""
        records = self._receive(self.mapping.batch_size, 0)
        self.deliver(records)
        return len(records)

    def run(self, stop: threading.Event, concurrency: int) -> None:
        """Feed the function until `stop`, with at most `concurrency` invocations at a time."""
        slots = Slots(
            min(concurrency, self.mapping.concurrency or concurrency), f"mapping-{self.mapping.queue}"
        )
        while slots.wait(stop):
            try:
                records = self.gather()
            except Exception as exc:  # noqa: BLE001 - a poller outlives whatever AWS answers.
                records = []
                if not stop.wait(TROUBLE_SECONDS):
                    logger.warning("Queue %s cannot be read: %s", self.mapping.queue, exc)
            if records and not stop.is_set():
                slots.run(lambda batch=records: self.deliver(batch))  # type: ignore[misc]
            else:
                slots.give_back()
        slots.join(WAIT_SECONDS)

    def gather(self) -> list[Record]:
        """Return a batch: as many messages as the mapping's size allows and its window brings."""
        records = self._receive(self.mapping.batch_size, WAIT_SECONDS)
        ends = self._clock() + self.mapping.window_seconds
        while records and len(records) < self.mapping.batch_size and (left := ends - self._clock()) > 0:
            # Whole seconds are all that a receive can wait.
            more = self._receive(self.mapping.batch_size - len(records), min(WAIT_SECONDS, max(1, int(left))))
            records += more
        return records

    def deliver(self, records: list[Record]) -> None:
        """Invoke the function with `records` and delete what it acknowledges."""
        for event in events(records):
            outcome = self._invoke(event)
            acknowledged, failed = acknowledge(event, outcome, partial=self.mapping.partial)
            with self._lock:
                self._held += _handles(failed)
            if outcome.failed:
                logger.error("%s failed: %s", self.mapping.function_arn.rsplit(":", 1)[-1], outcome.error)
            elif failed:
                logger.info("%s: %d of %d given back", self.mapping.queue, len(failed), len(event["Records"]))
            self._delete(acknowledged)

    def bring_back(self) -> None:
        """Make visible what was given back, before its visibility timeout ends."""
        with self._lock:
            held = list(self._held)
            self._held.clear()
        for entries in _entries(held):
            for entry in entries:
                entry["VisibilityTimeout"] = 0
            self._sqs.change_message_visibility_batch(QueueUrl=self._url(), Entries=entries)

    def _invoke(self, event: Event) -> Outcome:
        try:
            function = self._functions.find(self.mapping.function_arn)
            return self._invoker.invoke(function, json.dumps(event).encode())
        except Exception as exc:  # noqa: BLE001 - what cannot be invoked is not acknowledged.
            return failure(type(exc).__name__, str(exc))

    def _receive(self, wanted: int, wait_seconds: int) -> list[Record]:
        said = self._sqs.receive_message(
            QueueUrl=self._url(),
            MaxNumberOfMessages=min(wanted, RECEIVE_LIMIT),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [make_record(message, self.mapping.source_arn) for message in said.get("Messages", [])]

    def _delete(self, records: list[Record]) -> None:
        for entries in _entries(_handles(records)):
            self._sqs.delete_message_batch(QueueUrl=self._url(), Entries=entries)

    def _url(self) -> str:
        if self._queue_url is None:
            self._queue_url = self._sqs.get_queue_url(QueueName=self.mapping.queue)["QueueUrl"]
        return self._queue_url


def _handles(records: list[Record]) -> list[str]:
    return [record["receiptHandle"] for record in records]


def _entries(handles: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield entries of batch calls, as many as one takes."""
    for some in batched(handles, RECEIVE_LIMIT):
        yield [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(some)]
