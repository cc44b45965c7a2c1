"""A whole world without faults of its own: what goes wrong, and when, the machine decides."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from unittest import mock

from django.db import transaction
from django.test import override_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from django_offload.backends import base
from django_offload.compat import task_backends
from django_offload.outbox import drain
from django_offload.testing import sqs_event
from django_offload.worker import batch
from tests.simulation import deploys
from tests.simulation.actors import SimulatedContext
from tests.simulation.checker import check
from tests.simulation.deploys import FEWER, FIRST, MANY, READING, ROLES, Release
from tests.simulation.faults import CALL, Fault
from tests.simulation.mapping import VISIBILITY, Schedule
from tests.simulation.plan import Order
from tests.simulation.scripted import Scripted
from tests.simulation.setup import SQS
from tests.simulation.world import World

SETTLED = timedelta(hours=2)
PLAIN = Order(name="sim.plain", args=[2, 3], value=6)
ORDERS = st.sampled_from(
    [
        PLAIN,
        Order(name="sim.add", args=[1, 2], value=3),
        Order(name="sim.flaky", args=[1], value=1),
        Order(name="sim.measure", args=["y" * 5_000], value=5_000),
        Order(name="sim.large", args=[5_000], value="x" * 5_000),
    ]
)
ALIASES = st.sampled_from(["default", "direct"])
RELEASES = st.sampled_from([FIRST, READING, MANY, FEWER])


class WorldMachine(RuleBasedStateMachine):
    """Enqueue, wait; at the end everything has come to its right end."""

    def __init__(self) -> None:
        super().__init__()
        self.script: dict[int, Fault] = {}
        self.faults = Scripted(self.script, applied=False)
        self.world = World("machine", 0, faults=self.faults)
        self.opened = ExitStack()
        self.opened.enter_context(self.world.patched())
        self.world.time.after(timedelta(seconds=30), Schedule(self.world, lambda: True).tick)

    def enqueue(self, wanted: Order, alias: str) -> str:
        return self.world.web.place(wanted, alias).id

    def wait(self, seconds: float) -> None:
        self.world.time.pass_by(timedelta(seconds=seconds))

    def teardown(self) -> None:
        with self.opened:
            self.script.clear()
            self.world.time.pass_by(SETTLED)
            report = check(self.world)
            assert report.sound, f"{dict(report.counts)} {dict(report.wrong)}"


class EnqueueMachine(WorldMachine):
    """Calls are struck, one way or another, at enqueue and at delivery."""

    @rule(wanted=ORDERS, alias=ALIASES)
    def enqueue_one(self, wanted: Order, alias: str) -> None:
        self.enqueue(wanted, alias)

    @rule(fault=st.sampled_from(list(CALL)), ahead=st.integers(1, 5), applied=st.booleans())
    def enqueue_scheduled(self, fault: Fault, ahead: int, *, applied: bool) -> None:
        self.script[self.faults.calls + ahead] = fault
        self.faults.apply(applied)

    @rule(seconds=st.sampled_from([1, 70, 400]))
    def pause(self, seconds: int) -> None:
        self.wait(seconds)


class ShardsMachine(EnqueueMachine):
    """Also: releases with other shards follow each other, for all processes at once or for one role alone."""

    def __init__(self) -> None:
        super().__init__()
        self.spread = False  # Was anything written where the first release doesn't read?

    @rule(release=RELEASES, roles=st.sampled_from([*((role,) for role in ROLES), ROLES]))
    def roll_out(self, release: Release, roles: tuple[str, ...]) -> None:
        if release is FIRST and self.spread:
            return  # A deployment refuses it.
        if release.shards > FIRST.shards:
            self.spread = True
            self.world.releases = {
                role: READING if live is FIRST else live for role, live in self.world.releases.items()
            }
        self.world.releases.update(dict.fromkeys(roles, release))


class OutboxMachine(WorldMachine):
    """Transactions are committed or rolled back; the process dies at any call after the commit."""

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back: list[str] = []

    @rule(dies=st.integers(0, 3), applied=st.booleans())
    def commit(self, dies: int, *, applied: bool) -> None:
        if dies:
            self.script[self.faults.calls + dies] = Fault.KILL
            self.faults.apply(applied)
        self.enqueue(PLAIN, "outbox")

    @rule()
    def roll_back(self) -> None:
        enqueued = self.world.web.enqueued(PLAIN, "outbox")
        with transaction.atomic():
            drain.put_many([enqueued])
            transaction.set_rollback(True)
        self.rolled_back.append(enqueued.id)

    @rule(seconds=st.sampled_from([1, 100]))
    def pause(self, seconds: int) -> None:
        self.wait(seconds)

    @invariant()
    def what_was_rolled_back_is_nowhere(self) -> None:
        assert not set(self.rolled_back) & set(self.world.stores[SQS].inner.records)


class DeployMachine(WorldMachine):
    """Releases come and go while messages are under way."""

    @rule(name=st.sampled_from(["sim.renamed.before", "sim.fresh", "sim.plain"]))
    def enqueue_one(self, name: str) -> None:
        self.enqueue(PLAIN if name == "sim.plain" else Order(name=name, args=[7], value=7), "default")

    @rule()
    def deploy_next(self) -> None:
        deploys.deploy(deploys.next_release())
        self.world.deployed = True

    @rule()
    def deploy_back(self) -> None:
        deploys.deploy(None)
        self.world.deployed = False

    @rule()
    def a_known_task_runs_under_any_of_its_names(self) -> None:
        known = [self.enqueue(Order(name="sim.renamed.before", args=[7], value=7), "default")]
        self.wait(10)
        assert all(self.world.ledger.entries[task_id].ends for task_id in known)

    def teardown(self) -> None:
        deploys.deploy(None)
        super().teardown()


class KeyMachine(WorldMachine):
    """SECRET_KEY is rotated, and old keys dropped, while messages are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.keys, self.number = ["first"], 1
        self.under: dict[str, str] = {}  # By task: the key of its message.
        self._use()

    def _use(self) -> None:
        self.opened.enter_context(
            override_settings(SECRET_KEY=self.keys[0], SECRET_KEY_FALLBACKS=self.keys[1:])
        )

    @rule()
    def enqueue_one(self) -> None:
        self.under[self.enqueue(PLAIN, "default")] = self.keys[0]

    @rule()
    def rotate(self) -> None:
        self.number += 1
        self.keys.insert(0, f"key {self.number}")
        self._use()

    @rule()
    def drop(self) -> None:
        del self.keys[1:]
        self._use()

    @rule()
    def deliver(self) -> None:
        """Deliver everything once: what a known key signed has run, what another signed has not."""
        self.wait(5)
        for task_id, key in self.under.items():
            assert bool(self.world.ledger.entries[task_id].claims) == (key in self.keys)
        self.wait(900)
        assert all(self.world.ledger.entries[task_id].ends for task_id in self.under)
        self.under.clear()


