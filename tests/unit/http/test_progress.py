"""The piece of a page that shows progress, and the view that draws it anew."""

import re

import pytest
from django.urls import reverse

from tests.unit.http.setup import RESULTS

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")

URL = re.compile(r'data-url="([^"]+)"')


def url_of(html: str) -> str:
    (found,) = URL.findall(html)
    return found


def test_a_page_shows_a_task_and_where_to_ask(visitor):
    somebody = visitor()
    result = somebody.enqueue()

    page = somebody.client.get("/shown/").text

    assert "Waiting to start" in page
    assert url_of(page).startswith(f"/tasks/{result.id}/progress/?token=")
    assert somebody.client.get(url_of(page)).status_code == 200
