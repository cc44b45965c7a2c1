"""Tasks, a process killed at call number k to AWS or the database, for every k: they end as they must."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from unittest import mock

import pytest

from .checker import Report, check
from .faults import Fault
from .mapping import Mapping
from .plan import PART_BYTES, Order
from .scripted import Scripted
from .world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

ADD = Order(name="sim.add", args=[1, 2], value=3)
BROKEN = Order(name="sim.broken", args=[], error="ValueError")
SLOW = Order(name="sim.slow", args=[40], value=40)
LARGE, BESIDE = "y" * PART_BYTES, "y" * 500


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to how many tasks, and at how many points a process can be killed."""

    plan: Callable[[World], object]
    points: int
    tasks: int = 1


def one(name: str, args: list[Any], value: Any = None, *, alias: str = "default", **more: Any) -> Any:
    """Return a plan of one task."""
    return lambda world: world.plan(Order(name=name, args=args, value=value, **more), alias)


def later(act: Callable[[World], object], seconds: float) -> Callable[[World], object]:
    return lambda world: world.expect(seconds, lambda: act(world))


def followed(wanted: Order, act: str, seconds: float, alias: str = "default") -> Callable[[World], object]:
    """Return the plan of a task to which the web does something else, some seconds after."""

    def place(world: World) -> None:
        enqueued = world.web.place(wanted, alias)
        world.expect(seconds, lambda: getattr(world.web, act)(enqueued))

    return later(place, 1)


class Together(Random):
    """Chooses the first queue and the largest batch."""

    def randint(self, a: int, b: int) -> int:
        return b

    def choices(self, population: Any, *args: Any, **options: Any) -> Any:
        return [population[0]]


def two_at_once(world: World) -> None:
    world.web.rng = world.mappings["sim"].rng = Together(7)
    for number in (1, 2):
        world.plan(Order(name="sim.add", args=[number, 1], value=number + 1), "default")


def soon_dead(world: World, alias: str = "default") -> None:
    world.transports["sim"]._max_receives = 3
    world.plan(Order(name="sim.removed", args=[], error="UnknownTask"), alias)


def in_bulk(world: World, alias: str = "default") -> None:
    world.web.rng = Together(7)
    orders = [ADD, ADD, Order(name="sim.measure", args=[BESIDE], value=500)]
    later(lambda world: world.web.place_many(orders, alias), 1)(world)


soon_dead_in_trouble = partial(soon_dead, alias="trouble")
in_bulk_in_trouble = partial(in_bulk, alias="trouble")


