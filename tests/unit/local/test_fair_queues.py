"""The order in which a queue with tenants delivers: of moto, through the real mapping, and in memory."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.local.aws.event_source_mapping import EventSourceMapping, MappingConfig
from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.lambda_.invoker import Outcome, failed_outcome
from django_offload.transports.memory import MemoryTransport

from .fakes import FakeFunctions, FakeInvoker, function
from .test_queues import Queue

# No other test uses this region, because moto keeps its state by process and region, not by server.
REGION = "ap-southeast-5"
SECOND = timedelta(seconds=1)


class OnMoto:
    """A queue of moto, read by a mapping as local AWS reads it."""

    def __init__(self, server: MotoServer, name: str) -> None:
        self.queue = Queue(server, name, REGION)
        self.name = name
        self.mapping(1)

    def mapping(self, batch_size: int, *outcomes: Outcome, window: float = 0) -> EventSourceMapping:
        config = MappingConfig(
            source_arn=f"arn:aws:sqs:{REGION}:123456789012:{self.name}",
            function_arn=function().arn,
            batch_size=batch_size,
            window_seconds=window,
            partial=True,
        )
        self.invoker = FakeInvoker(*outcomes)
        self.reader = EventSourceMapping(
            config,
            sqs=self.queue.in_process,
            functions=FakeFunctions(function()),
            invoker=self.invoker,
            clock=lambda: 0.0,  # So that no window ends while messages come.
        )
        return self.reader

    def send(self, *texts: str, group: str | None, delay: int = 0) -> None:
        extra = {} if group is None else {"MessageGroupId": group}
        for text in texts:
            self.queue.in_process.call(
                "SendMessage",
                {"QueueUrl": self.queue.url, "MessageBody": text, "DelaySeconds": delay, **extra},
            )

    def take(self, limit: int) -> list[Any]:
        return self.reader._receive(limit, 0)

    def end(self, taken: list[Any]) -> None:
        self.reader.deliver(taken)

    def fail(self, taken: list[Any]) -> None:
        self.mapping(1, failed_outcome("Killed", "no")).deliver(taken)
        self.mapping(1)

    @staticmethod
    def text(message: Any) -> str:
        return str(message["body"])


class InMemory:
    """A queue of the fixture `offload`."""

    def __init__(self) -> None:
        self.transport = MemoryTransport(lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.transport.prepare("default")

    def send(self, *texts: str, group: str | None, delay: int = 0) -> None:
        for text in texts:
            self.transport.send("default", text, delay * SECOND, group)

    def take(self, limit: int) -> list[Any]:
        return self.transport.receive("default", limit)

    def end(self, taken: list[Any]) -> None:
        for delivery in taken:
            self.transport.delete(delivery)

    def fail(self, taken: list[Any]) -> None:
        for delivery in taken:
            self.transport.give_back(delivery, 900 * SECOND)

    @staticmethod
    def text(message: Any) -> str:
        return str(message.body)


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with MotoServer(region=REGION) as server:
        yield server


@pytest.fixture(params=["moto", "memory"])
def place(request: Any) -> Any:
    if request.param == "memory":
        return InMemory()
    return OnMoto(request.getfixturevalue("server"), f"shop-{len(request.node.name)}-{id(request)}")


def numbered(whose: str, count: int) -> list[str]:
    return [f"{whose} {number}" for number in range(count)]


def texts(place: Any, taken: list[Any]) -> list[str]:
    return [place.text(message) for message in taken]


def whose(place: Any, taken: list[Any]) -> list[str]:
    return [text.split()[0] for text in texts(place, taken)]


@pytest.mark.parametrize("limit", [1, 3, 10])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("noisy", "quiet"), [("a", "b"), (None, "b"), ("a", None)])
def test_a_quiet_tenant_has_its_share_of_every_batch_and_worker(
    place: Any, limit: int, workers: int, noisy: str | None, quiet: str | None
) -> None:
    """Each worker takes a batch when it is free, and the first one that took one is the first to end."""
    place.send(*numbered("noisy", 60), group=noisy)
    place.send(*numbered("quiet", 6), group=quiet)
    started: list[str] = []
    busy: list[list[Any]] = []

    while taken := place.take(limit):
        started += texts(place, taken)
        busy.append(taken)
        if len(busy) == workers:
            place.end(busy.pop(0))

    assert len(started) == len(set(started)) == 66
    last = max(number for number, text in enumerate(started) if text.startswith("quiet"))
    assert last < 2 * 6 + limit * workers
    for tenant in "noisy", "quiet":
        own = [text for text in started if text.startswith(tenant)]
        assert own == numbered(tenant, len(own)), "the oldest of a tenant comes first"


def test_long_tasks_of_one_tenant_do_not_take_every_worker(place: Any) -> None:
    """While one worker has a task of the noisy tenant, the other one works for the quiet tenant."""
    place.send(*numbered("noisy", 20), group="a")
    place.send(*numbered("quiet", 10), group="b")
    long = place.take(1)

    others: list[str] = []
    for _ in range(10):
        taken = place.take(1)
        others += whose(place, taken)
        place.end(taken)

    assert (whose(place, long), others) == (["noisy"], ["quiet"] * 10)
    assert whose(place, place.take(1)) == ["noisy"], "nobody else needs the worker"


def test_failed_tasks_do_not_count_as_under_way(place: Any) -> None:
    """They are invisible for half an hour, but no worker has them. Their tenant's turn comes as before."""
    place.send(*numbered("noisy", 20), group="a")
    place.send(*numbered("quiet", 6), group="b")
    taken = place.take(6)
    failed = [message for message in taken if place.text(message).startswith("quiet")]
    assert len(failed) == 3
    place.fail(failed)
    place.end([message for message in taken if message not in failed])

    started: list[str] = []
    for _ in range(6):
        taken = place.take(1)
        started += whose(place, taken)
        place.end(taken)

    assert Counter(started)["quiet"] == 3


def test_a_delayed_message_counts_neither_as_waiting_nor_as_under_way(place: Any) -> None:
    place.send(*numbered("late", 5), group="b", delay=900)
    place.send(*numbered("noisy", 5), group="a")
    place.send("late now", group="b")

    assert texts(place, place.take(3)) == ["noisy 0", "late now", "noisy 1"]


def test_without_tenants_messages_come_in_the_order_of_their_sending(place: Any) -> None:
    place.send(*numbered("plain", 12), group=None)

    assert texts(place, [*place.take(5), *place.take(7)]) == numbered("plain", 12)


def test_many_tenants_take_turns(place: Any) -> None:
    for number in range(4):
        place.send(*numbered(f"t{number}", 3), group=f"g{number}")

    started: list[str] = []
    while taken := place.take(1):
        started += whose(place, taken)
        place.end(taken)

    assert started == [f"t{number}" for number in range(4)] * 3


@pytest.mark.parametrize("batch_size", [1, 7, 25])
def test_a_batch_window_gathers_fair_batches(server: MotoServer, batch_size: int) -> None:
    """A batch of more than ten needs several receives; what they returned is under way."""
    place = OnMoto(server, f"shop-window-{batch_size}")
    place.send(*numbered("noisy", 40), group="a")
    place.send(*numbered("quiet", 12), group="b")
    mapping = place.mapping(batch_size, window=1)

    started: list[str] = []
    while len(started) < 2 * 12:
        records = mapping.gather()
        assert len(records) == batch_size
        mapping.deliver(records)
        started = [
            record["body"] for event in place.invoker.events for record in json.loads(event)["Records"]
        ]

    assert [text for text in started if text.startswith("quiet")] == numbered("quiet", 12)
