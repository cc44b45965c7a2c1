"""Lists of tasks: what is in each, the newest first, a page at a time, as the filters want it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.transitions import abandon, cancel, fail, succeed
from tests.contract.records import ERROR, NOW, TOKEN, TTL, claimed, enqueued_task, new_id

MINUTE = timedelta(minutes=1)
HELD = {"fence": 1, "token": TOKEN, "now": NOW, "result_ttl": TTL}
ENDS = {
    "dead": [abandon(now=NOW, result_ttl=TTL, error=ERROR)],
    "failed": [fail(**HELD, error=ERROR, part="error#0001")],
    "cancelled": [cancel(now=NOW, result_ttl=TTL, error=ERROR)],
    "successful": [succeed(**HELD, kept={"result": "1"})],
}


def given(store, end=None, minute=0, **changes):
    """Return the id of a task in the store, ended where that is said."""
    task_id = new_id()
    enqueued = enqueued_task(task_id, enqueued_at=NOW + minute * MINUTE, **changes)
    store.create(enqueued)
    if end in {"failed", "successful", "running"}:
        store.change(task_id, claimed(task_id, enqueued=enqueued, at=NOW))
    for change in ENDS.get(end, ()):
        store.change(task_id, change)
    return task_id


def test_each_list_holds_its_own(ada, store):
    ready, running = given(store), given(store, "running")
    failed, dead = given(store, "failed"), given(store, "dead")
    given(store, "cancelled")
    given(store, "successful")

    assert set(ada.ids("underway")) == {ready, running}
    assert ada.ids("failed") == [failed]
    assert ada.ids("dead") == [dead]


def test_pages_go_on_where_the_last_one_ended_the_newest_first(ada, store):
    ids = [given(store, minute=number // 3) for number in range(250)]

    found, after, pages = [], "", 0
    while pages == 0 or after:
        answer = ada.see("underway", **({"after": after} if after else {}))
        page = answer.context["page"]
        found += [record.enqueued for record, _ in page.records]
        after, pages = page.cursor, pages + 1

    assert sorted(enqueued.id for enqueued in found) == sorted(ids)
    assert [enqueued.enqueued_at for enqueued in found] == sorted(
        (enqueued.enqueued_at for enqueued in found), reverse=True
    )
    assert pages == 3


def test_a_page_of_some_other_list_begins_anew(ada, store):
    task_id = given(store)

    for after in ("nonsense", "W10", "WzEsMl0", "%"):
        assert ada.ids("underway", after=after) == [task_id]


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ({"queue": "reports"}, {"queue": "reports"}),
        ({"name": "shop.tasks.send"}, {"name": "shop.tasks.send"}),
        ({"owner": "user:7"}, {"owner": "user:7"}),
    ],
)
def test_tasks_are_chosen_by_queue_name_and_owner(ada, store, query, changes):
    wanted = given(store, **changes)
    given(store)

    assert ada.ids("underway", **query) == [wanted]


def test_tasks_are_chosen_by_state(ada, store):
    ready, running = given(store), given(store, "running")

    assert ada.ids("underway", state="READY") == [ready]
    assert ada.ids("underway", state="RUNNING") == [running]


def test_tasks_are_chosen_by_the_time_they_were_enqueued(ada, store):
    ids = [given(store, minute=minute) for minute in range(4)]
    since, until = (f"{NOW + minute * MINUTE:%Y-%m-%dT%H:%M:%S}" for minute in (1, 3))

    assert set(ada.ids("underway", since=since, until=until)) == set(ids[1:3])


def test_what_failed_is_chosen_by_the_time_it_failed(ada, store):
    failed = given(store, "failed")
    before, after = (f"{NOW + minute * MINUTE:%Y-%m-%dT%H:%M:%S}" for minute in (-1, 1))

    assert ada.ids("failed", since=before, until=after) == [failed]
    assert ada.ids("failed", since=after) == []
    assert ada.ids("failed", until=before) == []


def test_a_filter_that_means_nothing_is_said_and_left_out(ada, store):
    task_id = given(store)

    answer = ada.see("underway", queue="nowhere", since="yesterday")

    assert [record.enqueued.id for record, _ in answer.context["page"].records] == [task_id]
    assert "Select a valid choice. nowhere is not one of the available choices." in answer.text
    assert "Enter a valid date/time." in answer.text


def test_what_left_the_list_since_the_index_was_read_is_not_shown(ada, store):
    gone, stays = given(store), given(store)
    left = ConditionalWrite(name="ended", conditions=((equals("id", gone),),), put={"status": "SUCCESSFUL"})
    store.change(gone, left)

    answer = ada.see("underway")

    assert [record.enqueued.id for record, _ in answer.context["page"].records] == [stays]
    assert "1 more left the list or could not be read" in answer.text


def test_all_tasks_are_listed_only_where_options_keep_their_history(ada, store, settings):
    ended, ready = given(store, "successful"), given(store, minute=1)
    assert [choice.slug for choice in ada.see("all").context["lists"]] == ["underway", "failed", "dead"]

    kept = {
        name: {**alias, "OPTIONS": {**alias["OPTIONS"], "history": True}}
        for name, alias in settings.TASKS.items()
    }
    settings.TASKS = kept

    assert ada.ids("all") == [ready, ended]
    assert ada.ids("all", state="SUCCESSFUL") == [ended]
    assert ada.ids("all", alias="other") == []


def test_a_search_goes_to_the_task_of_an_id(ada, store):
    task_id = given(store)

    answer = ada.see(q=f" {task_id.upper()} ")

    assert answer["Location"] == reverse("admin:django_offload_task_change", args=[task_id])


@pytest.mark.parametrize(
    ("query", "said"), [("0" * 32, "There is no task 0"), ("send", "An id has 32 digits and letters")]
)
def test_a_search_in_vain_says_so(ada, store, query, said):
    (message,) = ada.told(ada.see(q=query))

    assert message.startswith(said)


def test_who_may_not_look_sees_nothing(staff, store):
    task_id = given(store)
    nobody = staff("nobody", "cancel_task")

    for answer in (
        nobody.see(),
        nobody.open(task_id),
        nobody.client.get(reverse("admin:django_offload_task_queues")),
    ):
        assert answer.status_code == 403
        assert task_id not in answer.text


def test_every_time_bears_its_zone(ada, store, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    given(store, "failed")

    page = ada.see("failed").text

    assert re.search(r"\d\d:\d\d:\d\d JST</td>", page)
    assert "Since (JST)" in page
