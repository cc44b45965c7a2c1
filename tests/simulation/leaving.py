"""What the protocol promises about what a process leaves: halves, rows of the outbox, markers, and texts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django_offload.effects import marker
from django_offload.effects.models import Effect
from django_offload.outbox import drain
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.record import (
    DUE_AFTER,
    MESSAGE_LIFE,
    RECORD_LIFE,
    read_record,
)
from django_offload.stores.memory import MemoryStore
from django_offload.worker.effect_cleanup import marker_life, remove_old_markers
from django_offload.worker.step_results import StepResults

from .checker import check
from .clock import START
from .faults import Fault
from .lives import DAY, HOUR, ID, MINUTE, SECOND, read_messages
from .plan import Order
from .scripted import Scripted
from .setup import SQS
from .world import World


def a_task_of_which_one_half_was_taken_begins_with_the_next_sweep() -> None:
    for call in (1, 2):
        world = World(f"half:{call}", 0, faults=Scripted({call: Fault.THROTTLE}, applied=False))
        world.plan(Order(name="sim.add", args=[1, 2], value=3), "default")
        world.run()
        (entry,) = world.ledger.entries.values()
        assert check(world).sound, dict(check(world).wrong)
        assert entry.acknowledged
        assert entry.claimed_at[0] - START < 90 * SECOND, f"call {call}: {entry.claimed_at[0] - START}"


def a_task_of_which_nothing_was_taken_was_not_enqueued() -> None:
    script = {1: Fault.THROTTLE, 2: Fault.THROTTLE}
    for alias, later in (("default", 0), ("default", 7_200), ("direct", 0), ("bare", 0)):
        world = World("nothing", 0, faults=Scripted(script, applied=False))
        world.plan(Order(name="sim.add", args=[1, 2], value=3, later=later), alias)
        world.run()
        (entry,) = world.ledger.entries.values()
        assert (entry.acknowledged, entry.claims) == (False, 0), f"{alias} {later}"


def a_task_that_no_message_can_wait_for_has_its_record_alone() -> None:
    world = World("deferred", 0, faults=Scripted({}, applied=False))
    with world.patched():
        world.web.place(Order(name="sim.add", args=[1, 2], value=3, later=7_200), "default")

    assert world.transports[SQS].accepted == 0
    assert len(world.stores[SQS].inner.records) == 1


@contextmanager
def in_the_outbox(count: int) -> Iterator[tuple[World, list[str]]]:
    """Yield a world in which processes died after they committed tasks, and the ids of those."""
    world = World("outbox", 0, faults=Scripted({}, applied=False))
    with world.patched():
        for number in range(count):
            world.web.leave_in_outbox(Order(name="sim.plain", args=[number, 2], value=2 * number))
            world.time.now += SECOND
        yield world, list(world.ledger.entries)


def drained(world: World, after: timedelta) -> int:
    world.time.now += after
    return drain.drain(world.time.now, lambda: 9.0)


def rows() -> set[str]:
    return set(OutboxEntry.objects.values_list("id", flat=True))


def a_row_that_cannot_be_sent_stays_and_stops_no_other() -> None:
    with in_the_outbox(4) as (world, ids):
        OutboxEntry.objects.filter(id=ids[1]).update(birth='{"v":99}')
        OutboxEntry.objects.filter(id=ids[2]).update(alias="gone")
        assert drained(world, HOUR) == 2
        sent = {message.enqueued.id for message, _ in read_messages(world.transports[SQS])}
        assert (sent, rows()) == ({ids[0], ids[3]}, {ids[1], ids[2]})
        assert drained(world, HOUR) == 0
        assert world.transports[SQS].accepted == 2


def a_row_stays_until_aws_took_its_task() -> None:
    with in_the_outbox(2) as (world, ids):
        script = dict.fromkeys(range(5), Fault.THROTTLE)
        world.network.faults = Scripted(script, applied=False)  # Of two tasks, both halves.
        assert drained(world, HOUR) == 0
        assert rows() == set(ids)
        assert drained(world, MINUTE) == 2
        assert rows() == set()


def a_row_is_left_to_its_own_process_at_first() -> None:
    with in_the_outbox(1) as (world, ids):
        assert drained(world, 5 * SECOND) == 0
        assert rows() == set(ids)
        assert drained(world, MINUTE) == 1


def a_task_that_was_long_in_the_outbox_has_its_whole_life() -> None:
    with in_the_outbox(1) as (world, ids):
        assert drained(world, 8 * DAY) == 1
        ((message, at),) = read_messages(world.transports[SQS])
        record = read_record(world.stores[SQS].inner.records[ids[0]])
        assert (message.expires_at, at) == (world.time.now + MESSAGE_LIFE, world.time.now)
        assert record.due_at == world.time.now + DUE_AFTER


def what_a_dead_process_left_in_the_outbox_is_swept() -> None:
    world = World("left", 0, faults=Scripted({}, applied=False))
    order = Order(name="sim.add", args=[1, 2], value=3)
    for number in range(3):
        world.expect(number, lambda: world.web.leave_in_outbox(order))
    world.run()

    assert check(world).counts["ok"] == 3
    assert rows() == set()


def each_effect_has_a_marker_of_its_own() -> None:
    Effect.objects.all().delete()
    ran: list[str] = []

    def effect(name: str) -> Callable[[], str]:
        def run() -> str:
            ran.append(name)
            return f'"{name}"'

        return run

    keys = [(ID, "a"), (ID, "b"), ("1" * 32, "a"), (ID, "a:b"), (ID, "A"), (ID, "a " * 500)]
    for repeat in ("first", "second"):
        found = [marker.once(task_id, key, effect(f"{repeat} {key}"), None) for task_id, key in keys]
        assert found == [f'"first {key}"' for _, key in keys]
    assert len(ran) == len(keys)


def a_marker_outlives_two_lives_of_its_task() -> None:
    assert marker_life() >= 4 * RECORD_LIFE
    Effect.objects.all().delete()
    for age, key in ((timedelta(0), "new"), (marker_life() - HOUR, "old"), (marker_life() + HOUR, "older")):
        marker.once(ID, key, lambda: "1", None)
        newest = Effect.objects.exclude(result="kept").update(created_at=START - age, result="kept")
        assert newest == 1

    assert remove_old_markers(START, lambda: 9.0) == {"forgotten": 1}
    assert Effect.objects.count() == 2


def the_first_result_of_a_step_stays() -> None:
    store = MemoryStore()
    steps = StepResults(store, ID, "default", lambda: 0)
    others = StepResults(store, "1" * 32, "default", lambda: 0)

    assert [steps.save("a", "1"), steps.save("a", "2"), steps.save("b", "3")] == ["1", "1", "3"]
    assert [steps.load("a"), steps.load("b"), steps.load("c"), others.load("a")] == ["1", "3", None, None]


def what_is_beside_a_record_outlives_it() -> None:
    class Noting(MemoryStore):
        def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
            ttls[part] = ttl
            return super().put_part(task_id, part, text, ttl)

    orders = (
        ("sim.measure", ["y" * 500], "arguments"),
        ("sim.large", [500], "result#0001"),
        ("sim.broken", [], "error#0001"),
        ("sim.steps", [1], "step#s0"),
    )
    for name, args, part in orders:
        ttls: dict[str, int] = {}
        world = World(f"parts:{name}", 0, faults=Scripted({}, applied=False))
        world.stores[SQS].inner = Noting()
        world.plan(Order(name=name, args=args, value=None), "default")
        world.run()
        (record,) = world.stores[SQS].inner.records.values()
        assert ttls[part] >= int(record["ttl"]), f"{part} is gone before its record"  # type: ignore[arg-type]


PROMISES: tuple[Callable[[], None], ...] = (
    a_task_of_which_one_half_was_taken_begins_with_the_next_sweep,
    a_task_of_which_nothing_was_taken_was_not_enqueued,
    a_task_that_no_message_can_wait_for_has_its_record_alone,
    a_row_that_cannot_be_sent_stays_and_stops_no_other,
    a_row_stays_until_aws_took_its_task,
    a_row_is_left_to_its_own_process_at_first,
    a_task_that_was_long_in_the_outbox_has_its_whole_life,
    what_a_dead_process_left_in_the_outbox_is_swept,
    each_effect_has_a_marker_of_its_own,
    a_marker_outlives_two_lives_of_its_task,
    the_first_result_of_a_step_stays,
    what_is_beside_a_record_outlives_it,
)
