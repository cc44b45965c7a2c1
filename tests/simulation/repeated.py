"""What the protocol promises about when and how often, and about decisions on what was read before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django_offload.conf import configured
from django_offload.exceptions import DeadLettered
from django_offload.operations.fail import fail_record
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import READY, RUNNING, TaskRecord, read_record
from django_offload.stores.memory import MemoryStore
from django_offload.transports import use
from django_offload.transports.memory import MemoryTransport
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.decision import MOST_SENDS
from tests.contract.records import create_record
from tests.old_shards import DUE_SHARDS

from .clock import START
from .faults import InternalServerError
from .plan import Order
from .scripted import Scripted
from .setup import SQS
from .world import World

ID = "0" * 32
TTL, MINUTE = timedelta(days=14), timedelta(minutes=1)
LEASE = 5 * MINUTE
ENQUEUED = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)
# A sweep each minute, and what a message needs to a worker.
SWEPT = timedelta(seconds=70)


class Lone:
    """One record, and the functions that write to it, at instants of the test's own."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store, self.now = store or MemoryStore(), START
        self.transport = MemoryTransport(self.clock)
        self.transport.prepare("default")
        create_record(self.store, ENQUEUED)

    def clock(self) -> datetime:
        return self.now

    @property
    def record(self) -> TaskRecord:
        return read_record(self.store.records[ID])

    def write(self, change: ConditionalWrite) -> None:
        self.store.change(ID, change)

    def refuses(self, change: ConditionalWrite) -> bool:
        try:
            self.write(change)
        except Refused:
            return True
        return False

    def claim(self) -> dict[str, Any]:
        """Start an attempt; return what its writes must show."""
        token = f"t{self.record.fence}"
        self.write(
            transitions.claim(
                ENQUEUED,
                token=token,
                worker_id="w",
                now=self.now,
                lease_until=self.now + LEASE,
                max_attempts=3,
            )
        )
        return {"fence": self.record.fence, "token": token}

    def release(self, claim: dict[str, Any]) -> None:
        self.write(released(claim, self.now))

    def sweep(self) -> dict[str, int]:
        """Sweep when the record is due; return what was done. A message that was sent is lost."""
        self.now = max(self.now, self.record.due_at or self.now)
        with use(SQS, self.transport):
            sweeper = Sweeper(
                options=configured()["default"],
                store=self.store,
                clock=self.clock,
                left=lambda: 9.0,
            )
            done = dict(sweeper.run())
        self.transport.queues["default"].messages.clear()
        return done


def released(claim: dict[str, Any], at: datetime) -> ConditionalWrite:
    return transitions.release(
        ID, **claim, not_before=at, due_at=at, error={"class": "X", "message": ""}, part="error"
    )


def a_task_that_no_worker_takes_ends_after_its_sends() -> None:
    lone = Lone()

    assert [lone.sweep() for _ in range(MOST_SENDS + 1)] == [{"sent": 1}] * MOST_SENDS + [{"ended": 1}]
    assert (lone.record.error or {})["class"].endswith("DeadLettered")


def sends_begin_again_with_each_attempt() -> None:
    lone = Lone()
    for _ in range(2):
        assert [lone.sweep() for _ in range(MOST_SENDS - 1)] == [{"sent": 1}] * (MOST_SENDS - 1)
        lone.claim()
        assert lone.record.sends == 0
    assert [lone.sweep() for _ in range(MOST_SENDS - 1)] == [{"sent": 1}] * (MOST_SENDS - 1)
    assert lone.record.status == RUNNING


def a_redriven_task_has_all_its_attempts_and_sends() -> None:
    lone = Lone()
    for _ in range(3):
        lone.sweep()
    claim = lone.claim()
    lone.write(transitions.report(**claim, progress={"done": 1}))
    lone.write(transitions.ask_to_stop())
    end: dict[str, Any] = {"now": lone.now, "result_ttl": TTL, "error": {"class": "X", "message": ""}}
    lone.write(transitions.fail(**claim, **end, part="error"))
    lone.write(transitions.redrive(ID, now=lone.now, due_at=lone.now))

    record = lone.record
    assert (record.attempts, record.sends, record.cancelled) == (0, 0, False)
    assert (record.error, record.progress, record.finished_at, record.hidden_at) == (None,) * 4
    assert record.due_at == record.sent_at == lone.now
    for _ in range(3):
        lone.claim()
        lone.now += LEASE + MINUTE
    assert lone.record.attempts == 3

    untaken = Lone()
    for _ in range(MOST_SENDS + 1):
        untaken.sweep()
    untaken.write(transitions.redrive(ID, now=untaken.now, due_at=untaken.now))
    assert untaken.record.sends == 0
    assert [untaken.sweep() for _ in range(MOST_SENDS)] == [{"sent": 1}] * MOST_SENDS


def an_outage_uses_up_no_sends() -> None:
    class Outage(MemoryTransport):
        def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> NoReturn:
            raise InternalServerError

    for sent in (0, 2):
        lone = Lone()
        for _ in range(sent):
            lone.sweep()
        before, working = lone.record, lone.transport
        lone.transport = Outage(lone.clock)
        lone.transport.prepare("default")
        for _ in range(2 * MOST_SENDS):
            assert lone.sweep() == {"failed": 1}
        assert (lone.record.sends, lone.record.sent_at) == (sent, before.sent_at)
        lone.transport = working
        assert lone.sweep() == {"sent": 1}
        assert lone.record.sends == sent + 1


