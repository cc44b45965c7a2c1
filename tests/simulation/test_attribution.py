"""The checker blames nobody for what a task met."""

from datetime import timedelta

import pytest

from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import DUE_AFTER, initial_item
from django_offload.protocol.transitions import claim, create, send_again

from .checker import _allowed, check
from .clock import START
from .faults import Fault
from .ledger import Entry, Ledger
from .plan import Order
from .scripted import Scripted
from .world import World

ID = "0" * 32
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


@pytest.mark.parametrize(
    ("kind", "error", "allowed"),
    [
        ("sim.add", "Throttled", True),
        ("sim.plain", "Throttled", False),
        ("sim.watched", "DeadlineExceeded", True),
        ("sim.large", "DeadlineExceeded", False),
        ("sim.fresh", "UnknownTask", True),
        ("sim.plain", "DeadLettered", False),
        ("sim.renamed.before", "UnknownTask", False),
    ],
)
def test_an_error_is_forgiven_to_tasks_alone_that_can_meet_it(kind, error, allowed):
    entry = Entry(kind, [], None, faults=1, deployed=True)

    assert _allowed(entry, error) is allowed


@pytest.mark.parametrize("struck", [False, True])
def test_a_recovery_is_measured_from_birth_and_left_out_where_a_fault_moved_it(struck):
    ledger, later = Ledger(), START + timedelta(hours=1)
    enqueued = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)
    ledger.entries[ID] = Entry("sim.plain", [], None)
    ledger.changed(ID, create(initial_item(enqueued)), None, START)
    if struck:
        ledger.fault([ID])
    moved = send_again(ID, due_was=START, due_at=later, now=START, counts=True)
    ledger.changed(ID, moved, initial_item(enqueued), START)
    ledger.killed(ID, to_micros(START), to_micros(later), START)

    claimed = claim(enqueued, token="t", worker_id="w", now=START, lease_until=later, max_attempts=3)
    ledger.changed(ID, claimed, initial_item(enqueued), START + DUE_AFTER + timedelta(seconds=70))

    assert ledger.recoveries == [(70.0, not struck)]
