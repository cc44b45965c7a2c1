"""The checker blames nobody for what a task met."""

from datetime import timedelta

import pytest

from .checker import check
from .faults import Fault
from .plan import Order
from .scripted import Scripted
from .world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]


@pytest.mark.parametrize("seed", range(4))
def test_a_task_whose_enqueue_stalls_into_a_deploy_may_meet_it(seed):
    world = World(f"stalled {seed}", 0, faults=Scripted({1: Fault.STALL}, applied=False))
    world.plan(Order(name="sim.resized", args=[7], value=7), "default")
    world.time.after(timedelta(seconds=1.5), world._deploy)

    world.run()

    report = check(world)
    assert report.sound, report.wrong
    assert report.counts["ok"] == 1