def a_cancelled_task_is_not_given_back() -> None:
    lone = Lone()
    claim = lone.claim()
    lone.write(transitions.ask_to_stop())

    assert lone.refuses(released(claim, START))
    assert lone.refuses(transitions.unclaim(**claim, workers=[]))


def an_undone_claim_counts_as_no_attempt() -> None:
    lone = Lone()
    lone.write(transitions.unclaim(**lone.claim(), workers=[]))
    first = lone.record
    lone.release(lone.claim())
    lone.write(transitions.unclaim(**lone.claim(), workers=lone.record.worker_ids[:-1]))

    assert (first.status, first.attempts, first.fence) == (READY, 0, 1)
    assert (first.lease_until, first.started_at, first.attempted_at) == (None, None, None)
    assert (lone.record.status, lone.record.attempts, lone.record.fence) == (READY, 1, 3)
    assert lone.record.lease_until is None


def waits_unsent(lone: Lone) -> None:
    """It was never sent again, nor claimed."""


def waits_sent(lone: Lone) -> None:
    lone.release(lone.claim())
    lone.sweep()


def is_lost(lone: Lone) -> None:
    lone.claim()
    lone.now += LEASE + MINUTE


def is_lost_and_sent(lone: Lone) -> None:
    is_lost(lone)
    lone.sweep()


def claimed_and_released(lone: Lone) -> None:
    lone.release(lone.claim())


def sent_again(lone: Lone) -> None:
    lone.sweep()


BEFORE: tuple[Callable[[Lone], None], ...] = (waits_unsent, waits_sent, is_lost, is_lost_and_sent)
SINCE: tuple[Callable[[Lone], None], ...] = (is_lost, claimed_and_released, sent_again)


def a_decision_on_an_old_read_ends_nothing() -> None:
    options = configured()["default"]
    for before in BEFORE:
        for since in SINCE:
            lone = Lone()
            before(lone)
            seen = lone.record
            since(lone)
            try:
                fail_record(lone.store, ENQUEUED, options, lone.now, DeadLettered("it was"), seen)
            except Refused:
                continue
            raise AssertionError(f"Ended: {before.__name__}, and then {since.__name__}")
        lone = Lone()
        before(lone)
        fail_record(lone.store, ENQUEUED, options, lone.now, DeadLettered("it was"), lone.record)
        assert lone.record.ended


def the_sweeper_ends_nothing_that_was_claimed_since_it_read_it() -> None:
    class Outrun(MemoryStore):
        def get(self, task_id: str) -> Attributes | None:
            """Return the record as it was before another attempt began, and was lost."""
            record = super().get(task_id)
            is_lost(lone)
            return record

    lone = Lone(Outrun())
    lone.now += timedelta(days=8)
    lone.write(transitions.postpone(ID, due_was=START + LEASE, due_at=lone.now))
    lone.sweep()

    assert lone.record.status == RUNNING


def a_record_in_no_index_is_looked_at_unless_it_went_on() -> None:
    def unswept() -> Lone:
        lone = Lone()
        lone.claim()
        for name in ("due_at", "due_shard"):  # As a claim without a record at enqueue makes it.
            del lone.store.records[ID][name]
        lone.now += LEASE + MINUTE
        return lone

    lone, went_on = unswept(), unswept()
    lone.write(transitions.look_at(ID, seen=lone.record, due_at=lone.now))
    seen = went_on.record
    went_on.claim()

    assert lone.record.due_at == lone.now
    assert lone.store.records[ID]["due_shard"] in range(DUE_SHARDS)
    assert lone.refuses(transitions.look_at(ID, seen=lone.record, due_at=START))
    assert went_on.refuses(transitions.look_at(ID, seen=seen, due_at=START))


def a_retry_begins_when_its_backoff_is_over_and_not_much_later() -> None:
    patient, flaky = Order(name="sim.patient", args=[1], value=1), Order(name="sim.flaky", args=[1], value=1)
    for wanted, seconds in ((patient, (1_200, 1_200)), (flaky, (0, 2))):
        for alias in ("default", "direct", "bare"):
            world = World(f"retry:{alias}", 0, faults=Scripted({}, applied=False))
            world.plan(wanted, alias)
            world.run()
            (entry,) = world.ledger.entries.values()
            first, second = entry.claimed_at
            least, most = (timedelta(seconds=bound) for bound in seconds)
            assert least <= second - first <= most + SWEPT, f"{wanted.name} {alias}: {second - first}"
            assert not world.ledger.violations, dict(world.ledger.violations)


PROMISES: tuple[Callable[[], None], ...] = (
    a_task_that_no_worker_takes_ends_after_its_sends,
    sends_begin_again_with_each_attempt,
    a_redriven_task_has_all_its_attempts_and_sends,
    an_outage_uses_up_no_sends,
    a_cancelled_task_is_not_given_back,
    an_undone_claim_counts_as_no_attempt,
    a_decision_on_an_old_read_ends_nothing,
    the_sweeper_ends_nothing_that_was_claimed_since_it_read_it,
    a_record_in_no_index_is_looked_at_unless_it_went_on,
    a_retry_begins_when_its_backoff_is_over_and_not_much_later,
)
