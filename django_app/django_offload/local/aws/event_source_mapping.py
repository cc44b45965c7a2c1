"""Lambda's event source mapping, which invokes functions with messages from SQS queues, by AWS's rules."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from ..lambda_.functions import DeployedFunctions, function_name
from ..lambda_.invoker import Invoker, failed_outcome
from ..slots import Slots
from .fair_queues import note_returned
from .moto_server import MotoServer
from .sqs_event import SQSRecord, acknowledge, make_record, split_into_events

logger = logging.getLogger("django_offload.local")

# SQS returns at most ten messages at a time.
RECEIVE_LIMIT = 10
# moto ends a waiting receive when a message arrives. A longer wait would only delay stopping.
WAIT_SECONDS = 2
# How many failed messages bring_back() remembers.
FAILED_LIMIT = 1_000
# The pause after a queue couldn't be read.
ERROR_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig:
    """One mapping as ListEventSourceMappings describes it. It runs here whether it is enabled or not."""

    source_arn: str
    function_arn: str
    batch_size: int = 10
    window_seconds: float = 0
    concurrency: int | None = None  # MaximumConcurrency, if it has one.
    partial: bool = False  # Whether it has ReportBatchItemFailures.

    @property
    def queue(self) -> str:
        return self.source_arn.rsplit(":", 1)[-1]


def deployed_mappings(server: MotoServer) -> Iterator[MappingConfig]:
    """Yield every mapping from an SQS queue."""
    for page in server.client("lambda").get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            if mapping["EventSourceArn"].split(":")[2] != "sqs":
                continue
            yield MappingConfig(
                source_arn=mapping["EventSourceArn"],
                function_arn=mapping["FunctionArn"],
                batch_size=mapping.get("BatchSize", 10),
                window_seconds=mapping.get("MaximumBatchingWindowInSeconds", 0),
                concurrency=(mapping.get("ScalingConfig") or {}).get("MaximumConcurrency"),
                partial="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or []),
            )


class EventSourceMapping:
    """
    Invokes one function with the messages of one queue.

    It deletes the messages that a response acknowledges. A failed message stays in the queue until its
    visibility timeout ends, which the worker may change. SQS moves it to the dead-letter queue by
    maxReceiveCount.
    """

    def __init__(
        self,
        config: MappingConfig,
        *,
        sqs: Any,
        functions: DeployedFunctions,
        invoker: Invoker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self._sqs, self._functions, self._invoker, self._clock = sqs, functions, invoker, clock
        self._queue_url: str | None = None
        # Receipt handles of failed messages. The oldest ones become visible again by themselves.
        self._failed_handles: deque[str] = deque(maxlen=FAILED_LIMIT)
        self._lock = threading.Lock()

    @property
    def queue_url(self) -> str:
        if self._queue_url is None:
            self._queue_url = self._sqs.get_queue_url(QueueName=self.config.queue)["QueueUrl"]
        return self._queue_url

    def poll_once(self) -> int:
        """Invoke the function with one batch if messages are available, and return their number."""
        records = self._receive(self.config.batch_size, 0)
        self.deliver(records)
        return len(records)

    def run(self, stop: threading.Event, concurrency: int) -> None:
        """Invoke the function until `stop`, at most `concurrency` times at once."""
        slots = Slots(
            min(concurrency, self.config.concurrency or concurrency), f"mapping-{self.config.queue}"
        )
        while slots.acquire(stop):
            try:
                records = self.gather()
            except Exception as exc:  # noqa: BLE001 - polling must survive any error from AWS.
                records = []
                if not stop.wait(ERROR_PAUSE_SECONDS):
                    logger.warning("Couldn't read the queue %s: %s", self.config.queue, exc)
            if records and not stop.is_set():
                slots.run(lambda batch=records: self.deliver(batch))  # type: ignore[misc]
            else:
                slots.release()
        slots.join(WAIT_SECONDS)

    def gather(self) -> list[SQSRecord]:
        """Return a batch of messages, limited by the mapping's batch size and batching window."""
        records = self._receive(self.config.batch_size, WAIT_SECONDS)
        window_end = self._clock() + self.config.window_seconds
        while (
            records
            and len(records) < self.config.batch_size
            and (seconds_left := window_end - self._clock()) > 0
        ):
            # A receive can only wait for whole seconds.
            wait_seconds = min(WAIT_SECONDS, max(1, int(seconds_left)))
            records += self._receive(self.config.batch_size - len(records), wait_seconds)
        return records

    def _receive(self, count: int, wait_seconds: int) -> list[SQSRecord]:
        response = self._sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=min(count, RECEIVE_LIMIT),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [make_record(message, self.config.source_arn) for message in response.get("Messages", [])]

    def deliver(self, records: list[SQSRecord]) -> None:
        """Invoke the function with `records` and delete those that it acknowledges."""
        for event in split_into_events(records):
            try:
                function = self._functions.get(self.config.function_arn)
                outcome = self._invoker.invoke(function, json.dumps(event).encode())
            except Exception as exc:  # noqa: BLE001 - if invoking fails, no message is acknowledged.
                outcome = failed_outcome(type(exc).__name__, str(exc))
            acknowledged, failed = acknowledge(event, outcome, partial=self.config.partial)
            note_returned(receipt_handles(failed))
            with self._lock:
                self._failed_handles += receipt_handles(failed)
            if outcome.failed:
                logger.error("%s failed: %s", function_name(self.config.function_arn), outcome.error)
            elif failed:
                logger.info(
                    "%s: %d of %d messages stay in the queue",
                    self.config.queue,
                    len(failed),
                    len(event["Records"]),
                )
            for entries in batch_entries(receipt_handles(acknowledged)):
                self._sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)

    def bring_back(self) -> None:
        """Make failed messages visible now instead of at the end of their visibility timeout."""
        with self._lock:
            handles = list(self._failed_handles)
            self._failed_handles.clear()
        for entries in batch_entries(handles):
            for entry in entries:
                entry["VisibilityTimeout"] = 0
            self._sqs.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)


def receipt_handles(records: list[SQSRecord]) -> list[str]:
    return [record["receiptHandle"] for record in records]


def batch_entries(handles: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield lists of entries that each fit into one batch call."""
    for batch in batched(handles, RECEIVE_LIMIT):
        yield [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(batch)]
