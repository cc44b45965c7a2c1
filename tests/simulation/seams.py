"""Between the protocol and the memory adapters: every call may be hit by a fault, and is watched."""

import json
from binascii import crc32
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, NoReturn, Protocol

from django_offload.conf import Options
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from django_offload.protocol.json_codec import EPOCH, to_micros
from django_offload.protocol.shards import OLD_SHARDS
from django_offload.stores import DueEntry, Store
from django_offload.stores.memory import MemoryStore
from django_offload.transports import Delivery, Transport
from django_offload.transports.memory import MemoryTransport

from .deploys import Release
from .faults import MET, Throttled
from .rules import SWEPT

# Stands before the ids of tasks where the sweeper reads its index.
INDEX = "index"
BATCH = 10  # Messages in one call, at most.


class Network(Protocol):
    """What lies between a process and AWS; `whom` is, or names in its text, the task that a call is about."""

    def call[T](self, whom: str, function: Callable[..., T], *args: Any) -> T: ...

    @property
    def release(self) -> Release: ...

    def lags(self, whom: str) -> bool: ...

    def leaves_out(self, whom: str) -> bool: ...


class Watcher(Protocol):
    """Who is told of each write that was made."""

    def changed(self, task_id: str, change: ConditionalWrite, before: Attributes | None) -> None: ...

    def read(self, task_id: str) -> None: ...

    def looked(self, task_id: str, part: str, text: str | None) -> None: ...


class SimulatedStore(Store):
    """A store beyond a network."""

    def __init__(self, network: Network, watcher: Watcher, inner: MemoryStore | None = None) -> None:
        self.inner = inner or MemoryStore()
        self._call, self._network, self._watcher = network.call, network, watcher
        self._shown: dict[int, Sequence[DueEntry]] = {}
        self.refused: Counter[str] = Counter()  # Writes, by the name of their transition.

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self._call(task_id, self._change, task_id, change)

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        """Make every other change at once: a claim then comes before what the write begun earlier answers."""
        if crc32(f"{task_id}{change.name}".encode()) % 2:
            return super().begin_change(task_id, change)
        return at_once(lambda: self.change(task_id, change))

    def _change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        change = self._network.release.write(task_id, change)
        try:
            before = self.inner.change(task_id, change)
        except Refused:
            self.refused[change.name] += 1
            raise
        self._watcher.changed(task_id, change, before)
        return before

    def get(self, task_id: str) -> Attributes | None:
        return self._call(task_id, self._get, task_id)

    def _get(self, task_id: str) -> Attributes | None:
        self._watcher.read(task_id)
        return self.inner.get(task_id)

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        return self._call(task_id, self.inner.put_part, task_id, part, text, ttl)

    def get_part(self, task_id: str, part: str) -> str | None:
        return self._call(task_id, self._get_part, task_id, part)

    def _get_part(self, task_id: str, part: str) -> str | None:
        text = self.inner.get_part(task_id, part)
        self._watcher.looked(task_id, part, text)
        return text

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        return self._call(task_id, self.inner.parts, task_id)

    @property
    def read_shards(self) -> int:
        """As many as the release reads, but those behind the last with entries would only take time."""
        shown = (shard for shard, entries in self._shown.items() if entries)
        listed = (shard for shard, ids in self.inner._due.items() if ids)
        numbers = [shard % 1_000 for shard in (*shown, *listed) if shard in SWEPT and shard >= OLD_SHARDS]
        return min(self._network.release.reads, max(numbers, default=-1) + 1)

    def shards(self, options: Options) -> int:
        return self._network.release.shards

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        if self._is_empty(shard):
            return ()
        entries = self.inner.due(shard, until, limit, since)
        ids = " ".join(entry.id for entry in entries)
        return self._call(f"{INDEX} {ids}", self._due, shard, until, limit, since)

    def _due(self, shard: int, until: datetime, limit: int, since: datetime) -> Sequence[DueEntry]:
        """Read the index, which may lag behind the records."""
        entries = self.inner.due(shard, until, limit, since)
        if since != EPOCH:
            return entries
        shown, self._shown[shard] = self._shown.get(shard, entries), entries
        if shown != entries and self._network.lags(" ".join(entry.id for entry in entries)):
            self._shown[shard] = shown
        return self._shown[shard]

    def _is_empty(self, shard: int) -> bool:
        """Return True if nothing is in a shard, nor was: whatever goes wrong there would not be noticed."""
        return not self.inner._due.get(shard) and not self._shown.get(shard)

    def may_show(self, until: datetime) -> bool:
        """Return True if a read of the whole index may show an entry that is due by then."""
        last, records = to_micros(until), self.inner.records
        return any(self._shown.values()) or any(
            records[task_id]["due_at"] <= last  # type: ignore[operator]
            for shard, ids in self.inner._due.items()
            if shard in SWEPT
            for task_id in ids
        )

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        """Read every other shard at once."""
        if self._is_empty(shard):
            return nothing
        if shard % 2:
            return super().begin_due(shard, until, limit, since)
        return at_once(lambda: self.due(shard, until, limit, since))

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        """Read a page of records in one call, every other page at once."""
        whom = " ".join(ids)
        if crc32(whom.encode()) % 2:
            return lambda: self._call(whom, self._get_many, ids)
        return at_once(lambda: self._call(whom, self._get_many, ids))

    def _get_many(self, ids: Sequence[str]) -> Mapping[str, Attributes]:
        """Return the records without those that AWS leaves out (UnprocessedKeys) each time."""
        read = (task_id for task_id in ids if not self._network.leaves_out(task_id))
        return {task_id: record for task_id in read if (record := self._get(task_id)) is not None}


