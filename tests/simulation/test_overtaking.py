"""A message that overtakes its record, which is under way at the same time: its claim makes the record."""

import pytest

from django_offload.protocol.conditional_write import Refused

from .checker import check
from .faults import Fault
from .plan import Order
from .scripted import Scripted
from .seams import SimulatedStore
from .world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

# Every other message is sent before its record is; both calls of the web process are hit in turn.
SEEDS, CALLS = range(12), (1, 2)


@pytest.fixture
def changes(monkeypatch):
    """Return the names of the changes that were asked for, with what became of them."""
    found = []
    change = SimulatedStore._change

    def noted(store, task_id, wanted):
        try:
            before = change(store, task_id, wanted)
        except Refused:
            found.append(f"{wanted.name} refused")
            raise
        found.append(wanted.name)
        return before

    monkeypatch.setattr(SimulatedStore, "_change", noted)
    return found


@pytest.mark.parametrize("applied", [False, True])
def test_a_record_that_comes_after_its_message_was_worked_on_changes_nothing(changes, applied):
    overtaken = 0
    for seed in SEEDS:
        for call in CALLS:
            changes.clear()
            world = World(f"overtaking:{seed}", 0, faults=Scripted({call: Fault.STALL}, applied=applied))
            world.plan(Order(name="sim.add", args=[1, 2], value=3), "default")
            world.run()

            report = check(world)
            assert report.sound, f"seed {seed}, call {call}: {report.wrong} {changes}"
            assert report.counts["ok"] == 1
            overtaken += "create refused" in changes[changes.index("claim") :]

    assert overtaken, "no message overtook its record"
