"""A sweep that can't do everything: no shard waits for others each time, and no failed send is forgotten."""

import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from django_offload import stores
from django_offload.exceptions import Refusal
from django_offload.protocol.record import DUE_AFTER, SWEEP_EVERY
from django_offload.protocol.shards import Band
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.decision import DEEP
from django_offload.worker.sweeping.due_pages import PAGE, DuePages, turns
from django_offload.worker.sweeping.pace import Pace
from tests.benchmarks.virtual_stack import START, virtual_stack
from tests.benchmarks.virtual_time import VirtualStore
from tests.faults import Unreachable, WrappedStore

NINE = START + timedelta(minutes=14)
LONG_AGO = START - timedelta(hours=12)


@pytest.fixture(autouse=True)
def silent():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def defer(stack, count):
    tasks = [stack.task(number, enqueued_at=LONG_AGO, run_after=NINE) for number in range(count)]
    for task in tasks:
        stack.fill(task)
    return tasks


@pytest.mark.parametrize("shards", [3, 7, 32, 64])
@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_every_shard_with_a_backlog_gets_its_share_of_a_few_pages(shards, groups):
    with virtual_stack(shards=shards) as stack:
        for number in range(shards * 40):
            task = stack.task(number, enqueued_at=LONG_AGO, run_after=NINE)
            stack.fill(replace(task, id=f"{number:028x}{number % shards:04x}"))
        for group in range(groups):
            numbers = range(group, shards, groups)
            due = DuePages(
                stack="s",
                store=stack.store,
                clock=stack.time.clock,
                pace=Pace(units_per_second=float("inf")),
                shards=shards,
                turns=turns(64, range(group, 64, groups)),
            )
            due.begin()
            pages, most = due.pages(), max(len(numbers) * 40 // PAGE, 1)
            drawn: Counter[int] = Counter()
            for _ in range(min(most, 3)):
                page = next(pages, [])
                assert len(page) <= PAGE
                drawn.update(partition - Band.DEFERRED.value for partition, _ in page)
            expected = sum(drawn.values()) / max(len(numbers), 1)
            assert all(expected / 2 - 1 <= drawn[number] <= expected * 2 + 1 for number in numbers), drawn


def refuse_messages(stack, monkeypatch, *, lost=False):
    """Have SQS refuse every message, or take it and lose the answer."""
    real = stack.queue.begin_send_many

    def begin_send_many(queue, texts, delays, groups):
        if lost:
            real(queue, texts, delays, groups)()
        return lambda: [OSError("no answer")] * len(texts)

    monkeypatch.setattr(stack.queue, "begin_send_many", begin_send_many)


@pytest.mark.parametrize("minutes", [0, 20], ids=["before the start", "after the start"])
def test_a_deferred_task_that_sqs_refused_is_sent_by_the_next_sweep_into_a_deep_queue(monkeypatch, minutes):
    """Nothing says later that it had no message, so that in a backlog it would wait for half a day."""
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 40)
        stack.queue.held = 1_000 * DEEP
        stack.time.seconds = minutes * 60.0
        with monkeypatch.context() as patch:
            refuse_messages(stack, patch)
            assert stack.sweep() == {"failed": 40}
        before = dict(stack.store.records[tasks[0].id])
        stack.next_minute()

        assert stack.sweep() == {"sent": 40}

    assert not {"sent_at", "sends"} & before.keys()
    # Each at its exact second, if there was still time.
    starts = {instant for instants in stack.queue.sent.values() for instant in instants}
    assert all(start >= NINE for start in starts)
    assert minutes or max(starts) < NINE + timedelta(seconds=1)


def test_a_refused_send_returns_to_the_band_of_deferred_tasks(monkeypatch):
    """A million of them must not wait in front of the rescues."""
    with virtual_stack(shards=8) as stack:
        (task,) = defer(stack, 1)
        refuse_messages(stack, monkeypatch)
        stack.sweep()
        shard = stack.store.records[task.id]["due_shard"]

    assert Band.DEFERRED.value <= shard < Band.DEAD.value


def test_a_write_whose_answer_is_lost_is_taken_back_if_it_was_made(monkeypatch):
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 20)
        stack.queue.held = 1_000 * DEEP
        real, lost = VirtualStore.begin_change, []

        def begin_change(self, task_id, change):
            wait = real(self, task_id, change)
            if change.name != "send again" or len(lost) == 5:
                return wait
            lost.append(task_id)

            def answer():
                wait()
                raise OSError("no answer")

            return answer

        monkeypatch.setattr(VirtualStore, "begin_change", begin_change)
        assert stack.sweep() == {"sent": 15, "failed": 5}
        assert not set(lost) & stack.queue.sent.keys()
        stack.next_minute()

        assert stack.sweep() == {"sent": 5}

    assert {len(instants) for instants in stack.queue.sent.values()} == {1}
    assert len(stack.queue.sent) == len(tasks)


