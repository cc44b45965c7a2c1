"""One stack in virtual time, whose sweeper is measured over many records without waiting."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.test import override_settings

from django_offload import stores, transports
from django_offload.conf import Options, configured
from django_offload.conf.aws_limits import PARTITION_WRITES
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import DUE_AFTER, initial_item
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.pace import Pace
from tests.benchmarks.site import offload
from tests.benchmarks.virtual_time import CALL_SECONDS, VirtualQueues, VirtualStore, VirtualTime

START = datetime(2026, 11, 30, 8, 46, tzinfo=UTC)
# As long as the function of the sweeper may take, and how often it is started.
TIMEOUT = SWEEP_EVERY = timedelta(seconds=60)


class NotedQueues(VirtualQueues):
    """Queues that note when each message may be received, and hold none."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time)
        self.held = 0
        self.sent: dict[str, list[datetime]] = {}

    def take(self, queue: str, messages: Sequence[tuple[str, timedelta, str | None]]) -> None:
        for text, delay, _ in messages:
            self.sent.setdefault(json.loads(text)["id"], []).append(self.time.clock() + delay)

    def depth(self, queue: str) -> int:
        return self.time.begin("GetQueueAttributes", lambda: self.held)()


class VirtualStack:
    """One stack, whose sweeper is started each minute."""

    def __init__(self, options: Options, shards: int, delay: float = CALL_SECONDS) -> None:
        self.time, self.shards = VirtualTime(START, delay), shards
        self.options = options
        self.store, self.queue = VirtualStore(self.time), NotedQueues(self.time)

    def task(self, number: int, *, enqueued_at: datetime, run_after: datetime | None = None) -> EnqueuedTask:
        """Return a task, whose id is as evenly spread as random ones."""
        return EnqueuedTask(
            id=f"{number:028x}{number * 40_503 % 65_536:04x}",
            alias=self.options.alias,
            name="tests.benchmarks.tasks.nothing",
            queue="default",
            arguments="[[7],{}]",
            enqueued_at=enqueued_at,
            run_after=run_after,
        )

    def fill(self, task: EnqueuedTask) -> None:
        """Put a record there that was created long ago."""
        self.store.fill(initial_item(task, self.shards))

    def kill(self, task: EnqueuedTask, lease_until: datetime) -> None:
        """Put a record there whose worker died. A look has moved it to the end of its lease."""
        self.fill(replace(task, enqueued_at=lease_until - DUE_AFTER))
        record = self.store.records[task.id]
        record |= {"status": "RUNNING", "fence": 1, "token": "t", "workers": ["w"]}
        record |= {"attempted_at": record["enqueued_at"], "lease_until": record["due_at"]}

    def sweep(self, seconds: float = TIMEOUT.total_seconds()) -> Counter[str]:
        """Sweep once, for at most so many seconds."""
        ends_at = self.time.seconds + seconds
        pace = Pace(
            units_per_second=PARTITION_WRITES,
            monotonic=lambda: self.time.seconds,
            sleep=self.time.sleep,
        )
        return Sweeper(
            options=self.options,
            store=self.store,
            clock=self.time.clock,
            left=lambda: ends_at - self.time.seconds,
            pace=pace,
        ).run()

    def next_minute(self) -> None:
        """Let the time pass until the sweeper is started again."""
        self.time.seconds = (self.time.seconds // 60 + 1) * 60


@contextmanager
def virtual_stack(shards: int = 32, delay: float = CALL_SECONDS) -> Iterator[VirtualStack]:
    """Put a stack in virtual time, whose writers spread over so many shards, in the place of AWS."""
    with override_settings(TASKS={"default": offload(shards=shards)}):
        options = configured()["default"]
        stack = VirtualStack(options, shards, delay)
        with stores.use(options.stack, stack.store), transports.use(options.stack, stack.queue):
            yield stack
