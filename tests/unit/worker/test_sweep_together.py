"""Many due records at once: what is read, written and sent together still stops and fails one by one."""

import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest

from django_offload.aws.lean.retry import is_tried_once
from django_offload.compat import TASKS
from django_offload.conf.aws_limits import PARTITION_WRITES
from django_offload.exceptions import Refusal
from django_offload.protocol.record import DUE_AFTER
from django_offload.protocol.shards import Band, partition
from django_offload.worker.deadline import RESERVE_SECONDS
from django_offload.worker.sweeping import Sweeper
from django_offload.worker.sweeping.due_pages import PAGE
from django_offload.worker.sweeping.pace import SAVED_SECONDS, SHARE
from tests.benchmarks.virtual_stack import START, virtual_stack
from tests.benchmarks.virtual_time import VirtualStore

NINE = START + timedelta(minutes=14)
LONG_AGO = START - timedelta(hours=12)
# Under way together, and nine that wait for a tenth.
MOST_AT_RISK = 32 + 9


@pytest.fixture(autouse=True)
def silent():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def stack():
    with virtual_stack(shards=8) as made:
        yield made


def defer(stack, count, **changes):
    tasks = [
        replace(stack.task(number, enqueued_at=LONG_AGO, run_after=NINE), **changes)
        for number in range(count)
    ]
    for task in tasks:
        stack.fill(task)
    return tasks


def throttled(operation):
    response = {
        "Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""},
        "ResponseMetadata": {"HTTPHeaders": {}, "HTTPStatusCode": 400},
    }
    return Refusal(operation, 400, response)


def unsent(stack, tasks):
    """Return the tasks that were moved without a message."""
    return [
        task
        for task in tasks
        if task.id not in stack.queue.sent and "sent_at" in stack.store.records[task.id]
    ]


# What stops.


def test_a_shard_stops_at_its_first_throttle_and_the_others_go_on(stack, monkeypatch):
    tasks = defer(stack, 1_600)
    busy, tries, real = partition(Band.DEFERRED, 3, 8), [], VirtualStore.begin_change

    def begin_change(self, task_id, change):
        if self.records[task_id]["due_shard"] != busy:
            return real(self, task_id, change)
        tries.append(task_id)
        return self.time.begin("UpdateItem", refuse)

    def refuse():
        raise throttled("UpdateItem")

    monkeypatch.setattr(VirtualStore, "begin_change", begin_change)
    done = stack.sweep()

    assert done == {"sent": 1_400, "failed": len(tries)}
    assert 1 <= len(tries) <= 32
    assert unsent(stack, tasks) == []
    monkeypatch.undo()
    assert stack.sweep() == {"sent": 200}


def test_of_a_page_from_a_throttled_shard_only_the_writes_under_way_are_tried(stack, monkeypatch):
    for number in range(0, 8 * 150, 8):
        stack.fill(stack.task(number, enqueued_at=LONG_AGO, run_after=NINE))
    tries = []

    def begin_change(self, task_id, change):
        tries.append(task_id)
        return self.time.begin("UpdateItem", refuse)

    def refuse():
        raise throttled("UpdateItem")

    monkeypatch.setattr(VirtualStore, "begin_change", begin_change)

    assert stack.sweep() == {"failed": 32}
    assert len(tries) == 32


def test_only_the_sweepers_own_writes_give_up_at_a_throttle(stack, monkeypatch):
    """Not its messages, and not what receivers of task_finished call."""
    defer(stack, 3)
    lost = stack.task(8, enqueued_at=START)
    stack.kill(lost, START)
    stack.store.records[lost.id]["workers"] = ["w"] * 100
    real, tried_once = stack.time.begin, {}

    def begin(name, act):
        tried_once.setdefault(name, set()).add(is_tried_once("ThrottlingException"))
        return real(name, act)

    def receive(task_result, **named):
        tried_once["receiver"] = {is_tried_once("ThrottlingException")}

    stack.time.begin = begin
    task_finished = import_module(f"{TASKS}.signals").task_finished
    task_finished.connect(receive)
    try:
        assert stack.sweep() == {"sent": 3, "ended": 1}
    finally:
        task_finished.disconnect(receive)

    assert tried_once == {
        "Query": {False},
        "BatchGetItem": {False},
        "UpdateItem": {True},
        "SendMessageBatch": {False},
        "receiver": {False},
    }