def test_a_message_whose_answer_is_lost_comes_again_and_a_claim_in_between_stays(monkeypatch):
    with virtual_stack(shards=8) as stack:
        (task,) = defer(stack, 1)
        with monkeypatch.context() as patch:
            refuse_messages(stack, patch, lost=True)
            real = VirtualStore.begin_change

            def begin_change(self, task_id, change):
                if change.name == "not sent":
                    self.records[task_id] |= {"status": "RUNNING", "fence": 1, "token": "t"}
                return real(self, task_id, change)

            patch.setattr(VirtualStore, "begin_change", begin_change)
            stack.sweep()
        record = stack.store.records[task.id]

    assert record["status"] == "RUNNING"
    assert "sent_at" in record


def test_an_overdue_task_that_sqs_refused_is_looked_at_later(monkeypatch):
    """It had a message, so a backlog may still explain that it waits."""
    with virtual_stack(shards=8) as stack:
        stack.fill(stack.task(1, enqueued_at=START - 2 * DUE_AFTER))
        refuse_messages(stack, monkeypatch)
        assert stack.sweep() == {"failed": 1}
        stack.time.seconds += SWEEP_EVERY.total_seconds()

        assert stack.sweep() == {}


def throttled(operation):
    response = {
        "Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""},
        "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 400},
    }
    return Refusal(operation, 400, response)


def leave_out(monkeypatch, ids):
    """Have a busy table leave records out of every batch."""
    real = VirtualStore.begin_get_many

    def begin_get_many(self, asked):
        wait = real(self, asked)
        return lambda: {task_id: record for task_id, record in wait().items() if task_id not in ids}

    monkeypatch.setattr(VirtualStore, "begin_get_many", begin_get_many)


def test_records_that_a_busy_table_leaves_out_are_read_alone(monkeypatch):
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 200)
        leave_out(monkeypatch, {task.id for task in tasks[::20]})

        assert stack.sweep() == {"sent": 200}
        assert stack.time.calls["GetItem"] == 10


def test_what_a_busy_table_keeps_leaving_out_is_no_stale_entry(monkeypatch):
    """The table isn't asked again for each of them: the first refusal shows that it is still busy."""
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 100)
        leave_out(monkeypatch, {task.id for task in tasks[:50]})

        def begin_get(self, task_id):
            raise throttled("GetItem")

        monkeypatch.setattr(VirtualStore, "get", begin_get)
        done = stack.sweep()

    assert done == {"sent": 50, "failed": 1}


@pytest.mark.parametrize("attribute", ["status", "enqueued_at", "lease_until"])
def test_pages_of_records_that_cannot_be_read_take_little_time_from_those_behind_them(attribute):
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 800)
        for task in tasks[:400]:
            stack.store.records[task.id][attribute] = []

        assert stack.sweep() == {"sent": 400, "failed": 400}
        assert stack.time.seconds < 0.4, "one after the other, these writes alone take two seconds"
        assert stack.sweep() == {}


class Unreadable(WrappedStore):
    """Fails each read of one record by itself."""

    def get(self, task_id):
        if task_id == self.odd:
            raise Unreachable("no answer")
        return super().get(task_id)


class Silent(WrappedStore):
    """Fails each query of one partition."""

    def due(self, shard, *args):
        if shard == self.odd:
            raise Unreachable("no answer")
        return super().due(shard, *args)


def test_a_wrapped_store_reads_many_at_once_and_a_fault_in_a_read_is_not_passed_by():
    """The faults of tests happen in the calls that a sweep makes."""
    with virtual_stack(shards=8) as stack:
        tasks = defer(stack, 16)
        ids, until = [task.id for task in tasks], stack.time.clock()
        shard = stack.store.records[ids[0]]["due_shard"]
        assert len(WrappedStore(stack.store).begin_get_many(ids)()) == 16
        assert len(WrappedStore(stack.store).begin_due(shard, until, 9)()) == 2
        assert (stack.time.calls["BatchGetItem"], stack.time.calls["GetItem"]) == (1, 0)

        for faulty, odd in ((Unreadable, ids[0]), (Silent, shard)):
            wrapped = faulty(stack.store)
            wrapped.odd = odd
            with stores.use(stack.options.stack, wrapped):
                sweeper = Sweeper(
                    options=stack.options, store=wrapped, clock=stack.time.clock, left=lambda: 60.0
                )
                assert sweeper.run()["failed"] == 1
