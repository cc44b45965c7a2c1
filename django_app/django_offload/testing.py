"""For tests of projects: tasks run through the real handlers, in this process, without AWS."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from django.utils.crypto import get_random_string

from . import payloads, stores, transports
from .conf import Options, configured
from .payloads.memory import MemoryPayloads
from .stores.memory import MemoryStore
from .transports import Delivery
from .transports.memory import MemoryTransport
from .worker import batch, connections, dead_letter, execution, sweep

# A drained queue has run at most this many tasks: more is a task that enqueues itself for ever.
MOST_RUNS = 10_000


@dataclass(slots=True)
class Invocation:
    """Stands in for Lambda's context."""

    function_name: str
    seconds: float = 300.0
    log_stream_name: str = field(
        default_factory=lambda: f"[$LATEST]{get_random_string(32, '0123456789abcdef')}"
    )

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


class VirtualClock:
    """The real time, and what was skipped of it."""

    def __init__(self) -> None:
        self.skipped = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def skip_to(self, instant: datetime) -> None:
        """Go on as if it were `instant`; never backwards."""
        self.skipped += max(instant - self(), timedelta(0))


class Failures:
    """What the next tasks that run raise instead."""

    def __init__(self) -> None:
        self._waiting: list[BaseException] = []

    def add(self, exception: BaseException) -> None:
        self._waiting.append(exception)

    def instead_of(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return what raises the next failure where there is one, and else does what `call` does."""

        def run(*args: Any) -> Any:
            if self._waiting:
                raise self._waiting.pop(0)
            return call(*args)

        return run


@contextmanager
def within_a_test(failures: Failures) -> Iterator[None]:
    """Have handlers run in the process of a test: with its failures, its database connections left alone."""
    with (
        mock.patch.object(execution, "_call", failures.instead_of(execution._call)),
        # As Django's own test client does: they belong to the test, and their transactions to its end.
        mock.patch.object(connections, "close_old_connections", return_value=None),
    ):
        yield


class Offload:
    """
    The fixture `offload`: every queue of every stack of TASKS, in memory.

    What a task waits for (`run_after`, a backoff) is skipped, not waited for.
    """

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._failures = Failures()
        self._count = 0  # Deliveries that the current run worked on.
        self._stacks: dict[str, Options] = {options.stack: options for options in configured().values()}
        self.stores = {stack: MemoryStore() for stack in self._stacks}
        self.transports = {stack: MemoryTransport(self.clock) for stack in self._stacks}
        self.payloads = {stack: MemoryPayloads() for stack in self._stacks}

    def run(self) -> int:
        """Deliver until nothing is left to deliver; return how many deliveries were worked on."""
        self._count = 0
        while (upcoming := self._next()) is not None:
            self.clock.skip_to(upcoming)
            for options, queue in self._queues():
                self._drain(options, queue)
        return self._count

    def fail_next(self, exception: BaseException) -> None:
        """Have the next task that runs raise this instead; several calls queue up."""
        self._failures.add(exception)

    def sweep(self) -> dict[str, int]:
        """Run the sweeper once, as of the virtual now."""
        return sweep.sweep(self.clock, lambda: 60.0)

    @contextmanager
    def active(self) -> Iterator["Offload"]:
        """Stand in for AWS in this process."""
        seams: tuple[tuple[dict[str, Any], Mapping[str, Any]], ...] = (
            (stores.installed, self.stores),
            (transports.installed, self.transports),
            (payloads.installed, self.payloads),
        )
        with within_a_test(self._failures):
            for installed, own in seams:
                installed.update(own)
            try:
                yield self
            finally:
                for installed, own in seams:
                    for stack in own:
                        installed.pop(stack, None)

    def _next(self) -> datetime | None:
        times = [transport.next_visible_at() for transport in self.transports.values()]
        return min((at for at in times if at is not None), default=None)

    def _queues(self) -> Iterator[tuple[Options, str]]:
        for options in self._stacks.values():
            for queue in self.transports[options.stack].queues:
                yield options, queue

    def _drain(self, options: Options, queue: str) -> None:
        transport = self.transports[options.stack]
        while deliveries := transport.receive(queue):
            function = options.worker_function(queue)
            event = sqs_event(deliveries, options.queue(queue))
            answer = batch.handler(event, Invocation(function), self.clock)
            failed = {entry["itemIdentifier"] for entry in (answer or {})["batchItemFailures"]}
            for delivery in deliveries:
                if delivery.id not in failed:
                    transport.delete(delivery)
            self._count += len(deliveries)
            if self._count > MOST_RUNS:
                raise AssertionError(
                    f"{self._count} deliveries, and still more: does a task enqueue itself for ever?"
                )
        if dead := transport.take_dead(queue):
            letters = [
                Delivery(id=held["id"], body=held["body"], queue=queue, handle=held["id"]) for held in dead
            ]
            function = options.function("dead-letter")
            dead_letter.handler(
                sqs_event(letters, options.dead_letter_queue(queue)), Invocation(function), self.clock
            )


def sqs_event(deliveries: list[Delivery], queue: str) -> dict[str, Any]:
    """Return the event that Lambda makes of messages of an SQS queue."""
    return {
        "Records": [
            {
                "messageId": delivery.id,
                "receiptHandle": delivery.handle,
                "body": delivery.body if isinstance(delivery.body, str) else json.dumps(delivery.body),
                "attributes": {"ApproximateReceiveCount": str(delivery.receives)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                "awsRegion": "us-east-1",
            }
            for delivery in deliveries
        ]
    }
