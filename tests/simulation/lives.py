"""What the protocol promises about the claims of a task, its attempts, and its life after a redrive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from django_offload.conf import configured, signing_keys
from django_offload.definition.registry import registry
from django_offload.definition.retry_policy import policy_as_defined
from django_offload.exceptions import (
    Cancelled,
    DeadLettered,
    InvalidReturnValue,
    ResultTooLarge,
    StepTooLarge,
    TransactionLeftOpen,
)
from django_offload.operations.fail import fail_record
from django_offload.operations.redrive import discard, redrive
from django_offload.payloads import use as use_payloads
from django_offload.payloads.memory import MemoryPayloads
from django_offload.protocol.conditional_write import ConditionalWrite, Value
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.message import Keyring, TaskMessage, decode
from django_offload.protocol.record import (
    DUE_AFTER,
    LONGEST_DELAY,
    MESSAGE_LIFE,
    SWEEP_EVERY,
    TaskRecord,
    initial_item,
    read_record,
)
from django_offload.sending.enqueue import upload_large_arguments
from django_offload.stores.arguments import keep_arguments
from django_offload.stores.memory import MemoryStore
from django_offload.transports import use
from django_offload.transports.memory import MemoryTransport
from tests.contract.records import create_record

from .checker import check
from .clock import START
from .faults import Fault, InternalServerError
from .ledger import Entry
from .plan import Order
from .scripted import Scripted
from .setup import SQS
from .world import World

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ID = "0" * 32
NEVER = datetime.max.replace(tzinfo=START.tzinfo)


def read_messages(transport: MemoryTransport) -> list[tuple[TaskMessage, datetime]]:
    """Return each message in the queues, and when it can be received."""
    return [
        (
            decode(message.body, Keyring(signing_keys(), configured()["default"].scope(queue))),
            message.visible_at,
        )
        for queue, held in transport.queues.items()
        for message in held.messages.values()
    ]


class Dice(Random):
    """Has each stall take as long as a test says, and nothing else go wrong by chance."""

    seconds = 0.0

    def choice(self, seq: object) -> float:  # type: ignore[override]
        return self.seconds

    def random(self) -> float:
        return 0.9


def slowly_claimed(seconds: float, timeout: int) -> tuple[World, Entry]:
    """Return a world in which a claim took so many seconds of the 300 that an invocation has."""
    world = World("slow claim", 0, faults=Scripted({3: Fault.STALL}, applied=True))
    world.network.rng = dice = Dice()
    dice.seconds = seconds
    world.plan(Order(name="sim.slow", args=[5], value=5, options={"timeout": timeout}), "default")
    world.run()
    (entry,) = world.ledger.entries.values()
    return world, entry


def a_claim_that_took_the_time_of_its_task_is_undone() -> None:
    world, entry = slowly_claimed(250, timeout=100)
    (item,) = world.stores[SQS].inner.records.values()
    record = read_record(item)

    assert (entry.claims, entry.attempts, entry.errors, entry.ends) == (2, 1, 0, 1)
    assert record.undone == {1}
    assert check(world).sound, dict(check(world).wrong)
    assert (record.finished_at or NEVER) < START + 5 * MINUTE, "its message came back at once"


def an_undone_claim_leaves_the_attempt_before_it_as_it_was() -> None:
    class Noting(MemoryStore):
        def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
            before = dict(self.records.get(task_id, {}))
            made = super().change(task_id, change)
            changes.append((change.name, before, dict(self.records[task_id])))
            return made

    undone = 0
    for call in range(4, 12):
        changes: list[tuple[str, dict[str, Value], dict[str, Value]]] = []
        world = World("slow retry", 0, faults=Scripted({call: Fault.STALL}, applied=True))
        world.network.rng = dice = Dice()
        dice.seconds = 250
        world.stores[SQS].inner = Noting()
        world.plan(Order(name="sim.flaky", args=[1], value=1, options={"timeout": 100}), "default")
        world.run()
        for (claim, before, _), (unclaim, claimed, after) in pairwise(changes):
            if (claim, unclaim) == ("claim", "unclaim"):
                undone += 1
                changed = {name for name in before | after if before.get(name) != after.get(name)}
                assert changed == {"fence", "token", "undone"}, changed
                assert after["undone"] == [str(claimed["fence"])] == ["2"]
    assert undone


def a_claim_that_left_time_enough_is_an_attempt() -> None:
    _, entry = slowly_claimed(200, timeout=100)

    assert (entry.claims, entry.attempts, entry.ends) == (1, 1, 1)


def a_task_that_fails_has_all_its_attempts() -> None:
    for name, args, error, attempts, longest in (
        ("sim.flaky", [5], "OSError", 5, 10 * MINUTE),
        ("sim.patient", [3], "OSError", 3, 2 * HOUR),
        ("sim.broken", [], "ValueError", 1, MINUTE),
        ("sim.leaves", [], "SystemExit", 1, MINUTE),
    ):
        for alias in ("default", "direct", "bare"):
            world = World(f"attempts:{name}", 0, faults=Scripted({}, applied=False))
            world.plan(Order(name=name, args=args, error=error), alias)
            world.run()
            (entry,) = world.ledger.entries.values()
            assert (entry.claims, entry.errors) == (attempts, attempts), f"{name} {alias}"
            assert check(world).sound, dict(check(world).wrong)
            gaps = [after - before for before, after in pairwise(entry.claimed_at)]
            assert sum(gaps, timedelta(0)) < longest, f"{name} {alias}: {gaps}"
            if name == "sim.patient":
                assert gaps[0] >= timedelta(seconds=1_200)
                assert gaps[1] >= timedelta(seconds=2_400)


def what_another_attempt_cannot_change_is_not_repeated() -> None:
    policy = policy_as_defined(registry().resolve("sim.flaky"), 3)
    for exc in (
        InvalidReturnValue("Task sim.flaky", "it is a date"),
        ResultTooLarge(2, 1),
        StepTooLarge("key", 2, 1),
        TransactionLeftOpen("sim.flaky", ("default",)),
        Cancelled(),
    ):
        for raised in (exc, ExceptionGroup("several", [OSError(), exc])):
            assert not policy.retries(raised, 1), type(exc).__name__
    assert policy.retries(OSError(), 1)


@dataclass(slots=True)
class Failed:
    """A FAILED record, and what redrives it."""

    enqueued: EnqueuedTask
    store: MemoryStore = field(default_factory=MemoryStore)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    now: datetime = START + HOUR
    transport: MemoryTransport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = MemoryTransport(lambda: self.now)
        self.transport.prepare("default")
        options = configured()["default"]
        with self.in_place():
            self.enqueued = upload_large_arguments(self.enqueued, options)
        keep_arguments(self.store, self.enqueued, initial_item(self.enqueued), options)
        create_record(self.store, self.enqueued)
        fail_record(self.store, self.enqueued, options, START, DeadLettered("it was"))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        with use(SQS, self.transport), use_payloads(SQS, self.payloads):
            yield

    def redrive(self) -> bool:
        with self.in_place():
            return redrive(self.store, ID, configured()["default"], self.now).done

    @property
    def record(self) -> TaskRecord:
        return read_record(self.store.records[ID])


def failed(
    arguments: str = "[[2,3],{}]", *, later: timedelta | None = None, name: str = "sim.plain"
) -> Failed:
    return Failed(
        EnqueuedTask(
            id=ID,
            alias="default",
            name=name,
            queue="default",
            arguments=arguments,
            enqueued_at=START,
            run_after=START + later if later else None,
        )
    )


def a_redrive_sends_the_task_at_once_for_seven_days() -> None:
    for arguments in ("[[2,3],{}]", f'[["{"y" * 500}"],{{}}]'):
        name = "sim.plain" if "2" in arguments else "sim.measure"
        task = failed(arguments, name=name)
        assert task.redrive()
        ((message, at),) = read_messages(task.transport)
        due_at = task.record.due_at or NEVER
        assert (message.enqueued.arguments, at) == (arguments, task.now)
        assert message.expires_at == task.now + MESSAGE_LIFE
        assert (task.record.status, task.record.sent_at) == ("READY", task.now)
        assert task.now + DUE_AFTER <= due_at <= task.now + DUE_AFTER + SECOND


def a_redrive_begins_no_task_before_its_time() -> None:
    soon, late = failed(later=HOUR + 5 * MINUTE), failed(later=3 * HOUR)
    assert soon.redrive()
    assert late.redrive()
    ((_, at),) = read_messages(soon.transport)

    assert at == soon.record.not_before == START + HOUR + 5 * MINUTE
    assert late.record.not_before == START + 3 * HOUR
    assert read_messages(late.transport) == []
    due = START + 3 * HOUR - LONGEST_DELAY + SWEEP_EVERY
    assert due <= (late.record.due_at or NEVER) <= due + SECOND


def a_redrive_stores_arguments_in_the_bucket_again() -> None:
    class Noting(MemoryPayloads):
        def put(self, key: str, data: bytes) -> None:
            stored.append(key)
            super().put(key, data)

    stored: list[str] = []
    text = "y" * 300_000
    task = failed(f'[["{text}"],{{}}]', name="sim.measure")
    noting = Noting()
    noting.objects.update(task.payloads.objects)
    task.payloads = noting

    assert task.redrive()
    assert stored == [f"payloads/{ID}/arguments"]


def a_redrive_of_what_changed_meanwhile_sends_nothing() -> None:
    task = failed()
    change = task.store.change

    def outrun(task_id: str, wanted: object) -> object:
        task.store.change = change  # type: ignore[method-assign]
        discard(task.store, ID)
        task.store.records[ID]["status"] = "SUCCESSFUL"
        return change(task_id, wanted)  # type: ignore[arg-type]

    task.store.change = outrun  # type: ignore[assignment, method-assign]

    assert not task.redrive()
    assert read_messages(task.transport) == []
    assert not task.redrive(), "it is SUCCESSFUL"


def of_two_redrives_at_one_instant_one_sends() -> None:
    task, done = failed(), list[bool]()
    change = task.store.change

    def met(task_id: str, wanted: ConditionalWrite) -> object:
        task.store.change = change  # type: ignore[method-assign]
        done.append(task.redrive())
        return change(task_id, wanted)

    task.store.change = met  # type: ignore[assignment, method-assign]
    done.append(task.redrive())

    assert (done, len(read_messages(task.transport))) == ([True, False], 1)


def a_redrive_whose_message_was_not_taken_is_swept() -> None:
    task = failed()

    def refused(*args: object) -> None:
        raise InternalServerError

    task.transport.send = refused  # type: ignore[method-assign]

    assert task.redrive()
    assert (task.record.status, (task.record.due_at or NEVER) <= task.now + DUE_AFTER + SECOND) == (
        "READY",
        True,
    )


PROMISES: tuple[Callable[[], None], ...] = (
    a_claim_that_took_the_time_of_its_task_is_undone,
    an_undone_claim_leaves_the_attempt_before_it_as_it_was,
    a_claim_that_left_time_enough_is_an_attempt,
    a_task_that_fails_has_all_its_attempts,
    what_another_attempt_cannot_change_is_not_repeated,
    a_redrive_sends_the_task_at_once_for_seven_days,
    a_redrive_begins_no_task_before_its_time,
    a_redrive_stores_arguments_in_the_bucket_again,
    a_redrive_of_what_changed_meanwhile_sends_nothing,
    of_two_redrives_at_one_instant_one_sends,
    a_redrive_whose_message_was_not_taken_is_swept,
)
