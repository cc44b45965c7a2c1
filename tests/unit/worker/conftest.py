"""A stage for deliveries and sweeps: a clock that is set, memory adapters, and messages of our own."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from django_offload import stores, transports
from django_offload.conf import Options, configured
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.protocol.record import MESSAGE_LIFE, TaskRecord, read_record
from django_offload.sending.enqueue import message_text
from django_offload.stores.memory import MemoryStore
from django_offload.testing import Invocation, sqs_event
from django_offload.transports import Delivery
from django_offload.transports.lambda_invoke import LambdaTransport
from django_offload.transports.memory import MemoryTransport
from django_offload.worker import dead_letter, deadline
from django_offload.worker.attempt import PendingOutcome
from django_offload.worker.delivery import Worker
from django_offload.worker.sweeping import Sweeper
from tests.contract.records import NOW, enqueued_task


@dataclass
class Stage:
    """One stack, its store and queue, at an instant that a test sets; a look at the clock takes a `tick`."""

    options: Options
    now: datetime = NOW
    tick: timedelta = timedelta(0)
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.transport = MemoryTransport(self.clock)
        self.transport.prepare("default")

    def clock(self) -> datetime:
        self.now += self.tick
        return self.now

    def message(self, enqueued: EnqueuedTask) -> str:
        return message_text(enqueued, self.options, enqueued.start_at + MESSAGE_LIFE)

    def worker(self, *, direct: bool = False) -> Worker:
        return Worker(
            options=self.options,
            store=self.store,
            transport=LambdaTransport(self.options) if direct else self.transport,
            clock=self.clock,
            invocation=deadline.LambdaInvocation(left=lambda: 300.0, whole=300.0, worker_id="w"),
        )

    def deliver(self, enqueued: EnqueuedTask, *, direct: bool = False) -> timedelta | None:
        delivery = Delivery(id="1", body=self.message(enqueued), queue="default")
        return self.answer(self.worker(direct=direct), delivery)

    def answer(self, worker: Worker, delivery: Delivery) -> timedelta | None:
        """Return what becomes of a delivery, once its outcome is stored."""
        answer = worker.deliver(delivery)
        return worker.complete(answer) if isinstance(answer, PendingOutcome) else answer

    def bury(self, enqueued: EnqueuedTask, *, sent_at: datetime | None = None) -> None:
        """Hand a message to the dead-letter handler; it was sent at `sent_at` (default: at its start)."""
        text = message_text(enqueued, self.options, (sent_at or enqueued.start_at) + MESSAGE_LIFE)
        letter = Delivery(id="1", body=text, queue="default", handle="1", receives=14)
        event = sqs_event([letter], self.options.dead_letter_queue("default"))
        said = dead_letter.handler(event, Invocation(self.options.function("dead-letter")), self.clock)
        assert said == {"batchItemFailures": []}

    def sweep(self) -> dict[str, int]:
        return dict(
            Sweeper(options=self.options, store=self.store, clock=self.clock, left=lambda: 60.0).run()
        )

    def record(self, enqueued: EnqueuedTask) -> TaskRecord:
        attributes = self.store.get(enqueued.id)
        assert attributes is not None
        return read_record(attributes)


@pytest.fixture
def stage(ours):
    options = configured()["default"]
    made = Stage(options)
    with stores.use(options.stack, made.store), transports.use(options.stack, made.transport):
        yield made


@pytest.fixture
def enqueued():
    """Return a function that makes the birth of a task of tests.unit.tasks: one of its own per number."""

    def make(
        number: int = 0, *, name: str = "tests.unit.tasks.double", args: tuple = (4,), **known: object
    ) -> EnqueuedTask:
        known.setdefault("enqueued_at", NOW)
        return enqueued_task(f"{number:032x}", name=name, arguments=dump([list(args), {}]), **known)

    return make
