"""One stack in memory, a delivery at a time: what each row's test drives by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest import mock

from django_offload.protocol.record import TaskRecord, read_record
from django_offload.testing import Invocation, Offload, sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch, dead_letter
from tests.contract.setup import STACK

FUNCTION = f"{STACK}-default-worker"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may go on after it."""


@dataclass
class MemoryLine:
    """The fixture `offload`, opened up."""

    site: Offload

    @property
    def store(self) -> Any:
        return self.site.stores[STACK]

    @property
    def transport(self) -> Any:
        return self.site.transports[STACK]

    def now(self) -> datetime:
        return self.site.clock()

    def pass_time(self, **duration: float) -> None:
        self.site.clock.skip_to(self.now() + timedelta(**duration))

    def receive(self, limit: int = 10) -> list[Delivery]:
        found: list[Delivery] = self.transport.receive("default", limit)
        return found

    def bodies(self) -> list[str]:
        return [held.body for queue in self.transport.queues.values() for held in queue.messages.values()]

    def work(self, *deliveries: Delivery, skew: timedelta = timedelta(0)) -> list[str]:
        """Hand deliveries to a worker; delete what it acknowledges, return the ids of what it gave back."""
        event = sqs_event(list(deliveries), f"{STACK}-default")
        said = batch.handler(event, Invocation(FUNCTION), lambda: self.now() + skew)
        assert said is not None
        failed = [entry["itemIdentifier"] for entry in said["batchItemFailures"]]
        for delivery in deliveries:
            if delivery.id not in failed:
                self.transport.delete(delivery)
        return failed

    def bury(self, *deliveries: Delivery) -> Any:
        """Hand deliveries to the dead-letter function."""
        event = sqs_event(list(deliveries), f"{STACK}-default-dead")
        return dead_letter.handler(event, Invocation(f"{STACK}-dead-letter"), self.site.clock)

    def record(self, task_id: str) -> TaskRecord:
        return read_record(self.store.records[task_id])

    def deliver_again(self, body: str) -> Delivery:
        """Send the text of a message once more, and receive it."""
        self.transport.send("default", body, timedelta(0))
        (delivery,) = self.receive()
        return delivery

    @contextmanager
    def killed(self, change: str, *, after: bool = False, skip: int = 0) -> Iterator[None]:
        """Kill the worker at a change of this name, after `skip` others: before it, or right after."""
        original, numbers = self.store.change, count()

        def kill(task_id: str, made: Any) -> Any:
            if made.name != change or next(numbers) < skip:
                return original(task_id, made)
            if after:
                original(task_id, made)
            raise Killed

        with mock.patch.object(self.store, "change", kill):
            try:
                yield
            except Killed:
                return
        raise AssertionError(f"{change} never came")

    @contextmanager
    def stalled(self, step: str, stall: Callable[[], None]) -> Iterator[None]:
        """Have the first call of the store for this step wait: after a claim, before the rest."""
        name = step if step == "put_part" else "change"
        original, came = getattr(self.store, name), count()

        def late(*args: Any) -> Any:
            if (name == "change" and args[1].name != step) or next(came):
                return original(*args)
            if step == "claim":
                answer = original(*args)
                stall()
                return answer
            stall()
            return original(*args)

        with mock.patch.object(self.store, name, late):
            yield
        assert next(came), f"{step} never came"

    @contextmanager
    def reply_lost(self, *names: str) -> Iterator[None]:
        """Have each change of these names be made, and then tried again as if its reply had been lost."""
        original = self.store.change

        def twice(task_id: str, made: Any) -> Any:
            if made.name in names:
                original(task_id, made)
            return original(task_id, made)

        with mock.patch.object(self.store, "change", twice):
            yield
