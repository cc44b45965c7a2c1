"""While AWS can't be reached, every Start of the reference site says so, and offers a way on."""

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lab import seeding
from tests.unit.lab.images import photo
from tests.unit.silence import calling

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "http://127.0.0.1:9"  # Nothing listens there.


@pytest.fixture(autouse=True)
def away(settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    seeding.seed(1_000)
    monkeypatch.setattr("lab.sizes.seeded", lambda: 50_000)
    tasks = {alias: {**entry, "OPTIONS": {**entry["OPTIONS"]}} for alias, entry in settings.TASKS.items()}
    with calling(settings, tasks, "lean", NOWHERE):
        yield


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/reports/", {"orders": "50000"}),
        ("/reports/", {"orders": "50000", "backend": "direct"}),
        ("/mandelbrot/", {"place": "whole"}),
        ("/retries/", {"failures": "2"}),
        ("/reports/in-request/", {"orders": "50000"}),  # Its files are in the bucket.
        ("/photos/", None),
    ],
)
def test_a_start_answers_503_and_says_that_nothing_was_started(client: Client, path: str, data: dict | None):
    form = data or {"photo": SimpleUploadedFile("a.jpg", photo(), "image/jpeg")}

    answer = client.post(path, form)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Your task wasn&#x27;t started" in answer.text or "Your task wasn't started" in answer.text
    assert f'<a class="button" href="{path}">Try again</a>' in answer.text
    assert client.get(path, follow=True).status_code == 200, "the way on leads somewhere"


def test_the_reason_is_for_developers_alone(client: Client, settings):
    for debug, is_shown in ((True, True), (False, False)):
        settings.DEBUG = debug
        answer = client.post("/reports/", {"orders": "50000"})

        assert answer.status_code == 503
        assert ("127.0.0.1:9" in answer.text) == is_shown


def test_another_error_of_a_view_is_no_matter_of_aws(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fails(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("lab.views.reports.publish", fails)

    with pytest.raises(ZeroDivisionError):
        client.post("/reports/in-request/", {"orders": "50000"})
