"""The item that counts for a root is no task: nothing shows, sends or changes it but the count itself."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from django_offload.compat import TaskResultDoesNotExist, default_task_backend
from django_offload.conf import configured
from django_offload.definition.context import running
from django_offload.exceptions import EnqueueFailed, TooManyEnqueues, UnreadableRecord
from django_offload.operations.dead_letters import act_on_ids
from django_offload.operations.find import find
from django_offload.operations.redrive import REFUSALS
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.record import RECORD_LIFE, read_record
from django_offload.stores import listing_of, store_of
from django_offload.stores.listing import DUE, HISTORY, IndexQuery
from tests.contract import runaway_tasks as tasks
from tests.contract.outbox_site import drain, messages
from tests.contract.setup import STACK, tasks_setting
from tests.contract.test_root_budget import MODULES, budget_item, in_a_task
from tests.faults import FailingStore
from tests.unit.management.commands import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backend():
    return "SQSBackend"


@pytest.fixture
def spent(runaways, request):
    """Return the item of a root of which three tasks descend."""
    offload = runaways(getattr(request, "param", "memory"), enqueues_per_root=5, history=True)
    root = tasks.enqueues.enqueue("one_by_one", 3)
    offload.run()
    return f"b:{root.id}"


@pytest.mark.parametrize("spent", ["memory", "lean"], indirect=True)
def test_no_index_has_it_and_it_does_not_stay(spent):
    options = configured()["default"]
    item = store_of(options).get(spent)

    assert item["spent"] == 3
    assert item["ttl"] > (datetime.now(UTC) + RECORD_LIFE).timestamp()
    # The attributes that would put it into an index, where sweeper, lists and pages would meet it.
    assert item.keys() - {"id"} == {"spent", "token", "ttl"}
    entries = [
        entry.id
        for index, partitions in ((DUE, range(-4, 2)), (HISTORY, ["default"]))
        for partition in partitions
        for entry in listing_of(options)
        .query(IndexQuery(index=index, newest_first=True), partition, None, 50)
        .entries
    ]
    assert spent not in entries
    assert len(entries) == 4  # The root and its three tasks, in the index of all tasks.


def test_nobody_finds_shows_or_changes_it(spent):
    before = dict(store_of(configured()["default"]).get(spent))
    with pytest.raises(UnreadableRecord):
        read_record(before)
    staff = Client()
    staff.force_login(User.objects.create_user("ada", is_staff=True, is_superuser=True))

    assert find(spent) is None
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(spent)
    for action in ("redrive", "discard"):
        (refused,) = act_on_ids(action, [spent], lambda: datetime.now(UTC))
        assert refused.text == REFUSALS[None]
        code, results = run_json("offload_dead", action, spent)
        assert (code, results[0]["done"]) == (1, False)
    for arguments in (
        ("offload_result", spent),
        ("offload_result", spent, "--cancel"),
        ("offload_dead", "show", spent),
    ):
        code, said = run(*arguments)
        assert (code, said.startswith(f"There is no task with the id {spent}.")) == (1, True), said
    for arguments in (("offload_status",), ("offload_doctor",), ("offload_dead", "list", "--failed")):
        assert spent not in run(*arguments, "--json")[1]
    for address in (f"/tasks/{spent}/", f"/tasks/{spent}/progress/", f"/tasks/{spent}/cancel/"):
        assert (staff.get(address).status_code, staff.post(address).status_code) == (404, 404)
    change = reverse("admin:django_offload_task_change", args=[spent])
    assert staff.get(change).status_code == 404
    for name in ("underway", "deferred", "failed", "dead", "all"):
        page = staff.get(f"{reverse('admin:django_offload_task_changelist')}?list={name}").content.decode()
        assert spent not in page
    assert store_of(configured()["default"]).get(spent) == before


def test_no_sweep_touches_it(runaways):
    offload = runaways(enqueues_per_root=5)
    root = tasks.enqueues.enqueue("one_by_one", 3)
    offload.run()
    before = dict(budget_item(root.id))
    offload.clock.skip_to(offload.clock() + timedelta(days=2))

    assert not offload.sweep()
    assert budget_item(root.id) == before


def test_a_redriven_root_goes_on_with_its_budget(runaways):
    offload = runaways(enqueues_per_root=5)
    root = tasks.enqueues_many.enqueue(3)
    offload.run()
    stored = offload.stores[STACK].records[root.id]
    stored.update(status="FAILED")  # As if it had failed after it enqueued them.

    (redriven,) = act_on_ids("redrive", [root.id], offload.clock)
    assert redriven.done
    offload.run()

    assert (len(tasks.born), len(tasks.refusals)) == (3 + 2, 1)
    assert budget_item(root.id)["spent"] == 5


# enqueue_many() through the outbox, when its budget ends or fails in the middle.


@pytest.fixture
def outbox(settings, request):
    tasks.forget()
    settings.TASKS = tasks_setting(modules=MODULES, outbox=True, enqueues_per_root=150)
    offload = request.getfixturevalue("offload")
    with mock.patch(
        "django_offload.backends.base.Departure.leave_at_commit"
    ):  # The rows are all that is left.
        yield offload


def test_the_outbox_has_exactly_what_the_budget_allows(outbox):
    context = in_a_task(150)
    answers = []
    with transaction.atomic(), running(context), pytest.raises(TooManyEnqueues):
        answers.extend(tasks.child.enqueue_many(() for _ in range(250)))

    assert (OutboxEntry.objects.count(), budget_item(context.budget.root)["spent"]) == (150, 150)
    while drain():
        pass
    assert len(messages(outbox)) == len(outbox.stores[STACK].records) - 1 == 150


class FailingLater(FailingStore):
    """Fails the second change of one name."""

    def change(self, task_id, change):
        if change.name == self.before and self.times == 2:
            self.times = 1
            return self.inner.change(task_id, change)
        return super().change(task_id, change)


def test_a_count_that_fails_in_the_middle_leaves_no_row_of_its_hundred(outbox):
    store = FailingLater(store_of(configured()["default"]), before="spend", times=2)
    context = in_a_task(150, store)
    with transaction.atomic(), running(context):
        answers = list(tasks.child.enqueue_many(() for _ in range(120)))

    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(answer) for answer in failed} == {EnqueueFailed}
    assert (len(answers), len(failed), OutboxEntry.objects.count()) == (120, 20, 100)
    assert budget_item(context.budget.root)["spent"] == 100
    while drain():
        pass
    assert len(messages(outbox)) == 100


def test_what_is_rolled_back_leaves_no_row_and_has_used_its_places(outbox):
    context = in_a_task(150)
    with suppress(ZeroDivisionError), transaction.atomic(), running(context):
        list(tasks.child.enqueue_many(() for _ in range(120)))
        raise ZeroDivisionError

    assert OutboxEntry.objects.count() == 0
    assert budget_item(context.budget.root)["spent"] == 120
