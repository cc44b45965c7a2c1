"""While AWS doesn't answer, each page of the board says so in time, and offers a way on."""

import time

import pytest
from django.urls import reverse

from django_offload.conf import CLIENTS
from tests.unit.silence import PATIENCE_SECONDS, calling, silent_server


@pytest.mark.parametrize("client_kind", CLIENTS)
def test_every_page_answers_503_in_time(staff, settings, ours, client_kind):
    ada = staff()
    with silent_server() as url, calling(settings, ours, client_kind, url):
        began = time.monotonic()
        answers = [
            ada.see(),
            ada.open("1" * 32),
            ada.client.get(reverse("admin:django_offload_task_queues")),
        ]
        seconds = time.monotonic() - began

    assert [answer.status_code for answer in answers] == [503] * 3
    assert seconds < 10 * PATIENCE_SECONDS
    for answer in answers:
        assert "AWS" in answer.context["explanation"]
        assert ">Try again</a>" in answer.text
        assert answer.wsgi_request.get_full_path().replace("&", "&amp;") in answer.text
