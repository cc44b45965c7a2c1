"""The piece of a page that shows a task's progress."""

import json
import re
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from config.settings import CSP, CSP_CONTEXT, CSP_MIDDLEWARE
from django_offload.compat import TASKS, task_backends
from django_offload.conf import configured
from django_offload.http.pieces import UNKNOWN, TaskProgress
from django_offload.stores import store_of
from tests.contract.records import after, claimed, enqueued_task
from tests.unit import tasks
from tests.unit.http.site_of_pieces import poll_of

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")

NOT_STORED = "This task no longer exists. Start it again if you still need its result."


def running(task_id, **progress):
    """Put a record of a running task into the store."""
    store = store_of(configured()["default"])
    now = timezone.now()
    enqueued = enqueued_task(task_id, enqueued_at=now)
    attributes = after(claimed(task_id, now, enqueued=enqueued))
    store.records[task_id] = attributes | ({"progress": json.dumps(progress)} if progress else {})
    return task_id


def test_a_result_is_shown_with_where_to_ask(visitor):
    somebody = visitor()
    result = somebody.enqueue()

    html = somebody.client.get("/shown/").text

    assert "Waiting to start" in html
    assert 'role="status" aria-live="polite"' in html
    assert re.search(r'<progress role="progressbar"[^>]* aria-valuenow="0"', html)
    assert '<script type="module" src="/static/django_offload/progress.js"' in html
    url, headers = poll_of(html)
    assert url == f"/tasks/{result.id}/progress/"
    assert list(headers) == ["X-Offload-Token"]
    assert "?token=" not in html, "an address can be read in logs"
    assert "hx-" not in html, "only one of the two asks"


def test_an_id_is_shown_as_its_record_is(page):
    running("1" * 32, done=3, total=4, message="Three & more")

    html = page("{% task_progress result %}", result="1" * 32)

    assert 'data-status="RUNNING"' in html
    assert 'value="75" aria-valuenow="75"' in html
    assert '<p class="offload-message">Three &amp; more</p>' in html


def test_a_running_result_is_shown_with_its_progress(page):
    backend = task_backends["default"]
    running("1" * 32, done=1, total=2, message="")

    html = page("{% task_progress result %}", result=backend.get_result("1" * 32))

    assert 'aria-valuenow="50"' in html


def test_a_result_that_has_ended_is_not_asked_for(page, offload):
    result = tasks.double.enqueue(2)
    offload.run()
    result.refresh()

    html = page("{% task_progress result then='/there/' link='See it' %}", result=result)

    assert "Done" in html
    assert 'aria-valuenow="100"' in html
    assert '<a href="/there/">See it</a>' in html
    for gone in ("data-url", "<script", "Refresh"):
        assert gone not in html


@pytest.mark.parametrize("task_id", ["0" * 32, "no id"])
def test_a_task_without_a_record_says_so(page, task_id):
    html = page("{% task_progress result %}", result=task_id)

    assert NOT_STORED in html
    assert "<script" not in html


def test_nothing_is_asked_for_where_there_is_no_id(page, offload, monkeypatch):
    monkeypatch.setattr("django_offload.http.pieces.get_task_or_404", None)

    assert NOT_STORED in page("{% task_progress nothing %}")


