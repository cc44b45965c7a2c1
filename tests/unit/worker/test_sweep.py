"""The sweeper under load: everybody has a turn, and what was never sent is not taken for waiting."""

from datetime import timedelta

import pytest

from django_offload.protocol.record import READY, SUCCESSFUL
from tests.contract.records import NOW, create_record
from tests.old_shards import DUE_SHARDS

MINUTE = timedelta(minutes=1)


def fill(stage, count):
    """Let messages wait in the queue."""
    for _ in range(count):
        stage.transport.send("default", "{}", timedelta(0))


def waiting(stage):
    return len(stage.transport.queues["default"].messages)


def test_a_thousand_tasks_of_one_instant_are_all_sent_in_one_sweep(stage, enqueued):
    nine = NOW + timedelta(days=1)
    for number in range(1_000):
        create_record(stage.store, enqueued(number, run_after=nine))
    stage.now = nine - 14 * MINUTE

    assert stage.sweep() == {"sent": 1_000}
    assert waiting(stage) == 1_000


def test_records_that_cannot_be_swept_stop_none_behind_them(stage, enqueued, monkeypatch):
    for number in range(250):
        create_record(stage.store, enqueued(number * DUE_SHARDS))
    good = enqueued(1_000, queue="other")
    create_record(stage.store, good)
    stage.now = NOW + 10 * MINUTE
    real = stage.transport.send
    monkeypatch.setattr(
        stage.transport, "send", lambda queue, *rest: real(queue, *rest) if queue == "other" else 1 / 0
    )

    done = stage.sweep()

    assert done["failed"] == 250
    assert done["sent"] == 1
    assert stage.transport.depth("other") == 1


def test_an_outage_of_half_a_day_uses_up_no_sends(stage, enqueued, monkeypatch):
    create_record(stage.store, enqueued())
    with monkeypatch.context() as outage:
        outage.setattr(stage.transport, "send", lambda *message: 1 / 0)
        tries = 0
        while stage.now < NOW + 720 * MINUTE:
            stage.now += 5 * MINUTE
            tries += stage.sweep().get("failed", 0)
    seen = stage.record(enqueued())
    assert (seen.status, seen.sends, seen.sent_at) == (READY, 0, None)
    assert tries > 50

    stage.now += 6 * MINUTE

    assert stage.sweep() == {"sent": 1}
    assert waiting(stage) == 1


def test_an_outage_that_outlives_the_task_ends_it(stage, enqueued, monkeypatch):
    create_record(stage.store, enqueued())
    monkeypatch.setattr(stage.transport, "send", lambda *message: 1 / 0)
    for day in range(9):
        stage.now = NOW + timedelta(days=day, minutes=6)
        stage.sweep()

    assert stage.record(enqueued()).error["class"] == "django_offload.exceptions.Expired"


def test_what_a_worker_claimed_while_its_send_failed_keeps_its_claim(stage, enqueued, monkeypatch):
    create_record(stage.store, enqueued())
    stage.now = NOW + 10 * MINUTE

    def meanwhile(*message):
        assert stage.deliver(enqueued()) is None
        raise ConnectionError("the reply was lost")

    monkeypatch.setattr(stage.transport, "send", meanwhile)
    stage.sweep()

    assert stage.record(enqueued()).status == SUCCESSFUL


@pytest.mark.parametrize("seam", ["read", "send"])
def test_of_two_sweepers_that_meet_at_a_record_one_sends(stage, enqueued, monkeypatch, seam):
    create_record(stage.store, enqueued())
    stage.now = NOW + 10 * MINUTE
    other = []

    def meanwhile(call):
        def first(*args):
            answer = call(*args) if seam == "read" else None
            if not other:
                other.append({})
                other.append(stage.sweep())
            return answer if seam == "read" else call(*args)

        return first

    if seam == "read":
        monkeypatch.setattr(stage.store, "get", meanwhile(stage.store.get))
    else:
        monkeypatch.setattr(stage.transport, "send", meanwhile(stage.transport.send))
    own = stage.sweep()

    assert [own.get("sent", 0), other[1].get("sent", 0)] == ([0, 1] if seam == "read" else [1, 0])
    assert waiting(stage) == 1


def test_a_queue_whose_depth_nobody_says_is_sent_to(stage, enqueued, monkeypatch):
    create_record(stage.store, enqueued())
    stage.now = NOW + 10 * MINUTE
    monkeypatch.setattr(stage.transport, "depth", lambda queue: 1 / 0)

    assert stage.sweep() == {"sent": 1}


def test_a_shard_with_a_backlog_keeps_no_other_waiting(stage, enqueued, monkeypatch):
    for number in range(0, 300 * DUE_SHARDS, DUE_SHARDS):
        create_record(stage.store, enqueued(number))
    create_record(stage.store, enqueued(3, queue="other"))
    fill(stage, 20)
    stage.now = NOW + 10 * MINUTE
    looks = iter(range(10_000))
    sweeper_left = lambda: 60.0 if next(looks) < 120 else 0.0  # noqa: E731
    from django_offload.worker.sweeping import Sweeper

    stage.transport.prepare("other")
    done = Sweeper(options=stage.options, store=stage.store, clock=stage.clock, left=sweeper_left).run()

    assert done["stopped"] == 1
    assert stage.transport.depth("other") == 1


def test_a_deferred_task_whose_time_came_unswept_is_sent_into_a_backlog_too(stage, enqueued):
    deferred = enqueued(run_after=NOW + 60 * MINUTE)
    create_record(stage.store, deferred)
    fill(stage, 50)
    stage.now = NOW + 61 * MINUTE

    assert stage.sweep() == {"sent": 1}


def test_what_waits_in_a_backlog_is_looked_at_ever_more_rarely(stage, enqueued):
    create_record(stage.store, enqueued())
    fill(stage, 50)
    moves = []

    for _ in range(4):
        stage.now = max(stage.now, stage.record(enqueued()).due_at)
        assert stage.sweep() == {"moved": 1}
        moves.append((stage.record(enqueued()).due_at - NOW) // MINUTE)

    assert moves == [20, 80, 320, 720]
    assert stage.record(enqueued()).status == READY

    stage.now = stage.record(enqueued()).due_at
    assert stage.sweep() == {"sent": 1}


@pytest.mark.parametrize(
    "broken", [{"enqueued_at": None}, {"error": "{"}, {"fence": "first"}, {"name": None}]
)
def test_a_record_that_is_none_of_ours_stops_no_other(stage, enqueued, broken, caplog):
    for number in range(3):
        create_record(stage.store, enqueued(number * DUE_SHARDS))
    found = stage.store.records[enqueued().id]
    found.update({name: value for name, value in broken.items() if value is not None})
    for name in [name for name, value in broken.items() if value is None]:
        del found[name]
    stage.now = NOW + 10 * MINUTE

    assert stage.sweep() == {"failed": 1, "sent": 2}
    assert f"Task id={enqueued().id} could not be swept; it is due again" in caplog.text
