"""A tree of tasks that enqueue each other without end is stopped by the budget of its root."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from django_offload.compat import signals
from django_offload.conf import configured
from django_offload.definition.context import OffloadContext, running
from django_offload.definition.offload_task import local_result
from django_offload.exceptions import EnqueueFailed, TooManyEnqueues, WorkerLost
from django_offload.operations.fail import fail_record
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import RECORD_LIFE, read_record
from django_offload.sending.root_budget import RootBudget
from django_offload.stores import store_of
from django_offload.testing import Offload
from django_offload.testing.base import WorkerKilled
from django_offload.testing.memory import invoke_worker
from tests.contract import runaway_tasks as tasks
from tests.contract.outbox_site import drain
from tests.contract.records import enqueued_task, new_id
from tests.contract.setup import STACK, tasks_setting
from tests.faults import FailingStore, RepeatingStore

MODULES = ["tests.contract.runaway_tasks"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backend():
    return "SQSBackend"


def budget_item(root):
    return store_of(configured()["default"]).get(f"b:{root}")


def work_once(offload):
    """Have the worker take the first message."""
    transport, options = offload.transports[STACK], configured()["default"]
    (delivery,) = invoke_worker(transport.receive("default", 1), options, "default", offload.clock)
    transport.delete(delivery)


def bodies(offload):
    return [
        json.loads(held.body)
        for queue in offload.transports[STACK].queues.values()
        for held in queue.messages.values()
    ]


@pytest.mark.parametrize("place", ["memory", "lean"])
@pytest.mark.parametrize("way", ["enqueue", "enqueue_many"])
def test_a_task_that_enqueues_itself_twice_ends_after_its_roots_budget(runaways, place, way):
    offload = runaways(place, enqueues_per_root=20)
    root = tasks.fork_bomb.enqueue(way)

    assert offload.run() == 21

    assert (len(tasks.born), tasks.ran) == (20, ["bomb"] * 21)
    assert budget_item(root.id)["spent"] == 20
    root.refresh()
    assert root.status == "SUCCESSFUL"
    last = tasks.child.get_backend().get_result(tasks.born[-1].split()[0])
    assert (last.status, last.attempts) == ("FAILED", 1)
    said = (
        f"allows 20 tasks below the task id={root.id}. Look for what enqueues so many, or raise the option."
    )
    assert last.errors[0].traceback.strip().endswith(said)


def test_two_trees_have_a_budget_each(runaways):
    offload = runaways(enqueues_per_root=5)
    first, second = tasks.fork_bomb.enqueue(), tasks.fork_bomb.enqueue()

    assert offload.run() == 12
    assert [budget_item(root.id)["spent"] for root in (first, second)] == [5, 5]


def test_a_tree_over_two_backends_has_one_budget(runaways):
    offload = runaways(enqueues_per_root=9)
    tasks.fork_bomb.enqueue("enqueue", ["default", "other"])

    assert offload.run() == 10


@pytest.mark.parametrize("way", tasks.WAYS)
def test_every_way_to_enqueue_counts(runaways, way):
    offload = runaways(enqueues_per_root=5)
    parent = tasks.enqueues.enqueue(way, 8)

    assert offload.run() == 6
    assert (len(tasks.born), len(tasks.refusals)) == (5, 3)
    assert budget_item(parent.id)["spent"] == 5


def test_what_fits_of_enqueue_many_is_sent_and_then_it_raises(runaways):
    offload = runaways(enqueues_per_root=150)
    parent = tasks.enqueues_many.enqueue(250)

    assert offload.run() == 151

    assert (len(tasks.born), len(tasks.refusals)) == (150, 1)
    assert budget_item(parent.id)["spent"] == 150


def test_without_the_option_nothing_is_written_or_sent(runaways):
    offload = runaways()
    tasks.fork_bomb.enqueue()
    work_once(offload)

    store = offload.stores[STACK]
    assert not [key for key in store.records if key.startswith("b:")]
    assert not [record for record in store.records.values() if "root" in record]
    assert [(body["v"], "root" in body) for body in bodies(offload)] == [(1, False)] * 2


def test_a_root_costs_nothing_and_its_children_carry_its_id(runaways):
    offload = runaways(enqueues_per_root=5)
    root = tasks.fork_bomb.enqueue()
    (body,) = bodies(offload)
    assert (body["v"], "root" in body, budget_item(root.id)) == (1, False, None)
    work_once(offload)

    # A worker that doesn't know the field doesn't read version 2, and gives the message back.
    assert [(body["v"], body["root"]) for body in bodies(offload)] == [(2, root.id)] * 2
    children = [key for key in offload.stores[STACK].records if key not in {root.id, f"b:{root.id}"}]
    records = [read_record(offload.stores[STACK].records[key]) for key in children]
    assert [record.enqueued.root for record in records] == [root.id] * 2


def test_a_task_that_is_sent_again_still_has_its_root(runaways):
    offload = runaways(enqueues_per_root=6)
    root = tasks.fork_bomb.enqueue()
    work_once(offload)
    for queue in offload.transports[STACK].queues.values():
        queue.messages.clear()
    offload.clock.skip_to(offload.clock() + timedelta(hours=1))
    offload.sweep()

    assert [body["root"] for body in bodies(offload)] == [root.id] * 2
    assert offload.run() == 6


def test_the_receivers_of_task_finished_count_too(runaways, monkeypatch):
    def follow(sender, task_result, **kwargs):
        tasks.enqueue_child()

    offload = runaways(enqueues_per_root=3, enqueues_per_attempt=None)
    signals.task_finished.connect(follow)
    try:
        tasks.child.enqueue()
        assert offload.run() == 4
    finally:
        signals.task_finished.disconnect(follow)

    assert (len(tasks.born), len(tasks.refusals)) == (3, 1)


def test_the_receivers_of_an_end_from_outside_count_too(runaways):
    def follow(sender, task_result, **kwargs):
        for _ in range(5):
            tasks.enqueue_child()

    offload = runaways(enqueues_per_root=3)
    root = tasks.child.enqueue()
    options = configured()["default"]
    signals.task_finished.connect(follow)
    try:
        record = read_record(offload.stores[STACK].records[root.id])
        fail_record(offload.stores[STACK], record.enqueued, options, offload.clock(), WorkerLost(3))
    finally:
        signals.task_finished.disconnect(follow)

    assert (len(tasks.born), len(tasks.refusals)) == (3, 2)
    assert budget_item(root.id)["spent"] == 3


def test_what_a_transaction_rolls_back_has_used_its_places(runaways):
    offload = runaways(enqueues_per_root=5)
    parent = tasks.rolls_back.enqueue(4)

    assert offload.run() == 1 + 1

    assert (len(tasks.born), len(tasks.refusals)) == (4 + 1, 3)
    assert budget_item(parent.id)["spent"] == 5


def test_the_outbox_keeps_the_root(settings, request):
    tasks.forget()
    settings.TASKS = tasks_setting(modules=MODULES, outbox=True, enqueues_per_root=5)
    offload = request.getfixturevalue("offload")
    context = in_a_task(5)
    with (
        mock.patch("django_offload.backends.base.Departure.leave_at_commit"),
        transaction.atomic(),
        running(context),
    ):
        tasks.enqueue_child()
    (row,) = OutboxEntry.objects.all()
    assert (json.loads(row.birth)["v"], json.loads(row.birth)["root"]) == (2, context.budget.root)
    assert drain() == 1
    assert [body["root"] for body in bodies(offload)] == [context.budget.root]


def test_another_stack_passes_the_root_on(runaways, settings):
    setting = tasks_setting(modules=MODULES, enqueues_per_root=6)
    setting["far"] = {
        "BACKEND": setting["default"]["BACKEND"],
        "OPTIONS": {"stack": "far", "modules": MODULES},
    }
    settings.TASKS = setting
    tasks.forget()
    with Offload().active() as offload:
        root = tasks.fork_bomb.enqueue("enqueue", ["default", "far"])
        offload.run()
        spent = budget_item(root.id)["spent"]

    # Each task of this stack counts its two; those of the other stack don't, but keep the root.
    assert spent == 6
    assert len(tasks.ran) == 1 + 6 + 12


# What is exact, and what is not.


def in_a_task(limit, store=None):
    options = configured()["default"]
    budget = RootBudget(store or store_of(options), enqueued_task(new_id()), options)
    assert budget.limit == limit
    return OffloadContext(task_result=local_result(tasks.child), budget=budget)


@pytest.mark.parametrize("place", ["memory", "lean"])
def test_tasks_that_count_at_the_same_time_never_count_more_than_the_limit(runaways, place):
    runaways(place, enqueues_per_root=50)
    budget = in_a_task(50).budget
    grants: list[int] = []

    def count():
        for wanted in (3, 1, 4, 1):
            grants.append(budget.spend(wanted, datetime.now(UTC)))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(grants), budget_item(budget.root)["spent"]) == (50, 50)


@pytest.mark.parametrize("place", ["memory", "lean"])
def test_a_write_that_is_repeated_because_its_reply_was_lost_counts_once(runaways, place):
    runaways(place, enqueues_per_root=5)
    store = RepeatingStore(store_of(configured()["default"]), "spend")
    budget = in_a_task(5, store).budget

    assert [budget.spend(1, datetime.now(UTC)) for _ in range(7)] == [1, 1, 1, 1, 1, 0, 0]
    assert budget_item(budget.root)["spent"] == 5


def test_if_the_count_is_not_confirmed_nothing_is_sent_and_its_place_is_used(runaways):
    offload = runaways(enqueues_per_root=2)
    store = FailingStore(store_of(configured()["default"]), after="spend")

    with running(in_a_task(2, store)):
        with pytest.raises(EnqueueFailed, match="Enqueue the task again") as raised:
            tasks.child.enqueue()
        many = list(tasks.child.enqueue_many([()]))
        with pytest.raises(TooManyEnqueues):
            tasks.child.enqueue()

    assert "the answer to spend was lost" in str(raised.value.__cause__)
    assert len(many) == 1
    assert offload.run() == 1


def test_a_worker_that_is_killed_while_it_enqueues_wastes_places_and_never_gains_any(runaways):
    offload = runaways(enqueues_per_root=6, queues={"default": {"max_attempts": 9}})
    root = tasks.fork_bomb.enqueue()
    store, kills = offload.stores[STACK], [2, 5, 6]
    original, spends = store.change, []

    def killed_after(task_id: str, change: Any) -> Any:
        answer = original(task_id, change)
        if change.name == "spend":
            spends.append(task_id)
            if len(spends) in kills:
                raise WorkerKilled
        return answer

    store.change = killed_after
    offload.run()

    assert budget_item(root.id)["spent"] == 6
    assert len(store.records.keys() - {root.id, f"b:{root.id}"}) == 6 - len(kills)


def test_a_message_that_comes_twice_counts_once(runaways):
    offload = runaways(enqueues_per_root=9)
    root = tasks.enqueues.enqueue("one_by_one", 4)
    (body,) = [
        held.body for queue in offload.transports[STACK].queues.values() for held in queue.messages.values()
    ]
    offload.transports[STACK].send("default", body, timedelta(0))

    offload.run()

    assert (len(tasks.born), budget_item(root.id)["spent"]) == (4, 4)


def test_the_count_is_kept_for_as_long_as_a_task_below_the_root_may_start(runaways):
    runaways(enqueues_per_root=9)
    budget, now = in_a_task(9).budget, datetime.now(UTC)
    later = now + timedelta(days=300)

    for start_at in (later, now, later, now):
        assert budget.spend(1, start_at) == 1

    item = budget_item(budget.root)
    assert item["spent"] == 4
    assert item["ttl"] == int((later + 2 * RECORD_LIFE + timedelta(days=14)).timestamp())
    assert to_micros(later) < item["ttl"] * 1_000_000
