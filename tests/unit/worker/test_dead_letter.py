"""A dead letter ends a task only where nothing else is to come for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from django_offload.protocol.record import FAILED, READY, RUNNING, initial_item, read_record
from django_offload.protocol.transitions import INDEX_KEYS, abandon, redrive, release, send_again
from tests.contract.records import ERROR, NOW, TTL, claimed, create_record

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def make(stage, enqueued, *changes):
    create_record(stage.store, enqueued)
    for change in changes:
        stage.store.change(enqueued.id, change)
    return enqueued


def released(enqueued, *, fence=1, until=NOW):
    return release(
        enqueued.id,
        fence=fence,
        token="0123456789abcdef",
        not_before=until,
        due_at=until + 5 * MINUTE,
        error=ERROR,
        part=f"error#{fence:04d}",
    )


def test_a_task_whose_time_has_not_come_goes_on(stage, enqueued):
    later = make(stage, enqueued(run_after=NOW + 3 * DAY))

    stage.bury(later)

    assert stage.record(later).status == READY


def test_a_task_that_no_worker_took_ends(stage, enqueued):
    untouched = make(stage, enqueued())

    stage.bury(untouched)

    record = stage.record(untouched)
    assert (record.status, record.error["class"]) == (FAILED, "django_offload.exceptions.DeadLettered")


def test_a_task_that_the_sweeper_sent_again_goes_on(stage, enqueued):
    due_was = read_record(initial_item(enqueued())).due_at
    later = NOW + 6 * MINUTE
    again = make(
        stage,
        enqueued(),
        send_again(enqueued().id, due_was=due_was, due_at=later + 5 * MINUTE, now=later, counts=True),
    )
    stage.now = NOW + 7 * MINUTE

    stage.bury(again, sent_at=NOW)
    assert stage.record(again).status == READY

    stage.bury(again, sent_at=later)
    assert stage.record(again).status == FAILED


def test_a_redriven_task_outlives_the_dead_letters_of_its_former_life(stage, enqueued):
    end = abandon(now=NOW, result_ttl=TTL, error=ERROR)
    again = redrive(enqueued().id, now=NOW + MINUTE, due_at=NOW + 6 * MINUTE)
    redriven = make(stage, enqueued(), end, again)
    stage.now = NOW + 2 * MINUTE

    stage.bury(redriven)

    assert stage.record(redriven).status == READY


def test_a_task_in_its_backoff_goes_on(stage, enqueued):
    waiting = make(stage, enqueued(), claimed(enqueued().id), released(enqueued(), until=NOW + 2 * DAY))
    stage.now = NOW + MINUTE

    stage.bury(waiting)

    assert stage.record(waiting).status == READY


@pytest.mark.parametrize(("attempts", "status"), [(13, READY), (30, FAILED)])
def test_a_task_goes_on_until_its_attempts_are_used_up(stage, enqueued, attempts, status):
    changes = []
    for fence in range(1, attempts + 1):
        changes += [claimed(enqueued().id), released(enqueued(), fence=fence)]
    tried = make(stage, enqueued(options={"max_attempts": 30}), *changes)
    stage.now = NOW + MINUTE

    stage.bury(tried)

    assert stage.record(tried).status == status


def test_a_live_worker_is_left_to_finish_and_a_dead_one_to_the_sweeper(stage, enqueued):
    running = make(stage, enqueued(), claimed(enqueued().id))

    stage.bury(running)
    assert stage.record(running).status == RUNNING

    stage.now = NOW + 10 * MINUTE
    stage.bury(running)
    assert stage.record(running).status == RUNNING


@pytest.mark.parametrize("found_after", [MINUTE, 10 * MINUTE], ids=["a live worker", "a dead one"])
def test_what_only_its_message_would_bring_again_is_left_to_the_sweeper(stage, enqueued, found_after):
    running = enqueued()
    claim = claimed(running.id, enqueued=running)
    stage.store.change(
        running.id,
        replace(
            claim,
            set_if_absent={key: value for key, value in claim.set_if_absent.items() if key not in INDEX_KEYS},
        ),
    )
    stage.now = NOW + found_after

    stage.bury(running)
    assert stage.record(running).status == RUNNING

    stage.now += 20 * MINUTE
    assert stage.sweep()["sent"] == 1


def test_a_dead_worker_on_the_last_attempt_is_the_cause(stage, enqueued):
    lost = make(stage, enqueued(options={"max_attempts": 1}), claimed(enqueued().id))
    stage.now = NOW + 10 * MINUTE

    stage.bury(lost)

    assert stage.record(lost).error["class"] == "django_offload.exceptions.WorkerLost"
