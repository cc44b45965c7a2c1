"""Cancelling over HTTP."""

import pytest
from django.tasks import TaskResultStatus

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
