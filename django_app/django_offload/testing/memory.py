"""The fixture `offload`, which keeps every queue in the memory of this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from .. import payloads, stores, transports
from ..aws import memory
from ..aws.stand_ins import StandIns
from ..conf import Options, QueueOptions, configured
from ..payloads.memory import MemoryPayloads
from ..protocol.record import READY, read_record
from ..protocol.shards import Band, partitions
from ..stores.memory import MemoryStore
from ..transports import Delivery
from ..transports.memory import MemoryTransport
from ..worker import batch, dead_letter, sweep
from .base import TaskRunner, WorkerKilled, sweeps_in_a_thread
from .commits import DeliveryCount
from .events import Invocation, sqs_event

# If a run delivers more than this, a task probably enqueues itself for ever.
MOST_RUNS = 10_000
# SQS returns at most ten messages at a time.
RECEIVE_LIMIT = 10
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Offload(TaskRunner):
    """
    The fixture `offload`. Every queue of every stack of TASKS is in memory.

    Whenever tasks wait, for `run_after`, a backoff or the lease of a dead worker, the `clock` skips that
    time. In Django's test environment it has everything that the current test has enqueued before, too.
    Without pytest, use OffloadTestMixin, or `with Offload().active() as offload:`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._count = 0  # The deliveries of the current run.
        self._memory = memory.to_run()
        self.clock = self._memory.clock
        self._stacks: dict[str, Options] = {options.stack: options for options in configured().values()}
        self.stores = self._seams(stores.stand_ins, MemoryStore)
        self.transports = self._seams(transports.stand_ins, MemoryTransport)
        self.payloads = self._seams(payloads.stand_ins, MemoryPayloads)

    def _run(self, skip: bool) -> DeliveryCount:
        """
        Deliver until no messages are left. Return the number of deliveries.

        Unless it may `skip` time, only messages that are due now are delivered.
        """
        self._count = 0
        self._deliver_due()
        while skip and self._skip_to_next():
            self._deliver_due()
        self.last = DeliveryCount(self._count, self._commits)
        return self.last

    @sweeps_in_a_thread
    def sweep(self) -> dict[str, int]:
        """Run the sweeper once, at the time of the clock."""
        return sweep.sweep(self.clock, lambda: 60.0)

    @contextmanager
    def active(self) -> Iterator["Offload"]:
        """Replace AWS in this process until the block ends."""
        with memory.running(self._memory), self.workers_in_process(), ExitStack() as replacements:
            for stack in self._stacks:
                replacements.enter_context(stores.use(stack, self.stores[stack]))
                replacements.enter_context(transports.use(stack, self.transports[stack]))
                replacements.enter_context(payloads.use(stack, self.payloads[stack]))
            yield self

    def _seams[Seam](self, kind: StandIns[Any], expected: type[Seam]) -> dict[str, Seam]:
        """Return the stand-ins for one part of AWS, by stack."""
        return {stack: self._memory.seam(kind, stack) for stack in self._stacks}

    def _skip_to_next(self) -> bool:
        """Skip to the time when the next message or record is due. Return False if nothing is."""
        visible_times = [transport.next_visible_at() for transport in self.transports.values()]
        next_message = min((instant for instant in visible_times if instant is not None), default=None)
        now = self.clock()
        # No message can wait for the start of these tasks, so the sweeper sends them when they are due.
        next_record = min(
            (
                entry.due_at
                for store in self.stores.values()
                for shard in partitions(Band.RESCUE, Band.DEFERRED)
                for entry in store.due(shard, END_OF_TIME, MOST_RUNS)
                if (record := read_record(store.records[entry.id])).status == READY
                and record.not_before > now
            ),
            default=None,
        )
        if next_message is not None and (next_record is None or next_message <= next_record):
            self.clock.skip_to(next_message)
            return True
        if next_record is None:
            return False
        self.clock.skip_to(next_record)
        swept = self.sweep()
        return any(swept.get(key) for key in ("sent", "moved", "ended"))

    def _deliver_due(self) -> None:
        """Deliver all messages that are due now, and those that tasks send in the meantime to any queue."""
        count_before = -1
        while count_before != self._count:
            count_before = self._count
            queues = [
                (options, queue)
                for options in self._stacks.values()
                for queue in self.transports[options.stack].queues
            ]
            for options, queue in queues:
                transport = self.transports[options.stack]
                limit = min(options.queues.get(queue, QueueOptions()).batch_size, RECEIVE_LIMIT)
                while deliveries := transport.receive(queue, limit):
                    for delivery in invoke_worker(deliveries, options, queue, self.clock):
                        transport.delete(delivery)
                    self._count += len(deliveries)
                    if self._count > MOST_RUNS:
                        raise AssertionError(
                            f"The run made {self._count} deliveries and did not end. "
                            "Does a task enqueue itself for ever?"
                        )
                if dead_messages := transport.take_dead(queue):
                    invoke_dead_letter_handler(dead_messages, options, queue, self.clock)


def invoke_worker(
    deliveries: list[Delivery], options: Options, queue: str, clock: Callable[[], datetime]
) -> list[Delivery]:
    """Call the worker's handler, and return the deliveries that it acknowledged. A dead worker has none."""
    seconds = options.queues.get(queue, QueueOptions()).timeout.total_seconds()
    context = Invocation(options.worker_function(queue), seconds, clock=clock)
    try:
        response = batch.handler(sqs_event(deliveries, options.queue(queue)), context, clock)
    except WorkerKilled:
        return []
    failed_ids = {entry["itemIdentifier"] for entry in (response or {})["batchItemFailures"]}
    return [delivery for delivery in deliveries if delivery.id not in failed_ids]


def invoke_dead_letter_handler(
    messages: list[dict[str, Any]], options: Options, queue: str, clock: Callable[[], datetime]
) -> None:
    """Call the dead-letter handler with messages that SQS would have moved to the dead-letter queue."""
    dead_letters = [
        Delivery(id=message["id"], body=message["body"], queue=queue, handle=message["id"])
        for message in messages
    ]
    event = sqs_event(dead_letters, options.dead_letter_queue(queue))
    dead_letter.handler(event, Invocation(options.function("dead-letter"), clock=clock), clock)