def test_a_query_that_is_refused_stops_its_shard_alone(stack, monkeypatch):
    defer(stack, 80)
    busy, real = partition(Band.DEFERRED, 3, 8), VirtualStore.begin_due

    def begin_due(self, shard, *args):
        if shard == busy:
            raise throttled("Query")
        return real(self, shard, *args)

    monkeypatch.setattr(VirtualStore, "begin_due", begin_due)

    assert stack.sweep() == {"sent": 70, "failed": 1}


def test_records_that_cannot_be_read_together_are_read_one_by_one(stack, monkeypatch):
    tasks = defer(stack, 150)
    monkeypatch.setattr(VirtualStore, "begin_get_many", lambda self, ids: 1 / 0)

    assert stack.sweep() == {"sent": 150}
    assert stack.time.calls["GetItem"] == 150
    assert unsent(stack, tasks) == []


@pytest.mark.parametrize("seconds", [2.1, 2.7, 3.1, 3.5])
def test_no_send_is_left_open_when_the_time_is_over(seconds):
    delay = 0.2
    with virtual_stack(shards=8, delay=delay) as stack:
        tasks = defer(stack, 1_000)
        done = stack.sweep(seconds=seconds)

    assert done["stopped"] == 1
    assert done["sent"] == len(stack.queue.sent) < 1_000
    assert unsent(stack, tasks) == []
    # What was begun just in time: the first queries, or writes and their messages.
    assert stack.time.seconds <= max(seconds - RESERVE_SECONDS + 2 * delay, 6 * delay) + 0.01


@pytest.mark.parametrize("call", [150, 171, 199, 230, 271])
def test_a_sweeper_that_dies_delays_few_tasks(stack, monkeypatch, call):
    tasks = defer(stack, 300)
    real, calls = stack.time.begin, iter(range(1, 10_000))

    class Killed(BaseException):
        """Lambda ends the process."""

    def begin(name, act):
        if next(calls) == call:
            raise Killed
        return real(name, act)

    stack.time.begin = begin
    with pytest.raises(Killed):
        stack.sweep()
    delayed = unsent(stack, tasks)
    stack.time.begin = real

    assert len(delayed) <= MOST_AT_RISK
    stack.time.seconds += 20 * 60
    stack.sweep()
    assert unsent(stack, tasks) == []
    assert {len(instants) for instants in stack.queue.sent.values()} <= {1, 2}


# What happens once.


@pytest.mark.parametrize("call", ["BatchGetItem", "UpdateItem", "SendMessageBatch"])
def test_two_sweepers_on_the_same_pages_send_once(stack, call):
    tasks = defer(stack, 500)
    real, met = stack.time.begin, []

    def begin(name, act):
        waiting = real(name, act)
        if name == call and not met:
            met.append(True)
            met.append(stack.sweep())
        return waiting

    stack.time.begin = begin
    done = stack.sweep()

    assert done["sent"] + met[1]["sent"] == 500
    assert {len(instants) for instants in stack.queue.sent.values()} == {1}
    assert len(stack.queue.sent) == len(tasks)


def test_messages_that_sqs_refuses_are_taken_back(stack, monkeypatch):
    tasks = defer(stack, 50)
    refused = {task.id for task in tasks[::7]}
    real = stack.queue.begin_send_many

    def begin_send_many(queue, texts, delays, groups):
        keep = [number for number, text in enumerate(texts) if not any(task in text for task in refused)]
        real(queue, [texts[number] for number in keep], [delays[number] for number in keep])()
        return lambda: [None if number in keep else OSError("no") for number in range(len(texts))]

    monkeypatch.setattr(stack.queue, "begin_send_many", begin_send_many)

    assert stack.sweep() == {"sent": 42, "failed": 8}
    assert set(stack.queue.sent) == {task.id for task in tasks} - refused
    # They use up no send, and are due again.
    assert unsent(stack, tasks) == []


# What is read.


def test_arguments_beside_records_are_read_together(stack):
    tasks = defer(stack, 100, arguments='[["' + "x" * 2_000 + '"],{}]')
    for task in tasks:
        stack.store.texts[task.id] = {"arguments": task.arguments}

    assert stack.sweep() == {"sent": 100}
    assert stack.time.calls["GetItem"] == 100
    # One after the other, the reads alone would take 500 ms.
    assert stack.time.seconds < 0.15


def test_a_deferred_task_whose_arguments_are_gone_ends(stack):
    defer(stack, 3, arguments='[["' + "x" * 2_000 + '"],{}]')

    assert stack.sweep() == {"ended": 3}


