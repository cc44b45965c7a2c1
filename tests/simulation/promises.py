"""What the protocol promises in single situations, each as a check that raises AssertionError."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

from django_offload.conf import configured
from django_offload.exceptions import DeadLettered, DeadlineExceeded
from django_offload.operations import fail
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.message import TaskMessage
from django_offload.protocol.record import error_of, read_record
from django_offload.sending.enqueue import message_text
from django_offload.stores import Store
from django_offload.stores.memory import MemoryStore
from django_offload.transports import use
from django_offload.transports.memory import MemoryTransport
from django_offload.worker import attempt
from django_offload.worker.deadline import LambdaInvocation
from django_offload.worker.progress_writer import ProgressWriter
from django_offload.worker.sweeping import Sweeper
from tests.contract.records import create_record

from .checker import check
from .clock import START
from .deliveries import PROMISES as DELIVERIES
from .faults import Fault
from .hostile import bodies
from .leaving import PROMISES as LEAVING
from .lives import PROMISES as LIVES
from .plan import ATTEMPT, Order
from .repeated import PROMISES as REPEATED
from .scripted import Scripted
from .setup import SQS
from .sharded import PROMISES as SHARDED
from .sweeps import PROMISES as SWEEPS
from .world import World

ID = "0" * 32
TTL, LEASE = timedelta(days=14), timedelta(minutes=5)
BIRTH = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)


def _claim(store: MemoryStore, token: str, minutes: int, enqueued: EnqueuedTask | None = BIRTH) -> int:
    """Claim the record; return the fence."""
    now = START + timedelta(minutes=minutes)
    change = attempt.claim(
        enqueued, token=token, worker_id=token, now=now, lease_until=now + LEASE, max_attempts=3
    )
    return read_record(change.apply(store.change(ID, change))).fence


def _succeed(fence: int, token: str) -> ConditionalWrite:
    return transitions.succeed(fence=fence, token=token, now=START, result_ttl=TTL, stored={"result": "1"})


def _claim_refused(store: MemoryStore, minutes: int) -> bool:
    try:
        _claim(store, "too late", minutes)
    except Refused:
        return True
    return False


def _refused(store: MemoryStore, change: ConditionalWrite) -> bool:
    try:
        store.change(ID, change)
    except Refused:
        return True
    return False


def only_the_latest_fence_finishes() -> None:
    store = MemoryStore()
    first, second = _claim(store, "same", 0), _claim(store, "same", 6)

    assert second == first + 1
    assert _refused(store, _succeed(first, "same"))
    assert not _refused(store, _succeed(second, "same"))


def only_the_holder_of_the_token_finishes() -> None:
    store = MemoryStore()
    fence = _claim(store, "mine", 0)

    assert _refused(store, _succeed(fence, "another"))
    assert not _refused(store, _succeed(fence, "mine"))


def a_redrive_keeps_the_fence() -> None:
    store = MemoryStore()
    first = _claim(store, "a", 0)
    store.change(
        ID,
        transitions.fail(
            fence=first, token="a", now=START, result_ttl=TTL, error={"class": "X", "message": ""}, part=None
        ),
    )
    store.change(ID, transitions.redrive(ID, now=START, due_at=START))

    assert _claim(store, "a", 1) == first + 1


def an_expired_message_creates_no_record() -> None:
    world = World("expired", 0, faults=Scripted({}, applied=False))
    with world.patched():
        enqueued = world.web.enqueued(Order(name="sim.plain", args=[1, 2], value=2), "default")
        world.web.deliver(enqueued, TaskMessage(enqueued=enqueued, expires_at=START - timedelta(seconds=1)))

    assert not world.stores[SQS].inner.records


def a_forged_body_never_runs() -> None:
    world = World("forged", 0, faults=Scripted({}, applied=False))
    with world.patched():
        options = configured()["default"]
        enqueued = world.web.enqueued(Order(name="sim.measure", args=[], value=None), "default")
        text = message_text(enqueued, options, START + timedelta(days=7))
        for body in bodies(text, enqueued.id):
            world.transports[SQS].accept(enqueued.queue, body, timedelta(0))
        world.time.pass_by(timedelta(days=1))

    assert not world.ledger.violations, dict(world.ledger.violations)
    assert not world.stores[SQS].inner.records


def of_two_sweepers_one_sends() -> None:
    store, now = MemoryStore(), START + timedelta(hours=1)
    create_record(store, BIRTH)
    transport = MemoryTransport(lambda: now)
    transport.prepare("default")
    get = store.get

    def outrun(task_id: str) -> object:
        """Return the record as it was before another sweeper moved it."""
        record = get(task_id)
        due_was = read_record(record or {}).due_at or now
        store.change(ID, transitions.postpone(ID, due_was=due_was, due_at=now + LEASE))
        return record

    store.get = outrun  # type: ignore[assignment, method-assign]
    with use(SQS, transport):
        Sweeper(options=configured()["default"], store=store, clock=lambda: now, left=lambda: 9.0).run()

    assert not transport.queues["default"].messages


def a_claim_whose_reply_was_lost_is_one_claim() -> None:
    # create, send │ claim: made, its reply lost, tried again by the SDK, and refused.
    world = World("lost reply", 0, faults=Scripted({3: Fault.LOST}, applied=True))
    world.plan(Order(name="sim.add", args=[1, 2], value=3), "default")
    world.run()
    claims = [entry.claims for entry in world.ledger.entries.values()]

    assert claims == [1]
    assert check(world).counts["ok"] == 1
    assert world.time.now < START + timedelta(minutes=2)


def a_task_that_waits_can_be_cancelled_and_one_that_runs_cannot() -> None:
    waiting, running = MemoryStore(), MemoryStore()
    create_record(waiting, BIRTH)
    _claim(running, "a", 0)
    change = transitions.cancel(now=START, result_ttl=TTL, error=error_of(ValueError()))

    assert not _refused(waiting, change)
    assert _refused(running, change)


def a_cancelled_task_gets_no_other_attempt() -> None:
    store = MemoryStore()
    _claim(store, "a", 0)
    store.change(ID, transitions.ask_to_stop())

    assert _claim_refused(store, 6)


def attempts_are_counted() -> None:
    store = MemoryStore()
    for number in range(3):
        _claim(store, str(number), 6 * number)

    assert _claim_refused(store, 60)


def only_the_holder_gives_back() -> None:
    store = MemoryStore()
    fence = _claim(store, "mine", 0)
    again: dict[str, Any] = {
        "not_before": START,
        "due_at": START,
        "error": {"class": "X", "message": ""},
        "part": "error#0001",
    }

    assert _refused(store, attempt.release(ID, fence=fence, token="another", **again))
    assert not _refused(store, attempt.release(ID, fence=fence, token="mine", **again))


def writer(store: Store, fence: int, token: str, invocation: LambdaInvocation) -> ProgressWriter:
    return ProgressWriter(
        store=store,
        task_id=ID,
        fence=fence,
        token=token,
        invocation=invocation,
        reserve=0.0,
        claimed={},
        mask=lambda: None,
    )


def a_late_worker_reports_nothing() -> None:
    store = MemoryStore()
    fence = _claim(store, "late", 0)
    _claim(store, "next", 6)
    invocation = LambdaInvocation(left=lambda: 60.0, whole=60.0, worker_id="late")
    reporter = writer(store, fence, "late", invocation)

    assert reporter.send({"done": 1, "total": 2, "message": ""})
    assert "progress" not in store.records[ID]


def a_deadline_that_strikes_within_a_report_ends_the_task() -> None:
    class SlowStore(MemoryStore):
        def change(self, task_id: str, change: ConditionalWrite) -> NoReturn:
            raise DeadlineExceeded(1)

        def get(self, task_id: str) -> NoReturn:
            raise DeadlineExceeded(1)

    invocation = LambdaInvocation(left=lambda: 60.0, whole=60.0, worker_id="w")
    reporter = writer(SlowStore(), 1, "t", invocation)
    for ask in (lambda: reporter.send({"done": 1, "total": 2, "message": ""}), reporter.asked_to_stop):
        try:
            ask()
        except DeadlineExceeded:
            continue
        raise AssertionError("The deadline was swallowed.")


def a_dead_letter_leaves_a_live_worker_alone() -> None:
    store, options = MemoryStore(), configured()["default"]
    _claim(store, "a", 0)

    try:
        fail.fail_record(store, BIRTH, options, START, DeadLettered("it was"))
    except Refused:
        return
    raise AssertionError("A live lease was ended from outside.")


def an_outcome_is_the_one_of_the_attempt_that_stored_it() -> None:
    # create, send │ claim, result, finish: killed before the last was made.
    world = World("late result", 0, faults=Scripted({5: Fault.KILL}, applied=False))
    world.plan(Order(name="sim.attempted", args=[], value=ATTEMPT), "default")
    world.run()

    assert [entry.claims for entry in world.ledger.entries.values()] == [2]
    assert check(world).counts["ok"] == 1


def only_a_message_with_an_outcome_is_acknowledged() -> None:
    # create: throttled, so that all there is is the message; send │ claim: 500.
    world = World("no record", 0, faults=Scripted({1: Fault.THROTTLE, 3: Fault.ERROR}, applied=False))
    world.plan(Order(name="sim.add", args=[1, 2], value=3), "default")
    world.run()

    assert check(world).counts["ok"] == 1


def only_a_stored_outcome_is_acknowledged() -> None:
    # send │ claim, marker, effect, finish: 500. Its message alone brings it again.
    world = World("no outcome", 0, faults=Scripted({5: Fault.ERROR}, applied=False))
    world.plan(Order(name="sim.add", args=[1, 2], value=3), "bare")
    world.run()

    assert check(world).counts["ok"] == 1
    assert not world.swept["sent"]


def a_record_never_lacks_its_arguments() -> None:
    # Arguments, and so the record: throttled; send │ claim, arguments, claim, finish: killed at each.
    wanted = Order(name="sim.measure", args=["y" * 500], value=500)
    for at in range(3, 7):
        for applied in (False, True):
            faults = Scripted({1: Fault.THROTTLE, at: Fault.KILL}, applied=applied)
            world = World(f"arguments:{at}", 0, faults=faults)
            world.plan(wanted, "default")
            world.run()
            assert check(world).counts["ok"] == 1, f"killed at call {at}, applied {applied}"


PROMISES: tuple[Callable[[], None], ...] = (
    only_the_latest_fence_finishes,
    only_the_holder_of_the_token_finishes,
    only_the_holder_gives_back,
    a_redrive_keeps_the_fence,
    an_expired_message_creates_no_record,
    a_forged_body_never_runs,
    of_two_sweepers_one_sends,
    a_claim_whose_reply_was_lost_is_one_claim,
    a_task_that_waits_can_be_cancelled_and_one_that_runs_cannot,
    a_cancelled_task_gets_no_other_attempt,
    attempts_are_counted,
    a_late_worker_reports_nothing,
    a_deadline_that_strikes_within_a_report_ends_the_task,
    a_dead_letter_leaves_a_live_worker_alone,
    an_outcome_is_the_one_of_the_attempt_that_stored_it,
    only_a_message_with_an_outcome_is_acknowledged,
    only_a_stored_outcome_is_acknowledged,
    a_record_never_lacks_its_arguments,
    *REPEATED,
    *SWEEPS,
    *DELIVERIES,
    *LIVES,
    *LEAVING,
    *SHARDED,
)
