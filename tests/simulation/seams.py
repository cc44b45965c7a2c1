"""Between the protocol and the memory adapters: every call may be hit by a fault, and is watched."""

from binascii import crc32
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Protocol

from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from django_offload.protocol.json_codec import EPOCH
from django_offload.stores import DueEntry, Store
from django_offload.stores.memory import MemoryStore
from django_offload.transports import Delivery
from django_offload.transports.memory import MemoryTransport

# Stands for a task's id where the sweeper reads its index.
INDEX = "index"


class Network(Protocol):
    """What lies between a process and AWS; `whom` is, or names in its text, the task that a call is about."""

    def call[T](self, whom: str, function: Callable[..., T], *args: Any) -> T: ...

    def lags(self) -> bool: ...


class Watcher(Protocol):
    """Who is told of each write that was made."""

    def changed(self, task_id: str, change: ConditionalWrite, before: Attributes | None) -> None: ...

    def read(self, task_id: str) -> None: ...

    def looked(self, task_id: str, part: str, text: str | None) -> None: ...


class SimulatedStore(Store):
    """A store beyond a network."""

    def __init__(self, network: Network, watcher: Watcher, inner: MemoryStore | None = None) -> None:
        self.inner = inner or MemoryStore()
        self._call, self._lags, self._watcher = network.call, network.lags, watcher
        self._shown: dict[int, Sequence[DueEntry]] = {}
        self.refused: Counter[str] = Counter()  # Writes, by the name of their transition.

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self._call(task_id, self._change, task_id, change)

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        """Make every other change at once: a claim then comes before what the write begun earlier answers."""
        if crc32(f"{task_id}{change.name}".encode()) % 2:
            return super().begin_change(task_id, change)
        begun = Future[dict[str, Value] | None]()
        try:
            begun.set_result(self.change(task_id, change))
        except Exception as exc:  # noqa: BLE001, raised again where it is waited for
            begun.set_exception(exc)
        return begun.result

    def _change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
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

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        return self._call(INDEX, self._due, shard, until, limit, since)

    def _due(self, shard: int, until: datetime, limit: int, since: datetime) -> Sequence[DueEntry]:
        """Read the index, which may lag behind the records."""
        shown = self._shown.get(shard) if since == EPOCH else None
        if shown is None or not self._lags():
            shown = self._shown[shard] = self.inner.due(shard, until, limit, since)
        return shown


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
        self._call, self._arrived = network.call, arrived
        self.accepted = 0  # Messages, in all.

    def send(self, queue: str, text: str, delay: timedelta) -> None:
        self._call(text, self.accept, queue, text, delay)

    def begin_send(self, queue: str, text: str, delay: timedelta) -> Callable[[], None]:
        """Send every other message before what was begun earlier ends: it may overtake its record."""
        if crc32(text.encode()) % 2:
            return super().begin_send(queue, text, delay)
        self.send(queue, text, delay)
        return lambda: None

    def accept(self, queue: str, text: str, delay: timedelta) -> None:
        """Take a message, whoever sent it."""
        super().send(queue, text, delay)
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
