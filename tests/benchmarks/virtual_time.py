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
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Value
from django_offload.protocol.json_codec import EPOCH
from django_offload.stores import DueEntry
from django_offload.transports.batches import MOST_ENTRIES
from django_offload.transports.memory import MemoryTransport
from tests.benchmarks.scaling import IndexedStore

START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
CALL_SECONDS, STATEMENT_SECONDS = 0.005, 0.001


class VirtualTime:
    """A clock that only calls and statements move."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls: Counter[str] = Counter()

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def begin[T](self, name: str, act: Callable[[], T]) -> Callable[[], T]:
        """Begin a call, and return what waits for its answer: a result or an exception."""
        self.calls[name] += 1
        answered_at = self.seconds + CALL_SECONDS
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
    """A table in memory whose calls can be under way together."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self.time = time

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        return self.time.begin("UpdateItem", partial(super().change, task_id, change))

    def begin_create(self, item: Attributes) -> Callable[[], bool]:
        return self.time.begin("PutItem", super().begin_create(item))

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        found = {task_id: self.records[task_id] for task_id in ids if task_id in self.records}
        return self.time.begin("BatchGetItem", lambda: found)

    def get(self, task_id: str) -> Attributes | None:
        return self.time.begin("GetItem", partial(super().get, task_id))()

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        return self.time.begin("Query", partial(self.due, shard, until, limit, since))


class VirtualTransport(MemoryTransport):
    """Queues in memory that take ten messages by one call."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(time.clock)
        self.time = time

    def begin_send_many(
        self, queue: str, texts: Sequence[str], delays: Sequence[timedelta]
    ) -> Callable[[], list[Exception | None]]:
        def send(first: int) -> list[Exception | None]:
            last = first + MOST_ENTRIES
            for text, delay in zip(texts[first:last], delays[first:last], strict=True):
                self.send(queue, text, delay)
            return [None] * len(texts[first:last])

        batches = range(0, len(texts), MOST_ENTRIES)
        waits = [self.time.begin("SendMessageBatch", partial(send, first)) for first in batches]
        return lambda: [failure for wait in waits for failure in wait()]


@contextmanager
def virtual_aws(options: Options) -> Iterator[tuple[VirtualStore, VirtualTransport]]:
    """Put a table and queues in virtual time in the place of AWS; the database's statements take it too."""
    time = VirtualTime()
    store, transport = VirtualStore(time), VirtualTransport(time)
    with (
        stores.use(options.stack, store),
        transports.use(options.stack, transport),
        connection.execute_wrapper(time.statement),
    ):
        yield store, transport