def test_a_queue_is_asked_for_its_depth_once_in_a_sweep(stack):
    for number in range(300):
        task = stack.task(number, enqueued_at=START - 2 * DUE_AFTER)
        stack.fill(task)
    stack.queue.held = 50

    assert stack.sweep() == {"moved": 300}
    assert stack.time.calls["GetQueueAttributes"] == 1


@pytest.mark.parametrize("late", [1, 3])
def test_an_index_that_lags_behind_hides_nothing_that_is_due_at_the_same_instant(stack, monkeypatch, late):
    """A shard whose entries are all of one instant: those of moved records are shown some queries longer."""
    tasks = defer(stack, 8 * 5 * PAGE)
    shown = {}
    real = VirtualStore.begin_due

    def begin_due(self, shard, until, limit, since):
        wait = real(self, shard, until, 10**6, since)

        def lagging():
            now = list(wait())
            history = shown.setdefault(shard, [])
            gone = [entry for page in history[-late:] for entry in page if entry not in now]
            history.append(now)
            known = {entry.id: entry for entry in [*gone, *now] if since <= entry.due_at <= until}
            return sorted(known.values(), key=lambda entry: (entry.due_at, entry.id))[:limit]

        return lagging

    monkeypatch.setattr(VirtualStore, "begin_due", begin_due)
    done = stack.sweep()

    assert done["sent"] == len(tasks)
    assert {len(instants) for instants in stack.queue.sent.values()} == {1}


def test_records_that_stay_at_one_instant_hide_none_behind_them(stack, monkeypatch):
    tasks = defer(stack, 8 * 3 * PAGE)
    stuck = {task.id for task in sorted(tasks, key=lambda task: task.id)[: 8 * 2 * PAGE]}
    real = VirtualStore.begin_change

    def begin_change(self, task_id, change):
        if task_id in stuck:
            raise OSError("no answer")
        return real(self, task_id, change)

    monkeypatch.setattr(VirtualStore, "begin_change", begin_change)

    assert stack.sweep() == {"sent": 8 * PAGE, "failed": 8 * 2 * PAGE}


# How fast.


def test_a_sweep_leaves_half_of_each_partition_to_others(monkeypatch):
    """A move costs a unit in each partition that an entry leaves or enters."""
    units = Counter()
    real = VirtualStore._index

    def index(self, task_id, before, after):
        if before is not None:
            for item in (before, after):
                units[item["due_shard"], int(self.time.seconds)] += 1
        real(self, task_id, before, after)

    monkeypatch.setattr(VirtualStore, "_index", index)
    with virtual_stack(shards=2) as stack:
        defer(stack, 3_000)
        assert stack.sweep() == {"sent": 3_000}

    assert max(units.values()) <= PARTITION_WRITES * SHARE * (1 + SAVED_SECONDS)
    # It doesn't dawdle either: 250 moves a second in each of two partitions.
    assert stack.time.seconds < 3_000 / 500 + 1


# Sharing out.


def test_a_run_on_some_shards_leaves_the_others(stack):
    tasks = defer(stack, 80)
    ends_at = 60.0
    sweeper = Sweeper(
        options=stack.options,
        store=stack.store,
        clock=stack.time.clock,
        left=lambda: ends_at,
        shards=[2, 5],
    )

    assert sweeper.run() == {"sent": 20}
    assert {int(task_id[-4:], 16) % 8 for task_id in stack.queue.sent} == {2, 5}
    # Each in both bands; the old partitions have other numbers.
    assert stack.time.calls["Query"] == 4
    assert len(tasks) == 80


def test_the_first_pages_show_a_backlog_which_can_be_left_to_others(stack):
    for number in range(16 * PAGE):
        if number % 8 in {1, 6} or number < 80:
            task = stack.task(number, enqueued_at=LONG_AGO, run_after=NINE)
            stack.fill(replace(task, id=f"{number:028x}{number % 8:04x}"))
    sweeper = Sweeper(options=stack.options, store=stack.store, clock=stack.time.clock, left=lambda: 60.0)

    assert sweeper.backlog == [1, 6]
    asked = stack.time.calls["Query"]
    sweeper.keep([0, 1, 2, 3])
    done = sweeper.run()

    assert {int(task_id[-4:], 16) for task_id in stack.queue.sent} == {0, 1, 2, 3}
    assert done["sent"] == len(stack.queue.sent) == 30 + 2 * PAGE
    # The first pages were not read again.
    assert stack.time.calls["Query"] - asked == 2


def test_an_entry_of_another_writer_is_read_like_any_other(stack):
    stack.store.entries[partition(Band.DEFERRED, 0, 8)].append((0, "not an id"))

    assert stack.sweep() == {"stale": 1}
