"""What the protocol promises about deliveries, dead letters and cancels, whatever the state of the record."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django_offload.conf import configured
from django_offload.definition.registry import registry
from django_offload.definition.retry_policy import policy_as_defined
from django_offload.operations.cancel import cancel
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, Value
from django_offload.protocol.message import TaskMessage
from django_offload.protocol.record import MESSAGE_LIFE, TaskRecord, read_record
from django_offload.sending.enqueue import message_text
from django_offload.stores.memory import MemoryStore
from django_offload.transports import Delivery
from django_offload.worker.delivery import LONGEST_PATIENCE, PATIENCE
from tests.contract.records import create_record

from .checker import check
from .clock import START
from .plan import Order
from .repeated import ENQUEUED, TTL, Lone, released
from .scripted import Scripted
from .setup import SQS
from .world import World

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PLAIN = Order(name="sim.plain", args=[2, 3], value=6)
# A message is received within some seconds.
SOON = 10 * SECOND


def quiet(name: str) -> World:
    """Return a world without faults."""
    return World(name, 0, faults=Scripted({}, applied=False))


class Met:
    """A record in some state, which its message, its dead letter or a cancel meets in a quiet world."""

    def __init__(self, name: str = "sim.plain", alias: str = "default") -> None:
        self.world = quiet("met")
        self.store = self.world.stores[SQS].inner
        self.now = START
        order = Order(name=name, args=[2, 3], value=6)
        self.enqueued = self.world.web.enqueued(order, alias)
        create_record(self.store, self.enqueued)

    def write(self, change: ConditionalWrite) -> None:
        self.store.change(self.enqueued.id, change)

    @property
    def record(self) -> TaskRecord:
        return read_record(self.store.records[self.enqueued.id])

    @property
    def error(self) -> str:
        return str((self.record.error or {}).get("class", "")).rpartition(".")[2]

    def claim(self, lease_until: datetime) -> dict[str, object]:
        token = f"t{self.record.fence}"
        self.write(
            transitions.claim(
                None,
                token=token,
                worker_id="w",
                now=lease_until - SECOND,
                lease_until=lease_until,
                max_attempts=3,
            )
        )
        return {"fence": self.record.fence, "token": token}

    def deliver(self) -> datetime | None:
        """Deliver its message; return when that comes back, or None if it was acknowledged."""
        with self.world.patched():
            self.world.web.deliver(
                self.enqueued, TaskMessage(enqueued=self.enqueued, expires_at=START + MESSAGE_LIFE)
            )
        messages = self.world.transports[SQS].queues[self.enqueued.queue].messages.values()
        return next((message.visible_at for message in messages), None)

    def bury(self, sent_at: datetime = START) -> None:
        """Hand the dead letter of a message that was sent then to its handler."""
        with self.world.patched():
            text = message_text(self.enqueued, configured()["default"], sent_at + MESSAGE_LIFE)
            self.world.ledger.entries.pop(self.enqueued.id, None)
            self.world.mappings[SQS].bury(Delivery(id="d", body=text, queue=self.enqueued.queue, handle="d"))


def lost(met: Met, attempts: int) -> None:
    """Have the workers of so many attempts die, the last of them just now."""
    for attempt in range(attempts):
        met.claim(START - MINUTE * (attempts - attempt))


def about(found: datetime | None, wanted: datetime) -> bool:
    return found is not None and timedelta(0) <= found - wanted <= SOON


def a_message_of_an_ended_task_is_acknowledged() -> None:
    met = Met()
    met.write(transitions.cancel(now=START, result_ttl=TTL, error={"class": "X", "message": ""}))
    before = met.record

    assert met.deliver() is None
    assert met.record == before


def a_message_waits_until_the_lease_or_the_backoff_ends() -> None:
    leased, backing = Met(), Met()
    leased.claim(START + 4 * MINUTE)
    backing.write(
        transitions.release(
            backing.enqueued.id,
            **backing.claim(START + MINUTE),  # type: ignore[arg-type]
            not_before=START + 5 * MINUTE,
            due_at=START + HOUR,
            error={"class": "X", "message": ""},
            part="error",
        )
    )

    assert about(leased.deliver(), START + 4 * MINUTE)
    assert about(backing.deliver(), START + 5 * MINUTE)


def a_message_that_cannot_wait_so_long_is_left_to_the_sweeper() -> None:
    met = Met()
    met.write(transitions.abandon(now=START, result_ttl=TTL, error={"class": "X", "message": ""}))
    met.write(
        transitions.redrive(met.enqueued.id, now=START, due_at=START + HOUR, not_before=START + 2 * HOUR)
    )

    assert met.deliver() is None
    assert (met.record.status, met.record.due_at) == ("READY", START + HOUR)


def a_message_ends_a_task_whose_workers_all_died() -> None:
    used_up, cancelled = Met(), Met()
    lost(used_up, 3)
    lost(cancelled, 1)
    cancelled.write(transitions.ask_to_stop())

    assert (used_up.deliver(), used_up.error) == (None, "WorkerLost")
    assert (cancelled.deliver(), cancelled.error) == (None, "Cancelled")


def a_message_starts_the_next_attempt_when_a_worker_died() -> None:
    met = Met()
    lost(met, 2)

    assert met.deliver() is None
    assert (met.record.status, met.record.attempts) == ("SUCCESSFUL", 3)


def a_message_that_no_code_knows_comes_back_ever_later() -> None:
    met, waits = Met("sim.nowhere"), dict[int, timedelta]()
    met.deliver()
    (message,) = met.world.transports[SQS].queues[met.enqueued.queue].messages.values()
    while message.receives < 12:
        waits.setdefault(message.receives, message.visible_at - met.world.time.now)
        with met.world.patched():
            met.world.time.step()

    assert list(waits.values()) == [min(PATIENCE * 2**number, LONGEST_PATIENCE) for number in range(11)]


def a_task_without_a_fault_is_claimed_once_for_each_attempt() -> None:
    for name, args, value, claims in (("sim.plain", [2, 3], 6, 1), ("sim.flaky", [2], 2, 3)):
        for alias in ("default", "direct"):
            world = quiet(f"once:{alias}")
            world.plan(Order(name=name, args=args, value=value), alias)
            world.run()
            (entry,) = world.ledger.entries.values()
            refused = [store.refused["claim"] for store in world.stores.values()]
            assert (entry.claims, sum(refused)) == (claims, 0), f"{name} {alias}"
            assert check(world).sound, dict(check(world).wrong)


def a_duplicate_waits_and_is_acknowledged_when_the_task_has_ended() -> None:
    world = quiet("duplicate")
    order = Order(name="sim.slow", args=[200], value=200)

    def twice() -> None:
        enqueued = world.web.place(order, "default")
        text = message_text(enqueued, configured()["default"], START + MESSAGE_LIFE)
        world.expect(30, lambda: world.transports[SQS].accept(enqueued.queue, text, timedelta(0)))

    world.expect(1, twice)
    world.run()
    (entry,) = world.ledger.entries.values()

    assert (entry.claims, entry.ends) == (1, 1)
    assert world.stores[SQS].refused["claim"] <= 2
    assert not any(queue.messages for queue in world.transports[SQS].queues.values())


def a_dead_letter_ends_what_has_no_more_to_come() -> None:
    for attempts, error in ((0, "DeadLettered"), (3, "WorkerLost")):
        met = Met()
        lost(met, attempts)
        met.bury()
        assert (met.record.status, met.error) == ("FAILED", error)
    met = Met()
    lost(met, 3)
    met.write(transitions.ask_to_stop())
    met.bury()
    assert met.error == "Cancelled"
    unknown = Met("sim.nowhere")
    unknown.bury()
    assert unknown.error == "UnknownTask"


def a_dead_letter_leaves_what_goes_on() -> None:
    def sent_since(met: Met) -> None:
        due = met.record.due_at or START
        met.write(
            transitions.send_again(met.enqueued.id, due_was=due, due_at=due + HOUR, now=due, counts=True)
        )

    def redriven(met: Met) -> None:
        met.write(transitions.abandon(now=START, result_ttl=TTL, error={"class": "X", "message": ""}))
        met.write(transitions.redrive(met.enqueued.id, now=START + SECOND, due_at=START + HOUR))

    def backing_off(met: Met) -> None:
        claim = met.claim(START - SECOND)
        met.write(released(claim, START + HOUR))  # type: ignore[arg-type]

    def backing_off_again(met: Met) -> None:
        lost(met, 2)
        backing_off(met)

    def given_back(met: Met) -> None:
        met.write(released(met.claim(START - SECOND), START - MINUTE))  # type: ignore[arg-type]

    states: tuple[Callable[[Met], object], ...] = (
        sent_since,
        redriven,
        backing_off,
        backing_off_again,
        given_back,
        lambda met: met.claim(START + MINUTE),
        lambda met: lost(met, 2),
    )
    for number, state in enumerate(states):
        met = Met()
        state(met)
        before = met.record
        met.bury()
        assert met.record == before, f"state {number}"


def a_dead_letter_without_a_record_makes_one_and_ends_it() -> None:
    met = Met()
    del met.store.records[met.enqueued.id]
    met.bury()

    assert (met.record.status, met.error) == ("FAILED", "DeadLettered")


def a_dead_letter_of_a_record_in_no_index_puts_it_there() -> None:
    for lease_until in (START + MINUTE, START - MINUTE):
        met = Met(alias="bare")
        met.claim(lease_until)
        for name in ("due_at", "due_shard"):  # As a claim without a record at enqueue makes it.
            del met.store.records[met.enqueued.id][name]
        met.bury()
        assert met.record.due_at == lease_until


def a_cancel_meets_whatever_the_task_does_meanwhile() -> None:
    class Released(MemoryStore):
        """Gives a record back just before it is asked to stop."""

        def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
            if change.name == "ask to stop":
                super().change(task_id, released(claim, START))
            return super().change(task_id, change)

    options = configured()["default"]
    between = Lone(Released())
    claim = between.claim()
    waiting, running, ended = Lone(), Lone(), Lone()
    running.claim()
    ended.write(transitions.succeed(**ended.claim(), now=START, result_ttl=TTL, stored={"result": "1"}))
    found = [cancel(lone.store, ENQUEUED, options, START) for lone in (waiting, between, running, ended)]

    assert [record and (record.status, record.cancelled) for record in found] == [
        ("FAILED", False),
        ("FAILED", False),
        ("RUNNING", True),
        None,
    ]


def a_cancelled_task_that_fails_ends_as_cancelled_at_once() -> None:
    for alias in ("default", "direct"):
        world, record = cancelled_while_it_fails(alias)
        (entry,) = world.ledger.entries.values()
        assert (entry.claims, (record.error or {})["class"]) == (1, transitions.CANCELLED)
        assert (record.finished_at or START) - START < 2 * MINUTE


def cancelled_while_it_fails(alias: str) -> tuple[World, TaskRecord]:
    world = quiet(f"cancelled:{alias}")

    def place() -> None:
        enqueued = world.web.place(Order(name="sim.tired", args=[40], error="OSError"), alias)
        world.expect(20, lambda: world.web.cancel(enqueued))

    world.expect(1, place)
    world.run()
    (item,) = (item for store in world.stores.values() for item in store.inner.records.values())
    return world, read_record(item)


def a_backoff_doubles_with_each_attempt() -> None:
    policy = policy_as_defined(registry().resolve("sim.flaky"), 3)

    waits = [policy.delay(attempt, chance=1.0).total_seconds() for attempt in (1, 2, 3, 4, 12)]
    assert waits == [2, 4, 8, 16, 900]


PROMISES: tuple[Callable[[], None], ...] = (
    a_message_of_an_ended_task_is_acknowledged,
    a_message_waits_until_the_lease_or_the_backoff_ends,
    a_message_that_cannot_wait_so_long_is_left_to_the_sweeper,
    a_message_ends_a_task_whose_workers_all_died,
    a_message_starts_the_next_attempt_when_a_worker_died,
    a_message_that_no_code_knows_comes_back_ever_later,
    a_task_without_a_fault_is_claimed_once_for_each_attempt,
    a_duplicate_waits_and_is_acknowledged_when_the_task_has_ended,
    a_dead_letter_ends_what_has_no_more_to_come,
    a_dead_letter_leaves_what_goes_on,
    a_dead_letter_without_a_record_makes_one_and_ends_it,
    a_dead_letter_of_a_record_in_no_index_puts_it_there,
    a_cancel_meets_whatever_the_task_does_meanwhile,
    a_cancelled_task_that_fails_ends_as_cancelled_at_once,
    a_backoff_doubles_with_each_attempt,
)
