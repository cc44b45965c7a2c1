"""One task, its process killed at call number k to AWS or the database, for every k: it ends as it must."""

import pytest

from .checker import Report, check
from .faults import Fault
from .plan import PART_BYTES, Order
from .scripted import Scripted
from .world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

LARGE = "y" * PART_BYTES
SCENARIOS: dict[str, tuple[Order, str, int]] = {
    # create, send │ claim, marker, effect, finish
    "plain": (Order(name="sim.add", args=[1, 2], value=3), "default", 6),
    "direct": (Order(name="sim.add", args=[1, 2], value=3), "direct", 6),
    "arguments beside the record": (Order(name="sim.measure", args=["y" * 500], value=500), "default", 5),
    "arguments in the bucket": (Order(name="sim.measure", args=[LARGE], value=PART_BYTES), "default", 6),
    "result beside the record": (Order(name="sim.large", args=[500], value="x" * 500), "default", 5),
    "result in the bucket": (
        Order(name="sim.large", args=[PART_BYTES], value="x" * PART_BYTES),
        "default",
        5,
    ),
    "retry": (Order(name="sim.flaky", args=[1], value=1), "default", 11),
    "retry by the sweeper": (Order(name="sim.patient", args=[1], value=1), "direct", 10),
    "no retry": (Order(name="sim.broken", args=[], error="ValueError"), "default", 7),
    "steps": (Order(name="sim.steps", args=[2], value=[0, 1]), "default", 8),
    "progress": (Order(name="sim.watched", args=[3], value=3), "default", 7),
    "outbox": (Order(name="sim.add", args=[1, 2], value=3), "outbox", 6),
    "later than a message can wait": (Order(name="sim.add", args=[1, 2], value=3, later=7200), "default", 8),
}


def lived(scenario: str, at: int, *, applied: bool) -> tuple[Report, Scripted]:
    """Return what became of a task whose process died at call number `at` (0: none did)."""
    wanted, alias, _ = SCENARIOS[scenario]
    faults = Scripted({at: Fault.KILL}, applied=applied)
    world = World(f"{scenario}:{at}", 0, faults=faults)
    world.plan(wanted, alias)
    world.run()
    return check(world), faults


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_task_ends_as_it_must_wherever_its_process_is_killed(scenario):
    points = SCENARIOS[scenario][2]
    untouched, faults = lived(scenario, 0, applied=True)

    assert (untouched.counts["ok"], faults.calls) == (1, points)

    for at in range(1, points + 1):
        for applied in (False, True):
            report, faults = lived(scenario, at, applied=applied)

            assert faults.counts[Fault.KILL] == 1
            assert report.sound, f"killed at call {at}, applied {applied}: {report.wrong} {report.counts}"
            assert report.counts["ok"] == 1 or report.counts["acknowledged"] == 0
