"""Each list shows its tasks, newest first, page by page, with filters."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from django_offload.board.lists import EVERYTHING_BY_SHARD
from django_offload.conf import configured
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.transitions import abandon, cancel, fail, succeed
from django_offload.sending.enqueue import ensure_record
from django_offload.stores.base import MOST_READ
from tests.contract.records import ERROR, NOW, TOKEN, TTL, claimed, create_record, enqueued_task, new_id
from tests.unit import tasks

MINUTE = timedelta(minutes=1)
HELD = {"fence": 1, "token": TOKEN, "now": NOW, "result_ttl": TTL}
ENDS = {
    "dead": [abandon(now=NOW, result_ttl=TTL, error=ERROR)],
    "failed": [fail(**HELD, error=ERROR, part="error#0001")],
    "cancelled": [cancel(now=NOW, result_ttl=TTL, error=ERROR)],
    "successful": [succeed(**HELD, stored={"result": "1"})],
}


def create_task(store, end=None, minute=0, **changes):
    """Create a task, end it if `end` says how, and return its id."""
    task_id = new_id()
    enqueued = enqueued_task(task_id, enqueued_at=NOW + minute * MINUTE, **changes)
    create_record(store, enqueued)
    if end in {"failed", "successful", "running"}:
        store.change(task_id, claimed(task_id, enqueued=enqueued, at=NOW))
    for change in ENDS.get(end, ()):
        store.change(task_id, change)
    return task_id


def test_each_list_holds_its_own(ada, store):
    ready, running = create_task(store), create_task(store, "running")
    failed, dead = create_task(store, "failed"), create_task(store, "dead")
    create_task(store, "cancelled")
    create_task(store, "successful")

    assert set(ada.ids("underway")) == {ready, running}
    assert ada.ids("failed") == [failed]
    assert ada.ids("dead") == [dead]


@pytest.mark.parametrize("shards", [2, 32])
def test_a_list_says_of_which_queues_it_has_only_tasks_in_trouble(ada, store, settings, shards):
    settings.TASKS = found = with_shards(settings.TASKS, shards)
    found["default"]["OPTIONS"]["queues"] = {"default": {"index": "trouble"}}
    settings.TASKS = {**found}
    text = "Of the queue default, only tasks that something went wrong with are here."

    assert text in ada.see("underway").content.decode()
    for slug in ("deferred", "failed"):
        assert text not in ada.see(slug).content.decode()

    found["default"]["OPTIONS"]["queues"] = {}
    settings.TASKS = {**found}
    assert "something went wrong" not in ada.see("underway").content.decode()


def test_each_page_continues_after_the_last_one_newest_first(ada, store):
    ids = [create_task(store, minute=number // 3) for number in range(250)]

    enqueued_tasks, after, pages = [], "", 0
    while pages == 0 or after:
        answer = ada.see("underway", **({"after": after} if after else {}))
        page = answer.context["page"]
        enqueued_tasks += [record.enqueued for record, _ in page.records]
        after, pages = page.cursor, pages + 1

    assert sorted(enqueued.id for enqueued in enqueued_tasks) == sorted(ids)
    assert [enqueued.enqueued_at for enqueued in enqueued_tasks] == sorted(
        (enqueued.enqueued_at for enqueued in enqueued_tasks), reverse=True
    )
    assert pages == 3


def test_an_invalid_cursor_starts_at_the_first_page(ada, store):
    task_id = create_task(store)

    for after in ("nonsense", "W10", "WzEsMl0", "%"):
        assert ada.ids("underway", after=after) == [task_id]


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ({"queue": "reports"}, {"queue": "reports"}),
        ({"name": "shop.tasks.send"}, {"name": "shop.tasks.send"}),
        ({"owner": "user:7"}, {"owner": "user:7"}),
        ({"tenant": "customer-7"}, {"tenant": "customer-7"}),
    ],
)
def test_tasks_are_chosen_by_queue_name_owner_and_tenant(ada, store, query, changes):
    task_id = create_task(store, **changes)
    create_task(store)

    assert ada.ids("underway", **query) == [task_id]


def test_tasks_are_chosen_by_state(ada, store):
    ready, running = create_task(store), create_task(store, "running")

    assert ada.ids("underway", state="READY") == [ready]
    assert ada.ids("underway", state="RUNNING") == [running]


def test_tasks_are_chosen_by_the_time_they_were_enqueued(ada, store):
    ids = [create_task(store, minute=minute) for minute in range(4)]
    since, until = (f"{NOW + minute * MINUTE:%Y-%m-%dT%H:%M:%S}" for minute in (1, 3))

    assert set(ada.ids("underway", since=since, until=until)) == set(ids[1:3])


def test_failed_tasks_are_chosen_by_the_time_they_failed(ada, store):
    failed = create_task(store, "failed")
    before, after = (f"{NOW + minute * MINUTE:%Y-%m-%dT%H:%M:%S}" for minute in (-1, 1))

    assert ada.ids("failed", since=before, until=after) == [failed]
    assert ada.ids("failed", since=after) == []
    assert ada.ids("failed", until=before) == []


def test_an_invalid_filter_shows_an_error_and_does_not_apply(ada, store):
    task_id = create_task(store)

    answer = ada.see("underway", queue="nowhere", since="yesterday")

    assert [record.enqueued.id for record, _ in answer.context["page"].records] == [task_id]
    assert "Select a valid choice. nowhere is not one of the available choices." in answer.text
    assert "Enter a valid date/time." in answer.text


def test_a_task_that_left_the_list_since_the_index_was_read_is_not_shown(ada, store):
    gone, stays = create_task(store), create_task(store)
    left = ConditionalWrite(name="ended", conditions=((equals("id", gone),),), put={"status": "SUCCESSFUL"})
    store.change(gone, left)

    answer = ada.see("underway")

    assert [record.enqueued.id for record, _ in answer.context["page"].records] == [stays]
    assert "1 more left the list or could not be read" in answer.text


def with_history(setting, history):
    return {
        name: {**alias, "OPTIONS": {**alias["OPTIONS"], "history": history}}
        for name, alias in setting.items()
    }


def test_all_tasks_are_listed_only_where_options_keep_their_history(ada, store, settings):
    ended, ready = create_task(store, "successful"), create_task(store, minute=1)
    assert [choice.slug for choice in ada.see("all").context["lists"]] == [
        *("underway", "deferred", "failed", "dead")
    ]

    settings.TASKS = with_history(settings.TASKS, True)

    assert ada.ids("all") == [ready, ended]
    assert ada.ids("all", state="SUCCESSFUL") == [ended]
    assert ada.ids("all", alias="other") == []


@pytest.mark.parametrize("history", ["both", "sharded"])
def test_all_tasks_are_listed_in_every_step_of_the_history(ada, store, settings, history):
    settings.TASKS = with_history(settings.TASKS, history)
    options = configured()["default"]
    old, ids = create_task(store), []
    for minute in range(130):
        enqueued = enqueued_task(new_id(), enqueued_at=NOW + (minute + 1) * MINUTE)
        ensure_record(store, enqueued, options)
        ids.append(enqueued.id)
    ensure_record(store, enqueued_task(new_id(), alias="other"), configured()["other"])

    first = ada.see("all", alias="default").context["page"]
    second = ada.see("all", alias="default", after=first.cursor).context["page"]

    listed = [record.enqueued.id for page in (first, second) for record, _ in page.records]
    assert listed == [*reversed(ids), *([old] if history == "both" else [])]
    assert second.cursor == ""


def test_a_page_of_the_sharded_history_has_one_alias(ada, store, settings):
    """Each has 64 shards: half a read unit each, and half a unit for each record of the page."""
    settings.TASKS = with_history(settings.TASKS, "sharded")
    options = configured()["default"]
    mine = enqueued_task(new_id())
    ensure_record(store, mine, options)
    ensure_record(store, enqueued_task(new_id(), alias="other"), configured()["other"])

    assert ada.ids("all") == [mine.id], "the first alias, until a visitor chooses another"
    assert "Any" not in re.search(r'<select name="alias".*?</select>', ada.see("all").text, re.DOTALL)[0]
    shards = [EVERYTHING_BY_SHARD.partitions(options, alias) for alias in ("", "default", "other")]
    assert shards[0] == shards[1] == [f"default#{number}" for number in range(64)]
    assert shards[2] == [f"other#{number}" for number in range(64)]
    assert len(shards[0]) * 0.5 + MOST_READ * 0.5 <= 85


def test_a_search_goes_to_the_task_of_an_id(ada, store):
    task_id = create_task(store)

    answer = ada.see(q=f" {task_id.upper()} ")

    assert answer["Location"] == reverse("admin:django_offload_task_change", args=[task_id])


@pytest.mark.parametrize(
    ("query", "text"), [("0" * 32, "There is no task 0"), ("send", "An id has 32 digits and letters")]
)
def test_a_search_without_a_match_says_so(ada, store, query, text):
    (message,) = ada.messages_after(ada.see(q=query))

    assert message.startswith(text)


def test_every_time_has_a_zone(ada, store, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    create_task(store, "failed")

    page = ada.see("failed").text

    assert re.search(r"\d\d:\d\d:\d\d JST</td>", page)
    assert "Since (JST)" in page


def later_ids(count):
    return {
        tasks.double.using(run_after=datetime.now(UTC) + timedelta(hours=3)).enqueue(number).id
        for number in range(count)
    }


def with_shards(setting, shards):
    return {
        name: {**alias, "OPTIONS": {**alias["OPTIONS"], "shards": shards}} for name, alias in setting.items()
    }


@pytest.fixture
def many_shards(ours, settings):
    """A stack that writes to 32 shards. Request this before the store."""
    settings.TASKS = with_shards(settings.TASKS, 32)


def test_a_stack_with_many_shards_lists_deferred_tasks_by_their_start(many_shards, ada):
    soon = tasks.double.enqueue(1)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    later = tasks.double.using(run_after=start).enqueue(2)

    answer = ada.see("deferred")

    assert [choice.slug for choice in answer.context["lists"]] == ["underway", "deferred", "failed", "dead"]
    assert ada.ids("underway") == [soon.id]
    assert ada.ids("deferred") == [later.id]
    assert ada.ids("deferred", since=f"{start:%Y-%m-%dT%H:%M:%S}") == [], "enqueued before that"
    assert ">Starts<" in answer.text
    assert f"{start:%Y-%m-%d %H:%M:%S} UTC" in answer.text


def test_a_stack_that_lowered_its_shards_has_both_lists(many_shards, ada, settings):
    before = later_ids(9)
    settings.TASKS = with_shards(settings.TASKS, 2)
    since = later_ids(9)

    answer = ada.see("deferred")

    assert {record.enqueued.id for record, _ in answer.context["page"].records} == before
    assert set(ada.ids("underway")) == since
    assert (
        "While OPTIONS[&quot;shards&quot;] is 1 or 2, deferred tasks are in the list Under way."
        in answer.text
    )


def test_deferred_tasks_are_cancelled_from_their_list(many_shards, ada, store):
    ids = later_ids(3)

    ada.act("cancel", *ids)

    assert ada.ids("deferred") == []
    assert {store.get(task_id)["status"] for task_id in ids} == {"FAILED"}
