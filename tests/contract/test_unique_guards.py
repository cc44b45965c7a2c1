"""What a key may not be taken from: a task on its way, or one whose work nobody else would do."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.keys.unique import UniqueKeys
from django_offload.protocol.conditional_write import Refused
from django_offload.protocol.record import FAILED, READY, SUCCESSFUL, initial_item
from django_offload.protocol.transitions import claim, create, succeed
from django_offload.protocol.unique_key import KeyHolder, item_id, take
from tests.contract.records import create_record, enqueued_task, new_id
from tests.contract.setup import tasks_setting

KEY = "6" * 32
NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(minutes=5)
LATER = int((NOW + timedelta(days=30)).timestamp())


@pytest.fixture
def keys(store, settings):
    if not hasattr(store, "table"):
        settings.TASKS = tasks_setting(modules=["tests.contract.unique_tasks"])
    return UniqueKeys(store, configured()["default"], NOW, pause=lambda seconds: None)


def unique_task():
    changes = {"unique": KEY, "enqueued_at": BEFORE, "arguments": '[["a"],{}]'}
    return enqueued_task(new_id(), name="tests.contract.unique_tasks.brief", **changes)


def give_key(store, task, until=None):
    holder = KeyHolder(task_id=task.id, at=BEFORE, until=until)
    store.change(item_id(KEY), take(holder, ttl=LATER))


def run_to_the_end(store, task):
    lease = BEFORE + timedelta(minutes=1)
    store.change(
        task.id,
        claim(None, token="t", worker_id="w", now=BEFORE, lease_until=lease, max_attempts=3),
    )
    lasts = timedelta(days=14)
    store.change(task.id, succeed(fence=1, token="t", now=BEFORE, result_ttl=lasts, stored={"result": "1"}))


def test_a_holder_that_may_still_be_sent_ends_before_another_runs(store, keys):
    """A worker has a task that was redriven; the process of the holder stalls before its send."""
    stalled, redriven = unique_task(), unique_task()
    give_key(store, stalled)
    create_record(store, redriven)

    assert keys.keep(redriven) is None

    assert store.get(item_id(KEY))["holder"] == redriven.id
    # The process goes on, and its message arrives: whatever it writes, the task has ended.
    with pytest.raises(Refused):
        store.change(stalled.id, create(initial_item(stalled)))
    ended = store.get(stalled.id)
    assert (ended["status"], ended["duplicate_of"]) == (FAILED, redriven.id)


def test_a_holder_whose_record_came_in_this_moment_keeps_its_key(store, keys, monkeypatch):
    """Between the look at the missing record and the end of the holder its process went on."""
    stalled, redriven = unique_task(), unique_task()
    give_key(store, stalled)
    create_record(store, redriven)
    end_missing = keys.end_missing

    def too_late(successor, holder):
        create_record(store, stalled)
        return end_missing(successor, holder)

    monkeypatch.setattr(UniqueKeys, "end_missing", lambda self, *args: too_late(*args))

    assert keys.keep(redriven) == stalled.id

    assert store.get(stalled.id)["status"] == READY
    assert store.get(item_id(KEY))["holder"] == stalled.id


def test_a_task_that_has_ended_replaces_no_task_that_waits(store, keys):
    """An occurrence, or a row of the outbox, is sent once more when another waits for longer than it may."""
    ended, waiting = unique_task(), unique_task()
    create_record(store, ended)
    run_to_the_end(store, ended)
    give_key(store, waiting, until=NOW - timedelta(minutes=1))
    create_record(store, waiting)

    keys.take_all([ended])

    assert store.get(ended.id)["status"] == SUCCESSFUL
    assert (store.get(waiting.id)["status"], store.get(item_id(KEY))["holder"]) == (READY, waiting.id)


def test_a_redrive_that_comes_late_leaves_a_task_that_is_about_to_be_sent(store, keys):
    """The redriven task has run to its end meanwhile, so the holder would end as a duplicate of nothing."""
    redriven, coming = unique_task(), unique_task()
    create_record(store, redriven)
    run_to_the_end(store, redriven)
    give_key(store, coming)

    assert keys.keep(redriven, is_claimed=False) is None

    assert store.get(item_id(KEY))["holder"] == coming.id
    assert create_record(store, coming), "its process goes on, and nothing has ended it"
