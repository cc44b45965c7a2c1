"""AWS in memory whose calls take virtual time: a sweep of many records is measured without waiting."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from django.test import override_settings

from django_offload import stores, transports
from django_offload.conf import Options, configured
from django_offload.conf.aws_limits import PARTITION_WRITES
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Value
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import EPOCH
from django_offload.protocol.record import DUE_AFTER, initial_item
from django_offload.stores import DueEntry
from django_offload.transports.batches import batches
from django_offload.transports.memory import MemoryTransport
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.pace import Pace
from tests.benchmarks.scaling import IndexedStore
from tests.benchmarks.site import offload

START = datetime(2026, 11, 30, 8, 46, tzinfo=UTC)
# As long as the function of the sweeper may take, and how often it is started.
TIMEOUT = SWEEP_EVERY = timedelta(seconds=60)


class VirtualTime:
    """A clock that calls move: each acts at once, and is answered after `delay` seconds."""

    def __init__(self, delay: float = 0.005) -> None:
        self.now, self.delay = 0.0, delay
        self.calls: Counter[str] = Counter()

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def begin[T](self, name: str, act: Callable[[], T]) -> Callable[[], T]:
        """Begin a call, and return what waits for its answer."""
        self.calls[name] += 1
        answered_at = self.now + self.delay
        try:
            result = act()
        except Exception as exc:  # noqa: BLE001, the answer is a refusal
            refusal: Exception | None = exc
        else:
            refusal = None

        def wait() -> T:
            self.now = max(self.now, answered_at)
            if refusal is not None:
                raise refusal
            return result

        return wait


class VirtualStore(IndexedStore):
    """A table whose calls take time. Its index takes as many writes a second as DynamoDB's."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time

    @property
    def index_units_per_second(self) -> float:
        return PARTITION_WRITES

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self.begin_change(task_id, change)()

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        return self.time.begin("UpdateItem", partial(super().change, task_id, change))

    def get(self, task_id: str) -> Attributes | None:
        return self.time.begin("GetItem", partial(super().get, task_id))()

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        assert len(ids) == len(set(ids)) <= 100
        get = super().get

        def records() -> dict[str, Attributes]:
            return {task_id: record for task_id in ids if (record := get(task_id)) is not None}

        return self.time.begin("BatchGetItem", records)

    def get_part(self, task_id: str, part: str) -> str | None:
        return self.begin_get_part(task_id, part)()

    def begin_get_part(self, task_id: str, part: str) -> Callable[[], str | None]:
        return self.time.begin("GetItem", partial(super().get_part, task_id, part))

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        return self.begin_due(shard, until, limit, since)()

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        return self.time.begin("Query", partial(super().due, shard, until, limit, since))

    def fill(self, enqueued: EnqueuedTask, shards: int) -> None:
        """Put a record there that was created long ago, in no time."""
        item = initial_item(enqueued, shards)
        self.records[enqueued.id] = item
        self._index(enqueued.id, None, item)


class VirtualQueue(MemoryTransport):
    """A queue whose calls take time. It notes when each message may be received, and holds none."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time.clock)
        self.time, self.held = time, 0
        self.sent: dict[str, list[datetime]] = {}

    def note(self, messages: Sequence[tuple[str, timedelta]]) -> None:
        for text, delay in messages:
            self.sent.setdefault(json.loads(text)["id"], []).append(self.time.clock() + delay)

    def begin_send(self, queue: str, text: str, delay: timedelta) -> Callable[[], None]:
        return self.time.begin("SendMessage", partial(self.note, [(text, delay)]))

    def begin_send_many(
        self, queue: str, texts: Sequence[str], delays: Sequence[timedelta]
    ) -> Callable[[], list[Exception | None]]:
        waits = [
            self.time.begin(
                "SendMessageBatch", partial(self.note, [(texts[number], delays[number]) for number in batch])
            )
            for batch in batches(dict(enumerate(texts)))
        ]

        def failures() -> list[Exception | None]:
            for wait in waits:
                wait()
            return [None] * len(texts)

        return failures

    def depth(self, queue: str) -> int:
        return self.time.begin("GetQueueAttributes", lambda: self.held)()


class VirtualStack:
    """One stack, whose sweeper is started each minute."""

    def __init__(self, options: Options, shards: int, delay: float = 0.005) -> None:
        self.time, self.shards = VirtualTime(delay), shards
        self.options = options
        self.store, self.queue = VirtualStore(self.time), VirtualQueue(self.time)

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

    def kill(self, task: EnqueuedTask, lease_until: datetime) -> None:
        """Put a record there whose worker died. A look has moved it to the end of its lease."""
        self.store.fill(replace(task, enqueued_at=lease_until - DUE_AFTER), self.shards)
        record = self.store.records[task.id]
        record |= {"status": "RUNNING", "fence": 1, "token": "t", "workers": ["w"]}
        record |= {"attempted_at": record["enqueued_at"], "lease_until": record["due_at"]}

    def sweep(self, seconds: float = TIMEOUT.total_seconds()) -> Counter[str]:
        """Sweep once, for at most so many seconds."""
        ends_at = self.time.now + seconds
        pace = Pace(
            units_per_second=PARTITION_WRITES,
            monotonic=lambda: self.time.now,
            sleep=self.time.sleep,
        )
        return Sweeper(
            options=self.options,
            store=self.store,
            clock=self.time.clock,
            left=lambda: ends_at - self.time.now,
            pace=pace,
        ).run()

    def next_minute(self) -> None:
        """Let the time pass until the sweeper is started again."""
        self.time.now = (self.time.now // 60 + 1) * 60


@contextmanager
def virtual_stack(shards: int = 32, delay: float = 0.005) -> Iterator[VirtualStack]:
    """Put a stack in virtual time, whose writers spread over so many shards, in the place of AWS."""
    with override_settings(TASKS={"default": offload(shards=shards)}):
        options = configured()["default"]
        stack = VirtualStack(options, shards, delay)
        with stores.use(options.stack, stack.store), transports.use(options.stack, stack.queue):
            yield stack
