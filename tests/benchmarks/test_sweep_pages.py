"""What a sweep of many records costs, in virtual time: calls, seconds, write units. No test waits."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_offload.protocol.conditional_write import ConditionalWrite
from django_offload.protocol.record import DUE_AFTER, initial_item
from django_offload.protocol.transitions import create, succeed
from django_offload.worker.sweeping.decision import LONGEST_WAIT
from django_offload.worker.sweeping.due_pages import RESCUE_EVERY
from tests.benchmarks.virtual_stack import START, VirtualStack, virtual_stack
from tests.contract.records import TOKEN, TTL, claimed

MANY = 10_000
NINE = START + timedelta(minutes=14)
LONG_AGO = START - timedelta(hours=12)


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Log nothing: the sweeper says of each task that it was sent."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def defer(stack: VirtualStack, count: int) -> None:
    """Let so many tasks start at nine o'clock. Their messages can be sent from now on."""
    for number in range(count):
        stack.fill(stack.task(number, enqueued_at=LONG_AGO, run_after=NINE))


@pytest.fixture(scope="module")
def swept() -> Iterator[VirtualStack]:
    """Return a stack with many deferred tasks, after one sweep."""
    with virtual_stack(shards=32) as stack:
        defer(stack, MANY)
        assert stack.sweep() == {"sent": MANY}
        yield stack


def test_a_sweep_sends_3_000_records_a_second(swept: VirtualStack) -> None:
    assert MANY / swept.time.seconds >= 3_000


def test_a_swept_record_costs_little_more_than_its_write(swept: VirtualStack) -> None:
    assert swept.time.calls["UpdateItem"] == MANY
    assert sum(swept.time.calls.values()) / MANY <= 1.15


def test_aws_returns_no_record_that_the_sweeper_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is read before, and a record costs AWS and the sweeper more to carry than the write itself."""
    changes = []
    with virtual_stack(shards=32) as stack:
        begin_change = stack.store.begin_change

        def noted(task_id: str, change: ConditionalWrite) -> Any:
            changes.append(change)
            return begin_change(task_id, change)

        defer(stack, 1)
        stack.queue.held = 1_000
        waiting = stack.task(1, enqueued_at=START - 2 * DUE_AFTER)
        stack.store.change(waiting.id, create(initial_item(waiting, stack.shards)))
        monkeypatch.setattr(stack.store, "begin_change", noted)
        stack.sweep()

    assert [change.name for change in changes] == ["postpone", "send again"]
    assert not any(change.returns_old for change in changes)


def test_deferred_tasks_keep_their_exact_second_and_are_sent_once(swept: VirtualStack) -> None:
    assert len(swept.queue.sent) == MANY
    assert {tuple(instants) for instants in swept.queue.sent.values()} == {(NINE,)}


def test_an_idle_sweep_asks_each_shard_once() -> None:
    with virtual_stack() as stack:
        assert stack.sweep() == {}

    assert stack.time.calls == {"Query": 2 * 64 + 2}
    assert stack.time.seconds < 0.1


def test_a_killed_task_is_rescued_within_65_seconds_behind_a_backlog() -> None:
    with virtual_stack(shards=32) as stack:
        defer(stack, 8_000)
        killed, lease_until = stack.task(8_000, enqueued_at=LONG_AGO), START + timedelta(seconds=30)
        stack.kill(killed, lease_until)
        # A sweeper that can do far less than what is due.
        stack.sweep(seconds=3)
        assert killed.id not in stack.queue.sent
        stack.next_minute()
        stack.sweep(seconds=3)

    assert len(stack.queue.sent) < 8_000
    (sent_at,) = stack.queue.sent[killed.id]
    assert sent_at - lease_until <= timedelta(seconds=35)


def test_a_task_whose_worker_dies_during_a_long_sweep_does_not_wait_for_the_next() -> None:
    with virtual_stack(shards=2) as stack:
        defer(stack, 9_000)
        late = stack.task(9_000, enqueued_at=START - DUE_AFTER + timedelta(seconds=1))
        stack.store.fill(initial_item(late, 32))  # Not behind the others, in partitions of its own band.
        stack.sweep()

    assert stack.time.seconds > RESCUE_EVERY.total_seconds() + 1
    (sent_at,) = stack.queue.sent[late.id]
    assert sent_at - START <= RESCUE_EVERY + timedelta(seconds=1)


def test_a_task_that_waits_an_hour_in_a_backlog_costs_11_units() -> None:
    with virtual_stack(shards=32) as stack:
        stack.queue.held = 1_000
        waiting = [stack.task(number, enqueued_at=START) for number in range(20)]
        for task in waiting:
            stack.store.change(task.id, create(initial_item(task, stack.shards)))
        for _ in range(60):
            stack.next_minute()
            stack.sweep()
        for task in waiting:
            stack.store.change(task.id, claimed(task.id, stack.time.clock()))
            stack.store.change(
                task.id,
                succeed(fence=1, token=TOKEN, now=stack.time.clock(), result_ttl=TTL, stored={"result": "1"}),
            )

    assert sum(stack.store.writes) / len(waiting) <= 11
    assert stack.queue.sent == {}


def test_a_task_in_a_backlog_has_a_second_message_after_twelve_hours() -> None:
    with virtual_stack(shards=32) as stack:
        stack.queue.held = 1_000
        waiting = stack.task(1, enqueued_at=START)
        stack.fill(waiting)
        looks = 0
        while not stack.queue.sent:
            stack.next_minute()
            looks += sum(stack.sweep().values())

    assert looks == 5
    (sent_at,) = stack.queue.sent[waiting.id]
    assert LONGEST_WAIT <= sent_at - START <= LONGEST_WAIT + timedelta(minutes=1)
