"""What goes wrong between this process and AWS: wrappers around a store or a transport."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from django_offload import stores, transports
from django_offload.conf import configured
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Value
from django_offload.protocol.json_codec import EPOCH
from django_offload.stores import DueEntry, Store, store_of
from django_offload.transports import Delivery, Transport, transport_of


class Unreachable(OSError):
    """AWS did not answer."""


class WrappedStore(Store):
    """
    Does what another store does.

    Reads of many pass through as one call, unless a subclass has a get() or due() of its own. Then they make
    each read through it, so that what the subclass does happens there too.
    """

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self.inner.change(task_id, change)

    def get(self, task_id: str) -> Attributes | None:
        return self.inner.get(task_id)

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        return self.inner.put_part(task_id, part, text, ttl)

    def get_part(self, task_id: str, part: str) -> str | None:
        return self.inner.get_part(task_id, part)

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        return self.inner.parts(task_id)

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        return self.inner.due(shard, until, limit, since)

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        reads = self.inner.begin_due if type(self).due is WrappedStore.due else super().begin_due
        return reads(shard, until, limit, since)

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        reads = self.inner.begin_get_many if type(self).get is WrappedStore.get else super().begin_get_many
        return reads(ids)

    @property
    def index_units_per_second(self) -> float:
        return self.inner.index_units_per_second

    @property
    def read_shards(self) -> int:
        return self.inner.read_shards


class FailingStore(WrappedStore):
    """
    Fails `times` changes of one name.

    `before`: the write is not made. `after`: it is made, and its reply is lost.
    """

    def __init__(self, inner: Store, *, before: str = "", after: str = "", times: int = 1) -> None:
        super().__init__(inner)
        self.before, self.after, self.times = before, after, times

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        if self.times and change.name == self.before:
            self.times -= 1
            raise Unreachable(f"no answer to {change.name}")
        found = super().change(task_id, change)
        if self.times and change.name == self.after:
            self.times -= 1
            raise Unreachable(f"the answer to {change.name} was lost")
        return found


class RepeatingStore(WrappedStore):
    """Makes every change of one name twice, as a client does that repeats a call whose answer it lost."""

    def __init__(self, inner: Store, name: str) -> None:
        super().__init__(inner)
        self.name = name

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        if change.name == self.name:
            super().change(task_id, change)
        return super().change(task_id, change)


class WatchingStore(WrappedStore):
    """Calls `watch` before every change of one name, once."""

    def __init__(self, inner: Store, name: str, watch: Callable[[str], object]) -> None:
        super().__init__(inner)
        self.name, self.watch = name, watch

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        if change.name == self.name:
            self.name = ""
            self.watch(task_id)
        return super().change(task_id, change)


class WrappedTransport(Transport):
    """Does what another transport does."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.longest_delay, self.longest_return = inner.longest_delay, inner.longest_return

    def prepare(self, queue: str) -> None:
        self.inner.prepare(queue)

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        self.inner.send(queue, text, delay, group)

    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        self.inner.give_back(delivery, delay)

    def depth(self, queue: str) -> int:
        return self.inner.depth(queue)


class FailingTransport(WrappedTransport):
    """Fails `times` sends: nothing is sent, or (`after`) only the reply is lost."""

    def __init__(self, inner: Transport, *, times: int = 1, after: bool = False) -> None:
        super().__init__(inner)
        self.times, self.after = times, after

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        fails, self.times = self.times > 0, self.times - 1
        if not fails or self.after:
            super().send(queue, text, delay, group)
        if fails:
            raise Unreachable("no answer to the send")


class LosingTransport(WrappedTransport):
    """Takes every message, and none arrives."""

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        pass


class DuplicatingTransport(WrappedTransport):
    """Sends every message twice."""

    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        super().send(queue, text, delay, group)
        super().send(queue, text, delay, group)


def store_with(wrap: Callable[[Store], Store], alias: str = "default") -> AbstractContextManager[Store]:
    """Put a wrapper around the store of a backend's stack."""
    options = configured()[alias]
    return stores.use(options.stack, wrap(store_of(options)))


def transport_with(
    wrap: Callable[[Transport], Transport], alias: str = "default"
) -> AbstractContextManager[Transport]:
    """Put a wrapper around the transport of a backend's stack."""
    options = configured()[alias]
    return transports.use(options.stack, wrap(transport_of(options)))
