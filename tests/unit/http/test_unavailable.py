"""While AWS doesn't answer, a task's addresses say so in time, and pages show the rest."""

import time
from types import SimpleNamespace

import pytest

from django_offload.aws import READ_SECONDS
from django_offload.aws.time_budget import seconds_left
from django_offload.compat import default_task_backend
from django_offload.conf import CLIENTS
from django_offload.exceptions import CallFailed, OutOfTime
from django_offload.http.tokens import status_token
from django_offload.operations.find import find
from tests.contract import tasks
from tests.unit.http.site_of_pieces import poll_of
from tests.unit.silence import PATIENCE_SECONDS, calling, silent_server

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")

TASK = "1" * 32
LATE = r"AWS was not reached within 5 seconds\. Try again in a minute\."
LARGE = "x" * 1_000  # Too large for the record itself.
UNAVAILABLE = "The task can't be read at the moment. It isn't lost. Try again shortly."
NOT_CANCELLED = "The task may not have been cancelled, because AWS didn't answer. Try again shortly."
# Ten times what a read may take here, and far from the 40 seconds of a client without a bound.
SOON = 10 * PATIENCE_SECONDS


def test_reads_are_bounded_at_five_seconds():
    assert READ_SECONDS == 5


@pytest.fixture(params=CLIENTS)
def silent(request, settings, ours):
    with silent_server() as url, calling(settings, ours, request.param, url):
        yield


def test_every_address_of_a_task_answers_503_in_time(client, admin_client, silent):
    headers = {"X-Offload-Token": status_token(TASK)}
    began = time.monotonic()

    for path in (f"/tasks/{TASK}/", f"/tasks/{TASK}/progress/"):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json() == {"errors": {"__all__": [{"message": UNAVAILABLE, "code": "unavailable"}]}}
    cancelled = admin_client.post(f"/tasks/{TASK}/cancel/")
    assert cancelled.status_code == 503
    assert cancelled.json()["errors"]["__all__"][0]["message"] == NOT_CANCELLED
    page = client.get(f"/tasks/{TASK}/progress/", headers={**headers, "Sec-Fetch-Mode": "navigate"})

    assert time.monotonic() - began < SOON
    assert page.status_code == 503
    assert UNAVAILABLE in page.text
    assert '<a href="">Refresh</a>' in page.text


def test_a_page_with_a_piece_is_shown_without_its_progress(page, silent, caplog):
    html = page("{% task_progress result %}", result=TASK)

    assert "The progress can&#x27;t be read at the moment" in html
    assert f'data-url="/tasks/{TASK}/progress/"' in html, "the script tries again"
    assert f"Task id={TASK} can't be read: " in caplog.text
    assert ">Refresh</a>" in html


def test_htmx_is_told_in_the_piece_because_it_shows_no_errors(client, page, settings, silent, caplog):
    settings.SECURE_REFERRER_POLICY = None  # The address may have a token, whatever the site says.
    url, headers = poll_of(page("{% task_progress result htmx=True %}", result=TASK))

    caplog.clear()
    answer = client.get(url, {"said": "what it said"}, headers=headers)

    assert answer.status_code == 200
    assert f"Task id={TASK} can't be read: " in caplog.text
    assert "The progress can&#x27;t be read at the moment" in answer.text
    assert "hx-swap-oob" in answer.text
    assert 'hx-trigger="every 1s"' in answer.text, "it tries again"
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_form_is_answered_as_scripts_are(admin_client, silent):
    cancelled = admin_client.post(f"/tasks/{TASK}/cancel/", headers={"Sec-Fetch-Mode": "navigate"})

    assert cancelled.json()["errors"]["__all__"][0]["message"] == NOT_CANCELLED


@pytest.fixture
def slow(ours, settings, offload, monkeypatch):
    """Return a task with a large result, what is left for each read of it, and a switch for the last one."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("lab.aws_away.")]
    result, left, late = tasks.echo.enqueue(LARGE), [], []
    offload.run()

    def noted(read):
        def reads(*args):
            left.append(seconds_left())
            if late and len(left) >= late[0]:
                raise OutOfTime("A call to dynamodb")
            return read(*args)

        return reads

    for store in offload.stores.values():
        for name in ("get", "parts", "get_part"):
            monkeypatch.setattr(store, name, noted(getattr(store, name)))
    return SimpleNamespace(id=result.id, left=left, late=late)


def test_all_reads_of_an_address_share_five_seconds(client, slow):
    answer = client.get(f"/tasks/{slow.id}/", headers={"X-Offload-Token": status_token(slow.id)})

    assert answer.json()["return_value"] == [[LARGE], {}]
    assert len(slow.left) > 1, "a large result is read by itself"
    assert None not in slow.left
    assert READ_SECONDS >= slow.left[0] > slow.left[-1]


@pytest.mark.parametrize("read", [1, 2])
def test_an_address_whose_time_is_over_answers_503_and_says_why_in_the_log(client, slow, caplog, read):
    slow.late.append(read)

    answer = client.get(f"/tasks/{slow.id}/", headers={"X-Offload-Token": status_token(slow.id)})

    assert answer.status_code == 503
    assert f"Task id={slow.id} can't be read: " in caplog.text


def test_get_result_has_five_seconds_for_each_read_and_says_so(slow):
    assert default_task_backend.get_result(slow.id).return_value == [[LARGE], {}]
    assert len(slow.left) > 1
    assert all(READ_SECONDS >= left > READ_SECONDS - 2 for left in slow.left)

    for read in range(1, len(slow.left) + 1):
        slow.left.clear()
        slow.late[:] = [read]
        with pytest.raises(CallFailed, match=LATE):
            default_task_backend.get_result(slow.id)


def test_a_search_has_five_seconds_and_says_so(slow):
    assert find(slow.id).record.status == "SUCCESSFUL"
    assert READ_SECONDS >= slow.left[0] > READ_SECONDS - 2

    slow.late.append(1)
    with pytest.raises(CallFailed, match=LATE):
        find(slow.id)


def test_get_result_raises_in_time(silent):
    began = time.monotonic()

    # The first client of boto3 may take all of the time that a test gives it.
    with pytest.raises(Exception, match=r"(?i)timed? ?out|AWS was not reached|too little time") as raised:
        default_task_backend.get_result(TASK)

    assert isinstance(raised.value, CallFailed | OutOfTime) or "botocore" in type(raised.value).__module__
    assert time.monotonic() - began < SOON
