"""
AWS and a database whose calls take virtual time: how fast is what waits for them, whatever machine this is?

A call acts at once, and its answer comes 5 ms later, while other calls are under way. A statement takes 1 ms,
in which nothing else happens. The code of this process takes no time.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection

from django_offload import stores, transports
from django_offload.conf import Options
from django_offload.conf.aws_limits import PARTITION_WRITES
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from django_offload.protocol.json_codec import EPOCH
from django_offload.protocol.transitions import create
from django_offload.stores import DueEntry
from django_offload.stores.base import MOST_READ
from django_offload.transports.batches import batches
from django_offload.transports.memory import MemoryTransport
from tests.benchmarks.scaling import IndexedStore

START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
CALL_SECONDS, STATEMENT_SECONDS = 0.005, 0.001


class VirtualTime:
    """A clock that only calls, statements and pauses move."""

    def __init__(self, start: datetime = START, delay: float = CALL_SECONDS) -> None:
        self.start, self.delay = start, delay
        self.seconds = 0.0
        self.calls: Counter[str] = Counter()

    def clock(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def begin[T](self, name: str, act: Callable[[], T]) -> Callable[[], T]:
        """Begin a call, and return what waits for its answer: a result or an exception."""
        self.calls[name] += 1
        answered_at = self.seconds + self.delay
        try:
            result, failure = act(), None
        except Exception as exc:  # noqa: BLE001, whatever the call raises
            result, failure = None, exc

        def wait() -> T:
            self.seconds = max(self.seconds, answered_at)
            if failure is not None:
                raise failure
            return result  # type: ignore[return-value]

        return wait

    def statement(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Execute a statement of the database. Pass this to connection.execute_wrapper()."""
        self.calls["statements"] += 1
        self.seconds += STATEMENT_SECONDS
        return execute(sql, *rest)


class VirtualStore(IndexedStore):
    """A table in memory whose calls can be under way together. Its index takes as much as DynamoDB's."""

    index_units_per_second = PARTITION_WRITES

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self.begin_change(task_id, change)()

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        return self.time.begin("UpdateItem", partial(super().change, task_id, change))

    def begin_create(self, item: Attributes) -> Callable[[], bool]:
        change = partial(super().change, str(item["id"]), create(item))
        wait = self.time.begin("PutItem", change)

        def created() -> bool:
            try:
                wait()
            except Refused:
                return False
            return True

        return created

    def get(self, task_id: str) -> Attributes | None:
        return self.time.begin("GetItem", partial(super().get, task_id))()

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        assert len(ids) == len(set(ids)) <= MOST_READ
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

    def fill(self, item: Attributes) -> None:
        """Put a record there that was created long ago, in no time."""
        task_id = str(item["id"])
        self.records[task_id] = item
        self._index(task_id, None, item)


class VirtualQueues(MemoryTransport):
    """Queues in memory that take ten messages by one call."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time.clock)
        self.time = time

    def take(self, queue: str, messages: Sequence[tuple[str, timedelta, str | None]]) -> None:
        """Take messages, each with its delay and its group, in no time."""
        for message in messages:
            self.send(queue, *message)

    def begin_send(
        self, queue: str, text: str, delay: timedelta, group: str | None = None
    ) -> Callable[[], None]:
        return self.time.begin("SendMessage", partial(self.take, queue, [(text, delay, group)]))

    def begin_send_many(
        self,
        queue: str,
        texts: Sequence[str],
        delays: Sequence[timedelta],
        groups: Sequence[str | None] | None = None,
    ) -> Callable[[], list[Exception | None]]:
        messages = list(zip(texts, delays, groups or [None] * len(texts), strict=True))
        waits = [
            self.time.begin(
                "SendMessageBatch",
                partial(self.take, queue, [messages[number] for number in batch]),
            )
            for batch in batches(dict(enumerate(texts)))
        ]

        def failures() -> list[Exception | None]:
            for wait in waits:
                wait()
            return [None] * len(texts)

        return failures


@contextmanager
def virtual_aws(options: Options) -> Iterator[tuple[VirtualStore, VirtualQueues]]:
    """Put a table and queues in virtual time in the place of AWS; the database's statements take it too."""
    time = VirtualTime()
    store, queues = VirtualStore(time), VirtualQueues(time)
    with (
        stores.use(options.stack, store),
        transports.use(options.stack, queues),
        connection.execute_wrapper(time.statement),
    ):
        yield store, queues
