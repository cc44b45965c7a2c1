"""What happens between the calls of a redrive or a cancel: nothing is reported that isn't so."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.exceptions import CallFailed
from django_offload.operations.cancel import MOST_TRIES, cancel_many
from django_offload.operations.redrive import redrive_many
from django_offload.protocol.record import FAILED, READY, RUNNING, read_record
from django_offload.protocol.transitions import claim
from django_offload.worker.sweeping.decision import DEEP
from tests.contract.setup import STACK, TASK_MODULES, tasks_setting
from tests.faults import FailingTransport, transport_with
from tests.unit import tasks
from tests.unit.management.dead import given_up, status


@pytest.fixture(params=[2, 8])
def store(settings, request):
    settings.TASKS = tasks_setting(modules=[*TASK_MODULES, "tests.unit.tasks"], shards=request.param)
    return request.getfixturevalue("offload").stores[STACK]


@pytest.fixture
def options(store):
    return configured()["default"]


def now():
    return datetime.now(UTC)


def run_task(store, result):
    """Let a worker claim a task."""
    at = now() + timedelta(seconds=1)
    lease = at + timedelta(minutes=5)
    store.change(result.id, claim(None, token="t", worker_id="w", now=at, lease_until=lease, max_attempts=9))


@pytest.mark.parametrize("flips", range(2 * MOST_TRIES + 2))
def test_a_cancel_between_claims_and_releases_says_what_became_of_the_task(
    store, options, monkeypatch, flips
):
    """At each of its writes, the record may just have changed between RUNNING and READY."""
    result = tasks.double.enqueue(1)
    enqueued = read_record(store.get(result.id)).enqueued
    own, left = store.change, [flips]

    def change(task_id, change):
        waits = change.name == "cancel"
        if left[0]:
            left[0] -= 1
            store.records[task_id]["status"] = RUNNING if waits else READY
        return own(task_id, change)

    monkeypatch.setattr(store, "change", change)
    (outcome,) = cancel_many(store, [(enqueued, options)], now())

    after = read_record(store.get(result.id))
    assert outcome is not None, "it had not ended"
    if isinstance(outcome, CallFailed):
        assert flips >= 2 * MOST_TRIES
        assert str(outcome).startswith(f"Task {result.id} was not cancelled:")
        assert (after.status in {READY, RUNNING}, after.cancelled) == (True, False)
    else:
        assert after.status == FAILED or after.cancelled


def test_a_cancel_of_an_ended_task_is_one_write(store, options, offload, monkeypatch):
    result = tasks.double.enqueue(1)
    enqueued = read_record(store.get(result.id)).enqueued
    offload.run()
    own, names = store.change, []
    monkeypatch.setattr(
        store, "change", lambda task_id, write: names.append(write.name) or own(task_id, write)
    )

    assert cancel_many(store, [(enqueued, options)], now()) == [None]
    assert names == ["cancel"]


@pytest.mark.parametrize("odd", [None, "PAUSED", 7, ["FAILED"]])
def test_a_record_with_a_status_of_another_writer_stops_no_other(store, options, odd):
    results = [given_up(store, tasks.double.enqueue(number)) for number in range(3)]
    if odd is None:
        del store.records[results[1].id]["status"]
    else:
        store.records[results[1].id]["status"] = odd

    outcomes = redrive_many(store, [result.id for result in results], options, now())

    assert [outcome.done for outcome in outcomes] == [True, False, True]
    assert "Its status is none that this release knows." in outcomes[1].text


@pytest.mark.django_db(transaction=True)  # Of the outbox and the markers of effects.
def test_a_redriven_task_whose_message_is_refused_is_sent_by_the_next_sweep_into_a_deep_queue(
    store, options, offload, monkeypatch
):
    results = [given_up(store, tasks.double.enqueue(number)) for number in range(13)]
    transport = offload.transports[STACK]
    transport.queues.clear()
    monkeypatch.setattr(transport, "depth", lambda queue: DEEP + 1)

    with transport_with(lambda inner: FailingTransport(inner, times=13)):
        outcomes = redrive_many(store, [result.id for result in results], options, now())
    offload.clock.skip_to(now() + timedelta(minutes=1))

    assert all(outcome.done and "so the sweeper will send it" in outcome.text for outcome in outcomes)
    assert offload.sweep() == {"sent": 13}
    assert offload.run() == 13
    assert {status(store, result) for result in results} == {"SUCCESSFUL"}