SCENARIOS: dict[str, Scenario] = {
    # create, send │ claim, marker, effect, finish
    "plain": Scenario(one("sim.add", [1, 2], 3), 6),
    "direct": Scenario(one("sim.add", [1, 2], 3, alias="direct"), 6),
    "arguments beside the record": Scenario(one("sim.measure", [BESIDE], 500), 5),
    "arguments in the bucket": Scenario(one("sim.measure", [LARGE], PART_BYTES), 6),
    "result beside the record": Scenario(one("sim.large", [500], "x" * 500), 5),
    "result in the bucket": Scenario(one("sim.large", [PART_BYTES], "x" * PART_BYTES), 5),
    "retry": Scenario(one("sim.flaky", [1], 1), 12),
    "retry by the sweeper": Scenario(one("sim.patient", [1], 1, alias="direct"), 11),
    "no retry": Scenario(one("sim.broken", [], error="ValueError"), 7),
    "steps": Scenario(one("sim.steps", [2], [0, 1]), 8),
    "progress": Scenario(one("sim.watched", [3], 3), 7),
    "later than a message can wait": Scenario(one("sim.add", [1, 2], 3, later=7200), 8),
    # row, create, send, row gone │ …
    "outbox": Scenario(one("sim.add", [1, 2], 3, alias="outbox"), 8),
    "drain of the outbox": Scenario(later(lambda world: world.web.leave_in_outbox(ADD), 1), 8),
    # … fail │ get, redrive, send │ claim, earlier error, marker, error, fail
    "redrive": Scenario(followed(BROKEN, "redrive", 7_200), 15),
    "cancel before the start": Scenario(
        followed(Order(name="sim.add", args=[1, 2], value=3, later=600), "cancel", 60), 4
    ),
    # create, send │ claim │ cancel, ask to stop │ marker, effect, finish
    "cancel while it runs": Scenario(followed(SLOW, "cancel", 20), 8),
    # create, send │ given back 3 times │ create, get, end
    "dead letter": Scenario(soon_dead, 8),
    "batch of two": Scenario(two_at_once, 12, tasks=2),
    "enqueue_many": Scenario(in_bulk, 15, tasks=3),  # Its three messages are one call.
    # send │ claim, marker, effect, finish
    "no record at enqueue": Scenario(one("sim.add", [1, 2], 3, alias="bare"), 5),
    "no record at enqueue, a retry": Scenario(one("sim.flaky", [1], 1, alias="bare"), 11),
    "no record at enqueue, arguments beside it": Scenario(one("sim.measure", [BESIDE], 500, alias="bare"), 5),
    # As with every task in the index: only in trouble is there another write.
    "trouble": Scenario(one("sim.add", [1, 2], 3, alias="trouble"), 6),
    "trouble, arguments beside the record": Scenario(one("sim.measure", [BESIDE], 500, alias="trouble"), 5),
    "trouble, a retry": Scenario(one("sim.flaky", [1], 1, alias="trouble"), 12),
    "trouble, no retry": Scenario(one("sim.broken", [], error="ValueError", alias="trouble"), 7),
    "trouble, cancel while it runs": Scenario(followed(SLOW, "cancel", 20, "trouble"), 8),
    # create, send │ given back 3 times, put into the index the first time │ create, get, end
    "trouble, dead letter": Scenario(soon_dead_in_trouble, 11),
    "trouble, enqueue_many": Scenario(in_bulk_in_trouble, 15, tasks=3),
}


def lived(scenario: str, at: int, *, applied: bool, fault: Fault = Fault.KILL) -> tuple[Report, Scripted]:
    """Return what became of tasks with a process that died, or met a fault, at call number `at` (0: none)."""
    faults = Scripted({at: fault}, applied=applied)
    world = World(f"{scenario}:{at}", 0, faults=faults)
    SCENARIOS[scenario].plan(world)
    world.run()
    return check(world), faults


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_task_ends_as_it_must_wherever_its_process_is_killed(scenario):
    points, tasks = SCENARIOS[scenario].points, SCENARIOS[scenario].tasks
    untouched, faults = lived(scenario, 0, applied=True)

    assert (untouched.counts["ok"], faults.calls) == (tasks, points), untouched.wrong

    for at in range(1, points + 1):
        for applied in (False, True):
            report, faults = lived(scenario, at, applied=applied)

            assert faults.counts[Fault.KILL] == 1
            assert report.sound, f"killed at call {at}, applied {applied}: {report.wrong} {report.counts}"
            assert report.counts["ok"] >= report.counts["acknowledged"]
            assert report.counts["acknowledged"] == tasks or report.counts["attempted"] == tasks


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.ERROR, Fault.LOST, Fault.RESET])
def test_a_task_that_the_index_has_only_in_trouble_survives_a_call_that_fails(fault):
    """If it is the send that fails, the entry keeps the task."""
    for at in range(1, SCENARIOS["trouble"].points + 1):
        for applied in (False, True):
            report, faults = lived("trouble", at, applied=applied, fault=fault)

            assert faults.counts[fault] == 1
            assert report.sound, f"call {at}, applied {applied}: {report.wrong} {report.counts}"
            assert report.counts["ok"] == 1


def test_two_in_a_batch_are_worked_on_by_one_invocation():
    batches = []
    handle = Mapping._handle

    def noted(self: Mapping, queue: str, deliveries: Any) -> Any:
        batches.append(len(deliveries))
        return handle(self, queue, deliveries)

    with mock.patch.object(Mapping, "_handle", noted):
        lived("batch of two", 0, applied=True)

    assert batches == [2]


def test_every_point_is_counted():
    assert sum(scenario.points for scenario in SCENARIOS.values()) == 249
