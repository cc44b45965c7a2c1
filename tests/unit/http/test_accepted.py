"""The answer of a view that enqueues, with a page of its own and with other backends."""

import json

import pytest
from django.http import HttpResponse

from django_offload.compat import TASKS
from django_offload.definition.masking import HIDDEN
from django_offload.http import accepted
from tests.unit import tasks

pytestmark = pytest.mark.urls("tests.unit.http.setup")


def test_a_page_is_accepted_like_the_status(ours, offload):
    result = tasks.double.enqueue(1)

    page = accepted(result, HttpResponse("<h1>Your report</h1>"))

    assert (page.status_code, page.text) == (202, "<h1>Your report</h1>")
    assert page.headers["Location"].startswith(f"/tasks/{result.id}/?token=")
    assert page.headers["Retry-After"] == "1"


def test_a_result_of_a_backend_that_ran_it_at_once_has_its_value_and_no_location(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}

    answer = accepted(tasks.double.enqueue(21))

    assert answer.status_code == 202
    assert not {"Location", "Retry-After", "X-Offload-Token"} & answer.headers.keys()
    assert b'"status": "SUCCESSFUL"' in answer.content
    assert b'"return_value": 42' in answer.content


def test_a_result_of_a_backend_where_it_failed_at_once_has_its_error(settings, caplog):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}

    answer = accepted(tasks.in_a_month.enqueue())

    assert b'"error": {"class": "builtins.OSError", "message": "not yet"}' in answer.content
    assert "Location" not in answer.headers


@pytest.mark.parametrize("secret", ["hunter2hunter2", "header\nkey: hunter2hunter2"])
def test_a_sensitive_value_in_such_an_error_is_hidden_whole(settings, secret):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}

    answer = accepted(tasks.quotes.enqueue(secret))

    assert b"hunter2" not in answer.content
    assert HIDDEN.encode() in answer.content


def test_a_result_that_has_failed_shows_its_text_only_if_the_owner_may_read_it(ours, offload, settings):
    result = tasks.double.using(queue_name="default").enqueue(1)
    offload.fail_next(ValueError("The stock is negative"))
    offload.run()
    result.refresh()

    shown = json.loads(accepted(result).content)["error"]
    ours["default"]["OPTIONS"]["error_text"] = "class"
    settings.TASKS = dict(ours)
    hidden = json.loads(accepted(result).content)["error"]

    assert shown == {"class": "builtins.ValueError", "message": "The stock is negative"}
    assert hidden == {"class": "builtins.ValueError", "message": ""}