def at_once[T](call: Callable[[], T]) -> Callable[[], T]:
    """Make a call now; return what gives its result, or raises its exception, when that is waited for."""
    try:
        result = call()
    except Exception as exc:  # noqa: BLE001, raised again where it is waited for
        return partial(fail, exc)
    return lambda: result


def fail(exc: Exception) -> NoReturn:
    raise exc


def nothing() -> Sequence[DueEntry]:
    return ()


class SimulatedTransport(MemoryTransport):
    """A queue beyond a network; `arrived` is told of each message that can be received after a while."""

    def __init__(
        self,
        network: Network,
        arrived: Callable[[str, timedelta], None],
        clock: Callable[[], datetime],
        **options: Any,
    ) -> None:
        super().__init__(clock, **options)
        self._call, self._network, self._arrived = network.call, network, arrived
        self.accepted = 0  # Messages, in all.
        self.astray = 0  # Messages that this library sent without the group of their tenant.

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        self._look_at_group(text, group)
        self._call(text, self.accept, queue, text, delay, group)

    def begin_send(
        self, queue: str, text: str, delay: timedelta, group: str | None = None
    ) -> Callable[[], None]:
        """Send every other message before what was begun earlier ends: it may overtake its record."""
        if crc32(text.encode()) % 2:
            return super().begin_send(queue, text, delay, group)
        self.send(queue, text, delay, group)
        return lambda: None

    def begin_send_many(
        self,
        queue: str,
        texts: Sequence[str],
        delays: Sequence[timedelta],
        groups: Sequence[str | None] | None = None,
    ) -> Callable[[], list[Exception | None]]:
        """Send ten messages a call, every other ten at once. AWS may refuse some of a call, or all."""
        if len(texts) == 1:
            return super().begin_send_many(queue, texts, delays, groups)
        messages = list(zip(texts, delays, groups or [None] * len(texts), strict=True))
        for text, _, group in messages:
            self._look_at_group(text, group)
        waits = [
            self._begin_batch(queue, messages[start : start + BATCH])
            for start in range(0, len(messages), BATCH)
        ]
        return lambda: [failure for wait in waits for failure in wait()]

    def _begin_batch(
        self, queue: str, messages: Sequence[tuple[str, timedelta, str | None]]
    ) -> Callable[[], list[Exception | None]]:
        def send() -> list[Exception | None]:
            try:
                return self._call(whom, self._accept_batch, queue, messages)
            except MET as exc:
                return [exc] * len(messages)

        whom = " ".join(text for text, *_ in messages)
        return send if crc32(whom.encode()) % 2 else at_once(send)

    def _accept_batch(
        self, queue: str, messages: Sequence[tuple[str, timedelta, str | None]]
    ) -> list[Exception | None]:
        failures: list[Exception | None] = []
        for text, delay, group in messages:
            left_out = self._network.leaves_out(text)
            failures.append(Throttled() if left_out else None)
            if not left_out:
                self.accept(queue, text, delay, group)
        return failures

    def _look_at_group(self, text: str, group: str | None) -> None:
        """Count a message of ours that doesn't have the group of the tenant that its text names."""
        tenant = json.loads(text).get("tenant")
        expected = None if tenant is None else sha256(tenant.encode()).hexdigest()[:32]
        self.astray += group != expected

    def accept(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        """Take a message, whoever sent it."""
        super().send(queue, text, delay, group)
        self.accepted += 1
        self._arrived(queue, delay)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        self._call(str(delivery.body), self._take_back, delivery, delay)

    def _take_back(self, delivery: Delivery, delay: timedelta) -> None:
        super().give_back(delivery, delay)
        self._arrived(delivery.queue, delay)


class InvokedTransport(SimulatedTransport):
    """Lambda, invoked asynchronously: a message cannot wait, and what failed is not given back."""

    longest_delay = longest_return = timedelta(0)

    def begin_send_many(
        self,
        queue: str,
        texts: Sequence[str],
        delays: Sequence[timedelta],
        groups: Sequence[str | None] | None = None,
    ) -> Callable[[], list[Exception | None]]:
        """Invoke once for each message."""
        return Transport.begin_send_many(self, queue, texts, delays, groups)

    def depth(self, queue: str) -> int:
        return 0


class SimulatedPayloads(MemoryPayloads):
    """A bucket beyond a network."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._call = network.call

    def put(self, key: str, data: bytes) -> None:
        self._call(key, super().put, key, data)

    def get(self, key: str) -> bytes | None:
        return self._call(key, super().get, key)
