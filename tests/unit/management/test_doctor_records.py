"""What the doctor says of records: the oldest in a backlog, what waits for too long, what cannot be read."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.management.doctor import finding, records
from django_offload.protocol.transitions import postpone
from tests.contract.records import enqueued_task
from tests.contract.setup import STACK

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def options(ours, monkeypatch):
    monkeypatch.setattr(finding, "local", lambda: False)
    return configured()["default"]


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


def waiting_since(store, number, at, *, due_at=None, run_after=None):
    enqueued = enqueued_task(f"{number:032x}", enqueued_at=at, run_after=run_after)
    store.create(enqueued)
    if due_at is not None:
        due_was = datetime.fromtimestamp(0, UTC) + timedelta(
            microseconds=store.records[enqueued.id]["due_at"]
        )
        store.change(enqueued.id, postpone(enqueued.id, due_was=due_was, due_at=due_at))
    return enqueued.id


def test_the_oldest_of_a_backlog_is_named_though_it_is_looked_at_last(store, options):
    for number in range(150):
        waiting_since(store, number, NOW - timedelta(minutes=number))
    oldest = waiting_since(store, 500, NOW - 5 * HOUR, due_at=NOW + 5 * HOUR)
    for number in range(600, 750):
        waiting_since(store, number, NOW, run_after=NOW + 48 * HOUR)

    found = records.unfinished(options, NOW)

    assert found.data()["oldest_ready"]["id"] == oldest
    assert list(records.waiting(options, NOW, found.ready)) == []


def test_what_is_ready_for_longer_than_the_sweeper_lets_it_wait_is_wrong(store, options):
    for number in range(400):
        waiting_since(store, number, NOW, due_at=NOW + (11 if number < 200 else 0.5) * HOUR)
    ids = [
        waiting_since(store, 1_000 + days, NOW - days * 24 * HOUR, due_at=NOW + HOUR) for days in (3, 2, 1)
    ]
    waiting_since(store, 2_000, NOW - 72 * HOUR, run_after=NOW + HOUR)

    (found,) = records.waiting(options, NOW, records.unfinished(options, NOW).ready)

    assert (found.id, found.wrong) == ("ready-for-long", True)
    assert found.text == f"3 records READY for more than 12 hours, the oldest for 72: {', '.join(ids)}."
    assert f"aws logs tail /aws/lambda/{STACK}-default-worker" in found.mend


def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(store, options):
    broken, lost = (waiting_since(store, number, NOW - HOUR) for number in range(2))
    store.records[broken]["options"] = "{"

    found = {one.id: one for one in records.overdue(options, NOW)}

    assert found["overdue-ready"].text.endswith(f": {lost}.")
    assert found["overdue-unreadable"].text.startswith("1 record that cannot be read, overdue by up to")
    assert found["overdue-unreadable"].text.endswith(f": {broken}.")
    assert f'get-item --table-name {STACK}-tasks --key \'{{"id": {{"S": "{broken}"}}' in (
        found["overdue-unreadable"].mend
    )
    assert records.unfinished(options, NOW).data()["oldest_ready"]["id"] == lost
