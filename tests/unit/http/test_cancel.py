"""Cancel a task over HTTP."""

from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import pre_save

from django_offload.compat import TaskResultStatus, signals
from django_offload.exceptions import OutOfTime
from django_offload.operations.staff_log import log_staff_action
from django_offload.stores.memory import MemoryStore

pytestmark = pytest.mark.urls("tests.unit.http.setup")


def test_a_task_that_has_not_started_ends_at_once(visitor, offload):
    somebody = visitor()
    result = somebody.enqueue()

    answer = somebody.cancel(result.id)

    assert answer.status_code == 202
    assert answer.json()["status"] == "FAILED"
    assert answer.json()["error"] == {
        "class": "django_offload.exceptions.Cancelled",
        "message": "The task was cancelled. Enqueue it again to run it.",
    }
    offload.run()
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 0)


@pytest.mark.parametrize("ending", ["success", "failure", "cancel"])
def test_a_task_that_has_ended_is_a_conflict(visitor, offload, ending):
    somebody = visitor()
    result = somebody.enqueue()
    if ending == "failure":
        offload.fail_next(ValueError("no"))
    if ending == "cancel":
        somebody.cancel(result.id)
    offload.run()
    before = somebody.status(result.id).json()

    answer = somebody.cancel(result.id)

    assert (answer.status_code, answer.json()) == (409, before)


def test_cancel_wants_the_csrf_token(visitor):
    somebody = visitor("owner")
    result = somebody.enqueue()
    somebody.client.handler.enforce_csrf_checks = True

    assert somebody.cancel(result.id).status_code == 403
    assert somebody.status(result.id).json()["status"] == "READY"

    somebody.client.cookies["csrftoken"] = "a" * 32
    assert somebody.cancel(result.id, x_csrftoken="a" * 32).status_code == 202


def test_a_cancel_sends_task_finished(visitor):
    finished = []

    def note(sender, task_result, **kwargs):
        finished.append((task_result.id, task_result.status))

    signals.task_finished.connect(note)
    somebody = visitor()
    result = somebody.enqueue()
    somebody.cancel(result.id)
    signals.task_finished.disconnect(note)

    assert finished == [(result.id, TaskResultStatus.FAILED)]


def test_what_staff_cancels_is_in_the_log_of_the_admin(visitor):
    result, ada = visitor("owner").enqueue(), visitor("ada", is_staff=True, permitted="cancel_task")

    answer = ada.cancel(result.id)

    assert (answer.status_code, answer.json()) == (202, {"id": result.id, "status": "FAILED"})
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id, entry.is_change()) == ("ada", result.id, True)
    assert entry.change_message == "Cancel tests.unit.tasks.double: Cancelled."


def test_what_owners_and_latecomers_do_is_not(visitor, offload):
    staff = {"is_staff": True, "permitted": True}
    owner, ada = visitor("owner", **staff), visitor("ada", **staff)
    first, second = owner.enqueue(), owner.enqueue()

    assert owner.cancel(first.id).status_code == 202
    offload.run()
    assert ada.cancel(second.id).status_code == 409
    assert not LogEntry.objects.exists()


def no_admin(monkeypatch, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"]


def a_receiver_that_raises(monkeypatch, settings):
    def refuse(**kwargs):
        raise RuntimeError("no\nERROR forged")

    monkeypatch.setattr(pre_save, "send", refuse)


@pytest.mark.parametrize("obstacle", [no_admin, a_receiver_that_raises])
def test_a_cancel_that_cannot_be_logged_is_done_and_a_line_says_so(
    visitor, monkeypatch, settings, caplog, obstacle
):
    result, ada = visitor("owner").enqueue(), visitor("ada", is_staff=True, permitted=True)
    pk = User.objects.get(username="ada").pk
    obstacle(monkeypatch, settings)

    assert ada.cancel(result.id).json()["status"] == "FAILED"
    (line,) = [line for line in caplog.messages if line.startswith("Staff ")]
    done = f"Staff user={pk} task id={result.id}: Cancel tests.unit.tasks.double: Cancelled."
    assert line.startswith(f"{done} The admin's log has no entry: ")
    assert "\n" not in line


def test_an_entry_that_the_database_refuses_breaks_no_transaction(visitor, caplog):
    """With ATOMIC_REQUESTS, the request is in one."""
    with transaction.atomic():
        log_staff_action(SimpleNamespace(pk=None), "0" * 32, "Cancel")
        assert not User.objects.exists(), "it can still ask the database"

    assert "Staff user=None" in caplog.text
    assert "IntegrityError" in caplog.text


def test_a_text_that_no_database_stores_is_escaped(visitor):
    ada = User.objects.create_user("ada", is_staff=True)

    log_staff_action(ada, "dead/\x00", "Discard gone\x00\ud800.pay: Discarded.", deletes=True)

    entry = LogEntry.objects.get()
    assert entry.object_id == r"dead/\x00"
    assert entry.change_message == r"Discard gone\x00\ud800.pay: Discarded."


def test_a_cancel_whose_answer_is_lost_is_in_the_log_as_perhaps_done(visitor, monkeypatch):
    result, ada = visitor("owner").enqueue(), visitor("ada", is_staff=True, permitted=True)
    own = MemoryStore.change

    def change(self, task_id, change):
        own(self, task_id, change)
        raise OutOfTime("The change")

    monkeypatch.setattr(MemoryStore, "change", change)

    assert ada.cancel(result.id).status_code == 503
    monkeypatch.undo()
    assert ada.status(result.id).json()["status"] == "FAILED"
    entry = LogEntry.objects.get()
    assert entry.change_message == (
        "Cancel tests.unit.tasks.double: AWS didn't confirm it, so it may have been done."
    )