class ResultMachine(WorldMachine):
    """A result is read right after each write, and says what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.opened.enter_context(mock.patch.object(base, "datetime", self.world.virtual))
        self.ids: list[str] = []

    @rule(wanted=ORDERS)
    def enqueue_one(self, wanted: Order) -> None:
        self.ids.append(self.enqueue(wanted, "default"))

    @rule(seconds=st.sampled_from([1, 5, 60]))
    def pause(self, seconds: int) -> None:
        self.wait(seconds)

    @invariant()
    def results_say_what_was_written_last(self) -> None:
        for task_id in self.ids:
            result = task_backends["default"].get_result(task_id)
            record = self.world.stores[SQS].inner.records[task_id]
            assert result.status.value == record["status"]
            assert result.attempts == len(record.get("workers", []))  # type: ignore[arg-type]
            if record["status"] == "SUCCESSFUL":
                assert result.return_value == self.world.ledger.entries[task_id].value


class BatchMachine(WorldMachine):
    """Batches of good, poisoned and struck messages: what is acknowledged has its outcome."""

    @rule(
        good=st.integers(1, 9),
        poison=st.integers(0, 1),
        strikes=st.dictionaries(st.integers(1, 12), st.sampled_from([Fault.THROTTLE, Fault.RESET])),
    )
    def deliver(self, good: int, poison: int, strikes: dict[int, Fault]) -> None:
        world, transport = self.world, self.world.transports[SQS]
        for _ in range(good):
            self.enqueue(PLAIN, "default")
        for _ in range(poison):
            transport.accept("default", "{", timedelta(0))
        deliveries = transport.receive("default", 10)
        if not deliveries:
            return  # They went to the other queue.
        self.script.update({self.faults.calls + ahead: fault for ahead, fault in strikes.items()})
        actor = world.actor("worker", ends=world.time.now + timedelta(minutes=5))
        context = SimulatedContext("sim-default-worker", "[$LATEST]batch", actor)
        with world.acting(actor):
            answer = batch.handler(sqs_event(deliveries, "sim-default"), context, actor.clock)
        failed = [failure["itemIdentifier"] for failure in (answer or {})["batchItemFailures"]]
        assert len(set(failed)) == len(failed)
        assert set(failed) <= {delivery.id for delivery in deliveries}
        for delivery in deliveries:
            if delivery.id not in failed:
                assert delivery.body != "{"
                assert world.ledger.entries[json.loads(str(delivery.body))["id"]].ends == 1
                transport.delete(delivery)
        again = VISIBILITY + timedelta(seconds=1)
        world.time.after(again, lambda: world.mappings[SQS].poll("default"))


@contextmanager
def stale_reads() -> Iterator[None]:
    """Have a store answer with what a record was before its last write, as an index does."""
    from django_offload.stores.memory import MemoryStore

    get, change, before = MemoryStore.get, MemoryStore.change, {}

    def changed(self: MemoryStore, task_id: str, made: object) -> object:
        before[task_id] = self.records.get(task_id)
        return change(self, task_id, made)  # type: ignore[arg-type]

    def stale(self: MemoryStore, task_id: str) -> object:
        return before.get(task_id) or get(self, task_id)

    with mock.patch.object(MemoryStore, "get", stale), mock.patch.object(MemoryStore, "change", changed):
        yield
