"""A call that finds a key without a record helps its own owner's task, and replaces another owner's."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from django_offload.conf import configured
from django_offload.keys.unique import Holder, UniqueKeys
from django_offload.protocol.record import FAILED, read_record
from django_offload.protocol.unique_key import KeyHolder, item_id, take
from tests.contract import unique_tasks
from tests.contract.records import enqueued_task, new_id
from tests.contract.setup import TASK_MODULES, tasks_setting

KEY = "5" * 32
NOW = datetime.now(UTC)


@pytest.fixture
def keys(store, settings):
    if not hasattr(store, "table"):
        settings.TASKS = tasks_setting(modules=TASK_MODULES)
    return UniqueKeys(store, configured()["default"], NOW, pause=lambda seconds: None)


def asking(owner):
    changes = {"unique": KEY, "owner": owner, "enqueued_at": NOW, "arguments": '[["mine"],{}]'}
    return enqueued_task(new_id(), **changes)


def stalled(store, owner):
    """Take the key for a task whose process then stands still, and return its id."""
    holder = KeyHolder(task_id=new_id(), at=NOW - timedelta(seconds=5), owner=owner)
    store.change(item_id(KEY), take(holder, ttl=int(NOW.timestamp()) + 1_000_000))
    return holder.task_id


@pytest.mark.parametrize("owner", ["user:1", None])
def test_the_own_task_is_sent_under_its_id(store, keys, owner):
    holder, task = stalled(store, owner), asking(owner)

    assert keys.take_all([task]) == {task.id: Holder(task_id=holder, record=None, to_send=True)}

    assert read_record(store.get(holder)).enqueued.owner == owner


@pytest.mark.parametrize(("first", "second"), [("user:1", "user:2"), ("user:1", None), (None, "user:2")])
def test_the_task_of_another_owner_is_replaced_and_shows_no_arguments(store, keys, first, second):
    holder, task = stalled(store, first), asking(second)

    assert keys.take_all([task]) == {task.id: None}

    ended = read_record(store.get(holder))
    assert (ended.status, ended.duplicate_of, ended.enqueued.owner) == (FAILED, task.id, first)
    assert ended.enqueued.arguments == "[[],{}]"
    assert read_record(store.get(task.id)).enqueued.owner == second
    assert store.get(item_id(KEY))["holder"] == task.id


@pytest.mark.parametrize("wait", [timedelta(minutes=5), timedelta(hours=5)])
def test_a_task_that_is_sent_for_another_process_starts_when_its_own_call_said(request, settings, wait):
    """The process died between the key and the send, and the next call has no run_after."""
    settings.TASKS = tasks_setting(modules=["tests.contract.unique_tasks"])
    offload = request.getfixturevalue("offload")
    unique_tasks.forget()
    start = datetime.now(UTC) + wait
    killed = mock.patch("django_offload.sending.unique.send_all", side_effect=KeyboardInterrupt)
    with killed, pytest.raises(KeyboardInterrupt):
        unique_tasks.sync.using(run_after=start).enqueue(7)

    helped = unique_tasks.sync.enqueue(7)

    assert helped.duplicate
    offload.run(skip=False)
    assert unique_tasks.ran == []
    assert offload.run() >= 1
    assert offload.clock() >= start
    assert unique_tasks.ran == [("sync", 7, False)]
