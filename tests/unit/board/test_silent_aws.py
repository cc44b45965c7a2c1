"""While AWS doesn't answer, each page of the board says so in time, and offers a way on."""

import html
import time

import pytest
from django.urls import reverse

from django_offload.aws import READ_SECONDS
from django_offload.aws.time_budget import seconds_left
from django_offload.board.pages import ACT_SECONDS
from django_offload.conf import CLIENTS
from django_offload.exceptions import OutOfTime, ResourceMissing
from tests.unit.board.test_actions import NAME, create_task
from tests.unit.silence import PATIENCE_SECONDS, calling, silent_server


@pytest.mark.parametrize("client_kind", CLIENTS)
def test_every_page_answers_503_in_time(staff, settings, ours, client_kind):
    ours["default"]["OPTIONS"]["schedules"] = {
        "nightly": {"task": NAME, "when": "cron(0 3 * * ? *)", "args": [4]}
    }
    settings.TASKS = dict(ours)
    ada = staff()
    with silent_server() as url, calling(settings, ours, client_kind, url):
        began = time.monotonic()
        answers = [
            ada.see(),
            ada.open("1" * 32),
            ada.client.get(reverse("admin:django_offload_task_queues")),
            ada.client.get(reverse("admin:django_offload_task_unreadable")),
            ada.client.get(reverse("admin:django_offload_task_schedules")),
        ]
        seconds = time.monotonic() - began

    assert [answer.status_code for answer in answers] == [503] * 5
    assert seconds < 10 * PATIENCE_SECONDS
    for answer in answers:
        assert "AWS" in answer.context["explanation"]
        assert ">Try again</a>" in answer.text
        assert answer.wsgi_request.get_full_path().replace("&", "&amp;") in answer.text


@pytest.mark.parametrize(
    ("seconds", "way_on"),
    [(READ_SECONDS, ">Try again</a>"), (ACT_SECONDS, ">Look at the tasks</a> to see what was done")],
    ids=["a page", "an action"],
)
def test_a_page_whose_time_is_over_says_so_and_an_action_has_more(ada, store, monkeypatch, seconds, way_on):
    task_id, left = create_task(store, "failed"), []

    def get(task_id):
        left.append(seconds_left())
        raise OutOfTime("A call to dynamodb")

    monkeypatch.setattr(store, "get", get)
    answer = ada.see("failed") if seconds == READ_SECONDS else ada.act("retry", task_id)

    assert answer.status_code == 503
    said = f"AWS didn't answer within {seconds:.0f} seconds. Try again in a minute."
    assert said in html.unescape(answer.text)
    assert way_on in answer.text
    assert seconds - 2 < left[0] <= seconds


def test_an_error_of_the_library_is_told_in_its_own_words(ada, store, monkeypatch):
    create_task(store, "failed")
    missing = ResourceMissing("default", "table", "shop-tasks")

    def get(task_id):
        raise missing

    monkeypatch.setattr(store, "get", get)
    answer = ada.see("failed")

    assert answer.status_code == 503
    assert str(missing) in html.unescape(answer.text)
