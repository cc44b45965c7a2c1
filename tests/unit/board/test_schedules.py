"""The page of the schedules: what it shows, what it costs, and pause, resume and run now."""

import html
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_offload.conf import configured
from django_offload.operations.schedules import pause, run_now, schedule_states

PAGE = "admin:django_offload_task_schedules"
ACT = "admin:django_offload_task_schedules_act"
DOUBLE = "tests.unit.tasks.double"
NIGHTLY = {"task": DOUBLE, "when": "cron(0 3 * * ? *)", "timezone": "Asia/Tokyo", "args": [4]}
OFTEN = {"task": DOUBLE, "when": "rate(15 minutes)", "args": [4], "overlap": "skip"}


@pytest.fixture
def ours(ours, settings):
    setting = deepcopy(ours)
    setting["default"]["OPTIONS"]["schedules"] = {"nightly": NIGHTLY, "often": OFTEN}
    settings.TASKS = setting
    return setting


def act(staff, action, name="default:nightly", confirmed=True, at=None):
    data = {"action": action, "schedule": name, "at": (at or datetime.now(UTC)).isoformat()}
    return staff.client.post(reverse(ACT), {**data, **({"confirmed": "yes"} if confirmed else {})})


def state_of(name="nightly"):
    return next(state for state in schedule_states() if state.name == name)


def text_of(answer):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_a_schedule_is_shown_with_its_times_in_its_zone_and_in_the_visitors(ada, store):
    text = text_of(ada.client.get(reverse(PAGE)))

    times = r"(20\d\d-\d\d-\d\d 03:00 JST \( ?20\d\d-\d\d-\d\d 18:00 UTC ?\) ?){3}"
    assert re.search(
        rf"Task {DOUBLE} Backend default When cron\(.*\) Time zone Asia/Tokyo .* Next {times}",
        text,
    )
    assert "The board shows all times in UTC , too." in text
    assert "When rate(15 minutes) Time zone none, because it is a rate" in text
    assert "It hasn’t run yet." in text


def test_the_last_occurrence_leads_to_its_task_and_has_its_state(ada, store, offload):
    task_id = run_now(configured()["default"], "nightly", datetime.now(UTC))
    address = reverse("admin:django_offload_task_change", args=[task_id])

    waiting = ada.client.get(reverse(PAGE)).text
    offload.run()
    done = ada.client.get(reverse(PAGE)).text
    del store.records[task_id]
    gone = ada.client.get(reverse(PAGE)).text

    assert ("READY" in waiting, "SUCCESSFUL" in done) == (True, True)
    assert address in waiting
    assert address in done
    assert address not in gone
    assert "Its task is no longer stored." in gone


def test_a_skipped_time_says_which_task_it_waited_for(ada, offload):
    now = datetime.now(UTC)
    task_id = run_now(configured()["default"], "often", now - timedelta(minutes=15))

    answer = act(ada, "run", "default:often", at=now)

    (message,) = ada.messages_after(answer)
    assert message == (
        f"Schedule often: Skipped, because task {task_id} of an earlier time hasn't ended. "
        "Wait for its end, or cancel it."
    )
    assert "hadn’t ended:" in ada.client.get(reverse(PAGE)).text
    assert not LogEntry.objects.exists()


def test_the_states_of_all_schedules_are_one_read_and_their_tasks_another(ada, store, offload, monkeypatch):
    options, listing = configured()["default"], []
    for name in ("nightly", "often"):
        run_now(options, name, datetime.now(UTC))
    begin = type(store).begin_get_many

    def counting(self, ids):
        listing.append(list(ids))
        return begin(self, ids)

    from django_offload.stores.memory_listing import MemoryListing

    get_many = MemoryListing.get_many

    def counting_records(self, ids):
        listing.append(list(ids))
        return get_many(self, ids)

    monkeypatch.setattr(type(store), "begin_get_many", counting)
    monkeypatch.setattr(MemoryListing, "get_many", counting_records)
    ada.client.get(reverse(PAGE))

    states, records = (ids for ids in listing if ids)
    assert states == ["p:default:nightly", "p:default:often"]
    assert sorted(records) == sorted(state.last_id for state in schedule_states())


def test_pause_resume_and_run_are_done_and_logged(ada, offload):
    outcomes = [ada.messages_after(act(ada, action)) for action in ("pause", "run", "resume")]

    task_id = state_of().last_id
    assert outcomes == [
        ["Schedule nightly: Paused. Its times enqueue nothing until it is resumed."],
        [f"Schedule nightly: Enqueued task {task_id}."],
        ["Schedule nightly: Resumed, from its next time on."],
    ]
    assert state_of().paused_at is None
    entries = list(LogEntry.objects.order_by("pk"))
    assert {(entry.user, entry.object_id) for entry in entries} == {(ada.user, "schedule:default:nightly")}
    assert entries[1].change_message == f"Run now schedule nightly of default: Enqueued task {task_id}."
    history = ada.client.get(reverse("admin:django_offload_task_history", args=["schedule:default:nightly"]))
    assert "Pause schedule nightly of default: Paused." in history.text
    assert ada.client.get(entries[0].get_admin_url())["Location"] == reverse(PAGE)
    assert offload.run() == 1


