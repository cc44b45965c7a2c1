"""Retry, cancel, redrive and discard ask first. Each has its own permission, and the log records it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import pre_save
from django.urls import reverse

from django_offload.exceptions import OutOfTime
from django_offload.protocol.record import read_record
from django_offload.protocol.transitions import abandon, fail
from tests.contract.records import ERROR, NOW, TOKEN, TTL, claimed, create_record, enqueued_task, new_id

NAME = "tests.unit.tasks.double"
ARGUMENTS = "[[21],{}]"


def create_task(store, state):
    task_id = new_id()
    enqueued = enqueued_task(task_id, name=NAME, arguments=ARGUMENTS)
    create_record(store, enqueued)
    if state in {"running", "failed"}:
        store.change(task_id, claimed(task_id, enqueued=enqueued))
    if state == "failed":
        end = {"now": NOW, "result_ttl": TTL, "error": ERROR, "part": "error#0001"}
        store.change(task_id, fail(fence=1, token=TOKEN, **end))
    if state == "dead":
        store.change(task_id, abandon(now=NOW, result_ttl=TTL, error=ERROR))
    return task_id


def record_of(store, task_id):
    return read_record(store.get(task_id))


CASES = [
    ("retry", "failed", "READY"),
    ("redrive", "dead", "READY"),
    ("cancel", "ready", "FAILED"),
    ("discard", "failed", "FAILED"),
    ("discard", "dead", "FAILED"),
]


@pytest.mark.parametrize(("action", "state", "after"), CASES)
def test_an_action_is_done_and_logged(ada, store, action, state, after):
    task_id = create_task(store, state)

    answer = ada.act(action, task_id)

    assert record_of(store, task_id).status == after
    (message,) = ada.messages_after(answer)
    assert message.startswith(f"Task {task_id}: ")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (ada.user, task_id)
    assert entry.change_message.startswith(f"{action.capitalize()} {NAME}: ")
    history = ada.client.get(reverse("admin:django_offload_task_history", args=[task_id]))
    assert entry.change_message in history.text


@pytest.mark.parametrize(("action", "state", "after"), CASES)
def test_nothing_is_done_before_it_is_confirmed(ada, store, action, state, after):
    task_id = create_task(store, state)
    before = store.get(task_id)

    answer = ada.act(action, task_id, confirmed=False)

    assert store.get(task_id) == before
    assert f"{action.capitalize()} 1 task?" in answer.text
    assert f'name="id" value="{task_id}"' in answer.text
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("action", "state", "after"), CASES)
def test_each_action_has_its_own_permission(staff, store, action, state, after):
    others = [f"{other}_task" for other in ("retry", "redrive", "cancel", "discard") if other != action]
    without, with_it = staff("bob", "view_task", *others), staff("eve", "view_task", f"{action}_task")
    task_id = create_task(store, state)
    before = store.get(task_id)

    assert without.act(action, task_id).status_code == 403
    assert store.get(task_id) == before
    assert f'value="{action}"' not in without.open(task_id).text
    assert f'value="{action}"' in with_it.open(task_id).text
    assert with_it.act(action, task_id).status_code == 302
    assert store.get(task_id) != before


def test_an_action_runs_on_many_tasks_and_refuses_those_it_does_not_apply_to(ada, store):
    failed, running = [create_task(store, "failed") for _ in range(3)], create_task(store, "running")

    answer = ada.act("retry", *failed, running)

    assert {record_of(store, task_id).status for task_id in failed} == {"READY"}
    assert ada.messages_after(answer) == [
        "Retry: 3 tasks done.",
        f"Task {running}: Retry does not apply, because it is RUNNING now. Choose another action.",
    ]
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == set(failed)


def test_a_dead_letter_is_redriven_not_retried_and_the_other_way_round(ada, store):
    failed, dead = create_task(store, "failed"), create_task(store, "dead")

    ada.act("retry", dead)
    ada.act("redrive", failed)

    assert {record_of(store, task_id).status for task_id in (failed, dead)} == {"FAILED"}
    assert not LogEntry.objects.exists()


def test_a_task_that_could_not_run_stays_failed_and_says_why(ada, store):
    task_id = new_id()
    create_record(store, enqueued_task(task_id, name="gone.tasks.pay"))
    store.change(task_id, abandon(now=NOW, result_ttl=TTL, error=ERROR))

    (message,) = ada.messages_after(ada.act("redrive", task_id))

    assert message.startswith(f"Task {task_id}: It stays FAILED. ")
    assert not LogEntry.objects.exists()


def test_a_retried_task_runs_again(ada, store, offload):
    task_id = create_task(store, "failed")

    ada.act("retry", task_id)
    offload.run()

    record = record_of(store, task_id)
    assert (record.status, record.result, record.fence) == ("SUCCESSFUL", "42", 2)


def test_a_running_task_is_asked_to_stop(ada, store):
    task_id = create_task(store, "running")

    (message,) = ada.messages_after(ada.act("cancel", task_id))

    assert message == f"Task {task_id}: It is running and was asked to stop. It will not be tried again."
    assert record_of(store, task_id).cancelled


@pytest.mark.parametrize(
    ("action", "ids"),
    [
        *(("", ["0" * 32]), ("cancel", []), ("drop", ["0" * 32])),
        ("retry", ["", "x", "b:" + "0" * 32, "0" * 33, "a" * 5_000, "\x00"]),
    ],
)
def test_nothing_is_done_without_a_known_action_and_a_task(ada, action, ids):
    assert ada.messages_after(ada.act(action, *ids)) == ["Nothing was done. Choose tasks and an action."]


def test_more_than_a_page_is_refused(ada):
    answer = ada.act("cancel", *(f"{number:032x}" for number in range(101)))

    assert answer.status_code == 400


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_the_redirect_stays_on_this_site(ada, store, back):
    answer = ada.act("cancel", create_task(store, "ready"), back=back)

    assert answer["Location"] == reverse("admin:django_offload_task_changelist")


def test_an_action_whose_answer_is_lost_is_in_the_log_as_perhaps_done(ada, store, monkeypatch):
    first, second = create_task(store, "ready"), create_task(store, "ready")
    own = store.change

    def change(task_id, change):
        own(task_id, change)
        raise OutOfTime("The change")

    monkeypatch.setattr(store, "change", change)

    assert ada.act("cancel", first, second).status_code == 503
    assert {record_of(store, task_id).status for task_id in (first, second)} == {"FAILED"}
    unknown = f"Cancel {NAME}: AWS didn't confirm it, so it may have been done."
    assert {entry.object_id: entry.change_message for entry in LogEntry.objects.all()} == {
        first: unknown,
        second: unknown,
    }


def test_an_action_that_cannot_be_logged_is_done_and_a_line_says_so(ada, store, caplog):
    task_id = create_task(store, "ready")

    def refuse(**kwargs):
        raise RuntimeError("no")

    pre_save.connect(refuse, LogEntry)
    answer = ada.act("cancel", task_id)
    pre_save.disconnect(refuse, LogEntry)

    assert answer.status_code == 302
    assert record_of(store, task_id).status == "FAILED"
    assert [line for line in caplog.messages if line.startswith("Staff ")] == [
        f"Staff user={ada.user.pk} task id={task_id}: Cancel {NAME}: Cancelled. "
        "The admin's log has no entry: RuntimeError: no"
    ]


def test_a_page_of_actions_is_logged_by_few_queries(ada, store, django_assert_max_num_queries):
    waiting = [create_task(store, "ready") for _ in range(40)]
    running = [create_task(store, "running") for _ in range(40)]

    with django_assert_max_num_queries(30):
        ada.act("cancel", *waiting, *running)

    logged = {entry.object_id: entry.change_message for entry in LogEntry.objects.all()}
    assert logged == {
        **dict.fromkeys(waiting, f"Cancel {NAME}: Cancelled."),
        **dict.fromkeys(
            running, f"Cancel {NAME}: It is running and was asked to stop. It will not be tried again."
        ),
    }


def test_of_a_page_those_that_aws_confirmed_are_logged_as_done(ada, store, monkeypatch):
    tasks = [create_task(store, "dead") for _ in range(4)]
    own = store.change

    def change(task_id, change):
        if task_id == tasks[1]:
            raise OutOfTime("The change")
        return own(task_id, change)

    monkeypatch.setattr(store, "change", change)

    assert ada.act("discard", *tasks).status_code == 503

    logged = {entry.object_id: entry.change_message.partition(": ")[2] for entry in LogEntry.objects.all()}
    unknown = "AWS didn't confirm it, so it may have been done."
    done = "Discarded. It stays FAILED but is no longer listed."
    assert logged == {task_id: unknown if task_id == tasks[1] else done for task_id in tasks}