@pytest.mark.parametrize("backend", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
def test_another_backends_result_is_shown_and_not_asked_for(page, settings, backend):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.{backend}"}}

    html = page("{% task_progress result %}", result=tasks.double.enqueue(2))

    assert ("Done" if "immediate" in backend else "Waiting to start") in html
    assert "data-url" not in html


@pytest.mark.parametrize(
    ("status", "attempts", "expected"),
    [
        ("READY", 0, "Waiting to start"),
        ("READY", 1, "Waiting to be tried again"),
        ("RUNNING", 1, "Running"),
        ("RUNNING", 3, "Running, attempt 3"),
        ("SUCCESSFUL", 1, "Done"),
        ("FAILED", 1, "Failed"),
    ],
)
def test_each_state_has_its_words(status, attempts, expected):
    assert TaskProgress(id="1", status=status, attempts=attempts).text == expected


def test_a_cancelled_task_says_so(visitor, page):
    somebody = visitor()
    result = somebody.enqueue()
    somebody.cancel(result.id)
    result.refresh()

    assert "Cancelled" in page("{% task_progress result %}", result=result)
    assert "Cancelled" in page("{% task_progress result %}", result=result.id)


@pytest.mark.parametrize(
    ("status", "progress", "expected"),
    [
        ("READY", None, 0),
        ("RUNNING", None, None),
        ("RUNNING", {"done": 7, "total": None}, None),
        ("RUNNING", {"done": 1, "total": 3}, 33),
        ("RUNNING", {"done": 999, "total": 1000}, 99),
        ("RUNNING", {"done": 5, "total": 4}, 100),
        ("RUNNING", {"done": 1e308, "total": 1.7e308}, 58),
        ("RUNNING", {"done": 10**400, "total": 2 * 10**400}, 50),
        ("RUNNING", {"done": 0.5, "total": 10**400}, None),
        ("RUNNING", {"done": 10**400, "total": 0.5}, 100),
        ("RUNNING", {"done": 0, "total": 0}, None),
        (UNKNOWN, None, None),
        ("FAILED", {"done": 1, "total": 2}, 50),
        ("FAILED", None, 0),
        ("SUCCESSFUL", None, 100),
    ],
)
def test_the_percentage_is_shown_if_it_is_known(status, progress, expected):
    assert TaskProgress(id="1", status=status, progress=progress).percent == expected


def test_the_link_without_scripts_leads_to_the_page_that_was_got(page, rf):
    got = page("{% task_progress result %}", result=tasks.double.enqueue(1))
    posted = page("{% task_progress result %}", rf.post("/a/page/"), result=tasks.double.enqueue(1))
    with_address = page("{% task_progress result refresh='/there/' %}", result=tasks.double.enqueue(1))

    assert '<a href="/a/page/?of=mine">Refresh</a>' in got
    url, headers = poll_of(posted)
    link = f"{url}?{urlencode({'token': headers['X-Offload-Token']})}"
    assert f'<a href="{link}">Refresh</a>' in posted
    assert '<a href="/there/">Refresh</a>' in with_address


def test_htmx_asks_by_attributes_as_often_as_the_server_says(page, visitor):
    html = page("{% task_progress result htmx=True %}", result=tasks.double.enqueue(1))
    url, headers = poll_of(html)
    again = visitor().client.get(url, headers=headers).text

    assert "<script" not in html
    assert "data-url" not in html
    assert '<noscript><p class="offload-refresh">' in html
    assert 'hx-trigger="every 1s" hx-swap="outerHTML"' in html
    assert "token=" not in url
    assert poll_of(again) == (url, headers)
    assert "hx-swap-oob" not in again


def test_htmx_gets_each_text_once(page, visitor, offload):
    html = page("{% task_progress result htmx=True %}", result=tasks.double.enqueue(1))
    url, headers = poll_of(html)
    offload.run()

    ended = visitor().client.get(url, headers=headers).text

    assert re.search(r'<p id="offload-[0-9a-f]{32}" hx-swap-oob="innerHTML">Done</p>', ended)
    assert "hx-get" not in ended


def test_scripts_and_styles_have_the_nonce_of_the_page(page):
    html = page("{% task_progress result %}", result=tasks.double.enqueue(1), csp_nonce="only once")

    assert html.count('nonce="only once"') == 2
    assert "nonce" not in page("{% task_progress result %}", result=tasks.double.enqueue(1))


def test_a_piece_holds_nothing_inline(page):
    html = page("{% task_progress result %}", result=tasks.double.enqueue(1))

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", html)


def test_a_policy_of_nonces_lets_the_piece_load(visitor, settings):
    settings.MIDDLEWARE = [CSP_MIDDLEWARE, *settings.MIDDLEWARE]
    settings.SECURE_CSP = {"script-src": [CSP.NONCE]}
    (engine,) = settings.TEMPLATES
    processors = ["django.template.context_processors.request", CSP_CONTEXT]
    settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": processors}}]
    somebody = visitor()
    somebody.enqueue()

    for answer in (
        somebody.client.get("/shown/"),
        somebody.client.get("/double/", headers={"Accept": "text/html"}),
    ):
        (allowed,) = re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert f'nonce="{allowed}"' in answer.text


def test_a_message_that_utf_8_cannot_encode_is_shown_escaped(page):
    running("1" * 32, done=3, total=4, message="half of \ud83d")

    html = page("{% task_progress result label=label %}", result="1" * 32, label="the \udc80 file")

    assert r'<p class="offload-message">half of \ud83d</p>' in html
    assert r'aria-label="the \udc80 file"' in html
