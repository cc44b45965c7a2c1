"""The fixture `offload`: every queue in this process's memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from .. import payloads, stores, transports
from ..conf import Options, QueueOptions, configured
from ..payloads.memory import MemoryPayloads
from ..protocol.record import DUE_SHARDS, READY, read_record
from ..stores.memory import MemoryStore
from ..transports import Delivery
from ..transports.memory import MemoryTransport
from ..worker import batch, dead_letter, sweep
from .accidents import Accidents, Failure, WorkerKilled
from .clock import VirtualClock
from .commits import Commits, Runs
from .events import Invocation, sqs_event

# A drained queue has run at most this many tasks: more is a task that enqueues itself for ever.
MOST_RUNS = 10_000
# SQS returns at most ten messages at a time.
RECEIVE_LIMIT = 10
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Offload:
    """
    The fixture `offload`: every queue of every stack of TASKS, in memory.

    What a task waits for (`run_after`, a backoff, the lease of a dead worker) is skipped, not waited for:
    `clock` goes ahead. Without pytest: `with Offload().active() as offload:`.
    """

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._accidents, self._commits = Accidents(), Commits()
        self._count = 0  # Deliveries that the current run worked on.
        self.last: Runs | None = None  # What the last run returned.
        self._stacks: dict[str, Options] = {options.stack: options for options in configured().values()}
        self.stores = {stack: MemoryStore() for stack in self._stacks}
        self.transports = {stack: MemoryTransport(self.clock) for stack in self._stacks}
        self.payloads = {stack: MemoryPayloads() for stack in self._stacks}

    def run(self, *, skip: bool = True) -> Runs:
        """
        Deliver until nothing is left to deliver; return how many deliveries were worked on.

        With `skip=False` only what is due now is delivered: no time is skipped. The number that is returned
        says in its repr() what waits for a commit, which is not delivered.
        """
        self._count = 0
        self._drain_all()
        while skip and self._go_on():
            self._drain_all()
        self.last = Runs(self._count, self._commits)
        return self.last

    @property
    def waiting(self) -> int:
        """How many tasks wait for the commit of a transaction; they are in no queue yet."""
        return self._commits.waiting

    def fail_next(self, exception: Failure) -> None:
        """Have the next task that runs raise this instead; several calls queue up."""
        self._accidents.fail(exception)

    def kill_next(self, *, after_work: bool = False) -> None:
        """
        Have the worker of the next attempt die, after its claim and before its outcome.

        It dies instead of running the task or, with `after_work`, once the task's function has returned. The
        record stays RUNNING until the lease ends, which run() skips to: then the task is tried again, or ends
        FAILED with WorkerLost if its attempts are used up. Several calls queue up.
        """
        self._accidents.kill(after_work=after_work)

    def sweep(self) -> dict[str, int]:
        """Run the sweeper once, as of the virtual now."""
        return sweep.sweep(self.clock, lambda: 60.0)

    @contextmanager
    def active(self) -> Iterator["Offload"]:
        """Stand in for AWS in this process."""
        with self._accidents.within(), self._commits.followed(), ExitStack() as exits:
            for stack in self._stacks:
                exits.enter_context(stores.use(stack, self.stores[stack]))
                exits.enter_context(transports.use(stack, self.transports[stack]))
                exits.enter_context(payloads.use(stack, self.payloads[stack]))
            yield self

    def _go_on(self) -> bool:
        """Skip to when the next thing is due; return False if nothing is."""
        message, record = self._next_message(), self._next_record()
        if message is None and record is None:
            return False
        if record is None or (message is not None and message <= record):
            assert message is not None
            self.clock.skip_to(message)
            return True
        self.clock.skip_to(record)
        swept = self.sweep()
        return any(swept.get(key) for key in ("sent", "moved", "ended"))

    def _next_message(self) -> datetime | None:
        times = [transport.next_visible_at() for transport in self.transports.values()]
        return min((at for at in times if at is not None), default=None)

    def _next_record(self) -> datetime | None:
        """Return when the sweeper is to look at a task whose start no message can wait for."""
        now = self.clock()
        return min(
            (
                due.due_at
                for store in self.stores.values()
                for shard in range(DUE_SHARDS)
                for due in store.due(shard, END_OF_TIME, MOST_RUNS)
                if (record := read_record(store.records[due.id])).status == READY and record.not_before > now
            ),
            default=None,
        )

    def _drain_all(self) -> None:
        """Deliver what is due now, and what tasks enqueue meanwhile, to whichever queue."""
        before = -1
        while before != self._count:
            before = self._count
            for options, queue in list(self._queues()):
                self._drain(options, queue)

    def _queues(self) -> Iterator[tuple[Options, str]]:
        for options in self._stacks.values():
            for queue in self.transports[options.stack].queues:
                yield options, queue

    def _drain(self, options: Options, queue: str) -> None:
        transport = self.transports[options.stack]
        limit = min(options.queues.get(queue, QueueOptions()).batch_size, RECEIVE_LIMIT)
        while deliveries := transport.receive(queue, limit):
            for delivery in self._acknowledged(deliveries, options, queue):
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

    def _acknowledged(self, deliveries: list[Delivery], options: Options, queue: str) -> list[Delivery]:
        """Invoke the worker; return what it acknowledged: nothing, if it was killed."""
        seconds = options.queues.get(queue, QueueOptions()).timeout.total_seconds()
        context = Invocation(options.worker_function(queue), seconds)
        try:
            answer = batch.handler(sqs_event(deliveries, options.queue(queue)), context, self.clock)
        except WorkerKilled:
            return []
        failed = {entry["itemIdentifier"] for entry in (answer or {})["batchItemFailures"]}
        return [delivery for delivery in deliveries if delivery.id not in failed]
