"""Six hours without a worker: the sweeper does not make a long queue longer."""

from datetime import timedelta
from itertools import count

import pytest

from django_offload.worker.sweeping import decision

from .checker import Report, check
from .clock import START
from .mapping import Mapping
from .plan import Order
from .scripted import Scripted
from .setup import SQS
from .world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

TASKS = 300
OUTAGE = timedelta(hours=6)
# When the workers are back, they take one batch every so often.
PACE = timedelta(seconds=2)


@pytest.fixture
def worked_off(monkeypatch):
    """Let a backlog of six hours build up and be worked off; return the share of messages sent again."""

    def run() -> tuple[float, Report]:
        poll, batches = Mapping.poll, count(1)

        def closed(self: Mapping, queue: str) -> None:
            if self.world.time.now >= START + OUTAGE:
                poll(self, queue)
            else:
                opening = START + OUTAGE + PACE * next(batches)
                self.world.time.after(opening - self.world.time.now, lambda: poll(self, queue))

        monkeypatch.setattr(Mapping, "poll", closed)
        world = World("backlog", 0, faults=Scripted({}, applied=False))
        for number in range(TASKS):
            world.plan(Order(name="sim.add", args=[number, 1], value=number + 1), "default", after=number)
        world.run()
        return world.transports[SQS].accepted / TASKS - 1, check(world)

    return run


def test_a_backlog_of_six_hours_adds_at_most_a_tenth_of_messages(worked_off):
    extra, report = worked_off()

    assert report.sound
    assert report.counts["ok"] == TASKS
    assert extra <= 0.1


def test_a_sweeper_blind_to_the_depth_of_the_queue_adds_more(worked_off, monkeypatch):
    monkeypatch.setattr(decision, "DEEP", 10**9)

    extra, _ = worked_off()

    assert extra > 0.1
