"""While AWS can't be reached, every Start of the reference site says so, and offers a way on."""

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from django_offload.aws import READ_SECONDS
from django_offload.aws.time_budget import seconds_left
from django_offload.exceptions import CallFailed, OutOfTime, ResourceMissing
from lab import seeding
from lab.aws_away import CANT_READ, NOT_STARTED, UNDONE
from lab.mandelbrot import TILES
from tests.unit.lab.images import photo
from tests.unit.silence import PATIENCE_SECONDS, calling, silent_server

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
        ("/photos/", None),
    ],
)
def test_a_start_answers_503_and_says_that_nothing_was_started(client: Client, path: str, data: dict | None):
    form = data or {"photo": SimpleUploadedFile("a.jpg", photo(), "image/jpeg")}

    answer = client.post(path, form)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert escape(NOT_STARTED) in answer.text
    assert f'<a class="button" href="{path}">Try again</a>' in answer.text
    assert client.get(path, follow=True).status_code == 200, "the way on leads somewhere"


def test_a_report_whose_files_were_not_stored_is_told_so(client: Client):
    answer = client.post("/reports/in-request/", {"orders": "50000"})

    assert answer.status_code == 503
    assert escape(UNDONE["in-request"]) in answer.text
    assert '<a class="button" href="/reports/in-request/">Try again</a>' in answer.text
    assert client.get("/reports/in-request/", follow=True).status_code == 200


def picture_of(client: Client) -> str:
    """Return the id of a picture that this visitor drew, and whose list of tiles this process knows."""
    picture = "a" * 32
    session = client.session
    session["pictures"] = [{"id": picture, "label": "", "at": timezone.now().isoformat()}]
    session.save()
    return picture


@pytest.mark.parametrize("path", ["", "status/", "cancel/"])
def test_pages_of_many_tasks_say_so_in_time(client: Client, settings, monkeypatch, path: str):
    ids = tuple(f"{number:032x}" for number in range(TILES))
    monkeypatch.setattr("lab.pictures.read_task_list", lambda picture: ("whole", ids))
    monkeypatch.setattr("lab.aws_away.READ_SECONDS", PATIENCE_SECONDS)
    tasks = settings.TASKS
    with silent_server() as url, calling(settings, tasks, "lean", url):
        began = time.monotonic()
        address = f"/mandelbrot/{picture_of(client)}/{path}"
        answer = client.post(address) if path == "cancel/" else client.get(address)

    assert answer.status_code == 503
    assert time.monotonic() - began < 5 * PATIENCE_SECONDS
    assert escape(UNDONE["picture-cancel"] if path == "cancel/" else CANT_READ) in answer.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_slow_aws_is_read_for_five_seconds_in_all(client: Client, monkeypatch, method: str):
    """The time of a page is bounded, and not that of each of its reads."""
    ids = tuple(f"{number:032x}" for number in range(TILES))
    left: list[float | None] = []

    def read_status(task_id: str) -> str:
        left.append(seconds_left())
        return "READY"

    monkeypatch.setattr("lab.pictures.read_task_list", lambda picture: ("whole", ids))
    monkeypatch.setattr("lab.pictures.tile_status", read_status)

    assert getattr(client, method)(f"/mandelbrot/{picture_of(client)}/").status_code == 200

    assert len(left) == TILES
    assert all(seconds is not None and seconds <= READ_SECONDS for seconds in left)
    assert left == sorted(left, reverse=True), "one bound for all"


def test_the_reason_is_for_developers_alone(client: Client, settings):
    for debug, is_shown in ((True, True), (False, False)):
        settings.DEBUG = debug
        answer = client.post("/reports/", {"orders": "50000"})

        assert answer.status_code == 503
        assert ("127.0.0.1:9" in answer.text) == is_shown


@pytest.mark.parametrize(
    "raised",
    [
        OutOfTime("A call to s3"),
        CallFailed("AWS was not reached."),
        ResourceMissing("default", "bucket", "shop"),
        EndpointConnectionError(endpoint_url=NOWHERE),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_whatever_says_that_aws_is_away_gets_the_page(client: Client, monkeypatch, raised: Exception):
    left: list[float | None] = []

    def fails(*args: object) -> None:
        left.append(seconds_left())
        raise raised

    monkeypatch.setattr("lab.views.reports.publish", fails)

    answer = client.post("/reports/in-request/", {"orders": "50000"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert escape(UNDONE["in-request"]) in answer.text
    assert left == [None], "what a form starts may take longer than a read"


@pytest.mark.parametrize("text", [CANT_READ, NOT_STARTED, *UNDONE.values()])
def test_every_page_says_what_to_do(text: str):
    assert " again" in text
    assert text.endswith(".")


def test_another_error_of_a_view_is_no_matter_of_aws(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fails(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("lab.views.reports.publish", fails)

    with pytest.raises(ZeroDivisionError):
        client.post("/reports/in-request/", {"orders": "50000"})