@pytest.mark.parametrize("action", ["pause", "resume", "run"])
def test_nothing_is_done_before_it_is_confirmed(ada, store, action):
    if action == "resume":
        pause(configured()["default"], "nightly")
    before = deepcopy(store.records)

    answer = act(ada, action, confirmed=False)

    assert store.records == before
    assert f"{action.capitalize()}" in answer.text
    assert 'name="confirmed" value="yes"' in answer.text
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("action", ["pause", "resume", "run"])
def test_each_action_has_its_own_permission(staff, store, action):
    if action == "resume":
        pause(configured()["default"], "nightly")
    others = [f"{other}_schedule" for other in ("pause", "resume", "run") if other != action]
    without, with_it = staff("bob", "view_task", *others), staff("eve", "view_task", f"{action}_schedule")
    before = deepcopy(store.records)

    assert act(without, action).status_code == 403
    assert act(without, action, confirmed=False).status_code == 403
    assert store.records == before
    assert f'value="{action}"' not in without.client.get(reverse(PAGE)).text
    assert f'value="{action}"' in with_it.client.get(reverse(PAGE)).text
    assert act(with_it, action).status_code == 302
    assert store.records != before


def test_the_same_answer_twice_makes_one_task(ada, store, offload):
    page = act(ada, "run", confirmed=False).text
    at = datetime.fromisoformat(html.unescape(re.search(r'name="at" value="([^"]*)"', page)[1]))

    for _ in range(2):
        act(ada, "run", at=at)

    assert sum(1 for item in store.records.values() if "status" in item) == 1


@pytest.mark.parametrize("minutes", [-16, 5])
def test_an_answer_to_an_old_question_does_nothing(ada, store, minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)

    (message,) = ada.messages_after(act(ada, "run", at=at))

    assert message == (
        "Nothing was done, because the question was older than 15 minutes. Choose the action again."
    )
    assert store.records == {}


def test_a_second_pause_and_a_resume_of_an_active_one_are_refused(ada, store):
    assert ada.messages_after(act(ada, "resume")) == ["Schedule nightly: It isn't paused."]
    ada.messages_after(act(ada, "pause"))
    assert ada.messages_after(act(ada, "pause")) == ["Schedule nightly: It is paused already."]
    assert LogEntry.objects.count() == 1
    assert "doesn’t apply" in act(ada, "pause", confirmed=False).text


@pytest.mark.parametrize(
    ("action", "name"), [("pause", "default:gone"), ("pause", ""), ("drop", "default:nightly"), ("", "")]
)
def test_what_is_none_of_the_page_does_nothing(ada, store, action, name):
    (message,) = ada.messages_after(act(ada, action, name))

    assert message == "Nothing was done. Choose a schedule of this page, and an action."
    assert store.records == {}


def test_a_get_changes_nothing(ada, store):
    assert ada.client.get(reverse(ACT), {"action": "pause", "schedule": "default:nightly"}).status_code == 405
    assert store.records == {}


def test_an_action_that_aws_did_not_confirm_is_logged_as_perhaps_done(ada, store, monkeypatch):
    from django_offload.exceptions import OutOfTime

    def change(task_id, change):
        raise OutOfTime("A call to dynamodb")

    monkeypatch.setattr(store, "change", change)
    answer = act(ada, "pause")

    assert answer.status_code == 503
    assert ">Look at the schedules</a> to see what was done" in answer.text
    assert "AWS didn't confirm it" in LogEntry.objects.get().change_message


def test_without_schedules_the_page_says_how_to_declare_one(ada, ours, settings):
    setting = deepcopy(ours)
    del setting["default"]["OPTIONS"]["schedules"]
    settings.TASKS = setting

    assert "There are no schedules. Declare one with" in ada.client.get(reverse(PAGE)).text


def test_a_visitor_in_the_zone_of_the_schedule_sees_each_time_once(ada, store, settings):
    settings.TIME_ZONE = "Asia/Tokyo"

    text = text_of(ada.client.get(reverse(PAGE)))

    assert " 03:00 JST 20" in text
    assert "18:00" not in text


def test_another_writers_state_does_no_harm(ada, store):
    store.records["p:default:nightly"] = {"last_id": "../etc", "last_at": 1, "paused_at": "x"}

    assert ada.client.get(reverse(PAGE)).status_code == 200
