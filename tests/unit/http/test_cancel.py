"""Cancel a task over HTTP."""

import pytest

from django_offload.compat import TaskResultStatus, signals

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


def test_cancel_is_a_post(visitor):
    somebody = visitor()
    result = somebody.enqueue()
    path = f"/tasks/{result.id}/cancel/"

    assert [getattr(somebody.client, method)(path).status_code for method in ("get", "put", "delete")] == [
        405
    ] * 3
    assert somebody.status(result.id).json()["status"] == "READY"


def test_cancel_wants_the_csrf_token(visitor):
    somebody = visitor("owner")
    result = somebody.enqueue()
    somebody.client.handler.enforce_csrf_checks = True

    assert somebody.cancel(result.id).status_code == 403
    assert somebody.status(result.id).json()["status"] == "READY"

    somebody.client.cookies["csrftoken"] = "a" * 32
    assert somebody.cancel(result.id, x_csrftoken="a" * 32).status_code == 202


def test_a_permission_to_read_cancels_nothing(visitor):
    result, reader = visitor().enqueue(), visitor("ada", is_staff=True, permitted="view_task")

    assert reader.status(result.id).status_code == 200
    assert reader.cancel(result.id).status_code == 404
    assert reader.status(result.id).json()["status"] == "READY"


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
