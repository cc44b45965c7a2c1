"""The doctor finds records that are the oldest of a backlog, wait for too long, or can't be read."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.management.doctor import finding as finding_module
from django_offload.management.doctor import records
from django_offload.protocol.transitions import postpone
from tests.contract.records import create_record, enqueued_task
from tests.contract.setup import STACK

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def options(ours, monkeypatch):
    monkeypatch.setattr(finding_module, "is_local_aws", lambda: False)
    return configured()["default"]


@pytest.fixture
def store(ours, offload):
    return offload.stores[STACK]


def waiting_since(store, number, at, *, due_at=None, run_after=None):
    enqueued = enqueued_task(f"{number:032x}", enqueued_at=at, run_after=run_after)
    create_record(store, enqueued)
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

    unfinished = records.unfinished_records(options, NOW)

    assert unfinished.data()["oldest_ready"]["id"] == oldest
    assert list(records.check_waiting(options, NOW, unfinished.ready)) == []


def test_what_is_ready_for_longer_than_the_sweeper_lets_it_wait_is_wrong(store, options):
    for number in range(400):
        waiting_since(store, number, NOW, due_at=NOW + (11 if number < 200 else 0.5) * HOUR)
    ids = [
        waiting_since(store, 1_000 + days, NOW - days * 24 * HOUR, due_at=NOW + HOUR) for days in (3, 2, 1)
    ]
    waiting_since(store, 2_000, NOW - 72 * HOUR, run_after=NOW + HOUR)

    (finding,) = records.check_waiting(options, NOW, records.unfinished_records(options, NOW).ready)

    assert (finding.id, finding.wrong) == ("ready-for-long", True)
    assert (
        finding.text
        == f"3 records stayed READY for more than 12 hours, the oldest for 72 hours: {', '.join(ids)}."
    )
    assert f"aws logs tail /aws/lambda/{STACK}-default-worker" in finding.remedy


def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(store, options):
    broken, lost = (waiting_since(store, number, NOW - HOUR) for number in range(2))
    store.records[broken]["options"] = "{"

    findings = {finding.id: finding for finding in records.check_overdue(options, NOW)}

    assert findings["overdue-ready"].text.endswith(f": {lost}.")
    assert findings["overdue-unreadable"].text.startswith("1 record couldn't be read (overdue by up to")
    assert findings["overdue-unreadable"].text.endswith(f": {broken}.")
    assert f'get-item --table-name {STACK}-tasks --key \'{{"id": {{"S": "{broken}"}}' in (
        findings["overdue-unreadable"].remedy
    )
    assert records.unfinished_records(options, NOW).data()["oldest_ready"]["id"] == lost


def test_a_record_that_the_sweeper_has_put_off_is_named(store, options, offload):
    broken, fine = (waiting_since(store, number, datetime.now(UTC) - HOUR) for number in range(2))
    store.records[broken]["options"] = "{"
    offload.sweep()
    unfinished = records.unfinished_records(options, datetime.now(UTC))

    (finding,) = records.check_unreadable(options, unfinished.unreadable)

    assert "overdue-unreadable" not in {each.id for each in records.check_overdue(options, datetime.now(UTC))}
    assert (finding.id, finding.wrong) == ("unreadable-records", True)
    assert finding.text == f"1 record can't be read, so what is left of its task waits: {broken}."
    key = f'--table-name {STACK}-tasks --key \'{{"id": {{"S": "{broken}"}}, "part": {{"S": "record"}}}}\''
    for command in ("get-item", "delete-item"):
        assert f"aws dynamodb {command} {key}" in finding.remedy
    store.records[broken]["options"] = "{}"
    unfinished = records.unfinished_records(options, datetime.now(UTC))
    assert list(records.check_unreadable(options, unfinished.unreadable)) == []
    assert unfinished.data()["oldest_ready"]["id"] in {broken, fine}


def test_a_deferred_task_is_not_overdue_before_its_start(store, options):
    deferred = waiting_since(
        store, 1, NOW - 5 * HOUR, run_after=NOW + timedelta(minutes=5), due_at=NOW - timedelta(minutes=9)
    )
    late = waiting_since(store, 2, NOW - 5 * HOUR, due_at=NOW - timedelta(minutes=9))

    findings = {finding.id: finding for finding in records.check_overdue(options, NOW)}

    assert findings.keys() == {"deferred-unsent", "overdue-ready"}
    note = findings["deferred-unsent"]
    assert (note.wrong, note.text) == (
        False,
        f"1 record will start later, but the sweeper hasn't sent its message yet: {deferred}.",
    )
    assert findings["overdue-ready"].text.endswith(f": {late}.")


def test_a_look_at_many_partitions_reads_little(store, options, monkeypatch):
    """Of 64 shards of two bands, each with many records, a diagnosis reads a page of each kind."""
    for number in range(2_000):
        waiting_since(store, number, NOW - HOUR, due_at=NOW - HOUR + number * timedelta(seconds=1))
        task_id = f"{number:032x}"
        store._due[store.records[task_id]["due_shard"]].pop(task_id)
        shard = (1_000, 2_000)[number % 2] + number % 64
        store.records[task_id]["due_shard"] = shard
        store._due[shard][task_id] = None
    read = []
    own = store.due
    monkeypatch.setattr(store, "due", lambda *args: read.extend(page := own(*args)) or page)
    reads = []
    own_get = store.get
    monkeypatch.setattr(store, "get", lambda task_id: reads.append(task_id) or own_get(task_id))

    findings = {finding.id: finding for finding in records.check_overdue(options, NOW)}
    unfinished = records.unfinished_records(options, NOW)

    assert "50+ records" in findings["overdue-ready"].text
    assert f"{0:032x}, {1:032x}, {2:032x}, …" in findings["overdue-ready"].text
    assert unfinished.data()["oldest_ready"]["id"] in store.records
    assert len(read) <= 130 * 10
    assert len(reads) <= 50 + 2 * 3 * 100
