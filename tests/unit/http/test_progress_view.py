"""The view that renders a piece again, and who may use it."""

from datetime import timedelta

import pytest
from django.core import signing
from django.urls import reverse

from django_offload.http.pieces import PieceWords
from django_offload.http.tokens import piece_token, status_token
from tests.unit import tasks
from tests.unit.http.site_of_pieces import poll_of

pytestmark = pytest.mark.urls("tests.unit.http.site_of_pieces")


@pytest.fixture
def answer(visitor):
    """Return a function that polls as a piece does."""

    def poll(html, **headers):
        url, own = poll_of(html)
        return visitor().client.get(url, headers={**own, **headers})

    return poll


def progress_url(task_id, **query):
    return reverse("django_offload:progress", args=[task_id], query=query)


def test_the_answer_says_what_the_tag_said(page, answer, offload):
    html = page("{% task_progress result label='A & B' then='/b/' %}", result=tasks.double.enqueue(1))
    before = answer(html)
    offload.run()
    ended = answer(html)

    assert (before.status_code, before.headers["Retry-After"]) == (200, "1")
    assert 'aria-label="A &amp; B"' in before.text
    assert "Waiting to start" in before.text
    assert "/b/" not in before.text
    assert '<a href="/b/">Show the result</a>' in ended.text
    assert "Retry-After" not in ended.headers
    assert ended.headers["Cache-Control"] == "private, no-cache"


def test_an_answer_that_is_known_is_304(page, answer):
    html = page("{% task_progress result %}", result=tasks.double.enqueue(1))
    first = answer(html)

    assert answer(html, if_none_match=first.headers["ETag"]).status_code == 304


def test_a_browser_that_is_led_there_gets_a_whole_page(page, answer):
    html = page("{% task_progress result label='My report' %}", result=tasks.double.enqueue(1))

    whole = answer(html, sec_fetch_mode="navigate")

    assert whole.text.startswith("<!doctype html>")
    assert "<h1>My report</h1>" in whole.text
    assert poll_of(whole.text) == poll_of(html)
    assert "Sec-Fetch-Mode" in whole.headers["Vary"]
    assert not answer(html).text.startswith("<!doctype")


def test_the_token_of_a_piece_sees_its_progress_and_nothing_else(visitor, offload):
    result = tasks.double.enqueue(21)
    offload.run()
    token, stranger = piece_token(result.id, {}), visitor()

    assert stranger.client.get(progress_url(result.id, token=token)).status_code == 200
    assert "42" not in stranger.client.get(progress_url(result.id, token=token)).text
    assert stranger.status(result.id, f"?token={token}").status_code == 404
    other = tasks.double.enqueue(1)
    assert stranger.client.get(progress_url(other.id, token=token)).status_code == 404


def test_who_may_read_the_task_needs_no_token(visitor):
    owner, stranger = visitor("owner"), visitor("mallory")
    staff = visitor("ada", is_staff=True, permitted=True)
    url = progress_url(owner.enqueue().id)
    by_token = progress_url(owner.enqueue().id, token=status_token(owner.enqueue().id))

    assert owner.client.get(url).status_code == 200
    assert staff.client.get(url).status_code == 200
    assert stranger.client.get(url).status_code == 404
    assert stranger.client.get(by_token).status_code == 404


@pytest.mark.parametrize("token", ["", "odd", "%00", "a:b:c"])
def test_any_other_token_is_none(visitor, token):
    result = tasks.double.enqueue(1)

    assert visitor().client.get(progress_url(result.id) + f"?token={token}").status_code == 404


def test_a_piece_is_asked_for_a_day(page, answer, monkeypatch):
    html = page("{% task_progress result %}", result=tasks.double.enqueue(1))
    now = signing.time.time()

    monkeypatch.setattr(signing.time, "time", lambda: now + timedelta(hours=24).total_seconds() - 10)
    assert answer(html).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + timedelta(hours=24).total_seconds() + 10)
    assert answer(html).status_code == 404


def test_words_of_another_release_are_ignored():
    assert PieceWords.from_token({"label": "A", "colour": "red"}) == PieceWords(label="A")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_piece_is_only_read(visitor, method):
    somebody = visitor()

    assert getattr(somebody.client, method)(progress_url(somebody.enqueue().id)).status_code == 405


def test_where_a_login_is_required_everywhere_a_token_still_reads(visitor, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    result, stranger = tasks.double.enqueue(1), visitor()

    assert stranger.client.get("/shown/").status_code == 302
    assert stranger.status(result.id, f"?token={status_token(result.id)}").status_code == 200
    assert stranger.client.get(progress_url(result.id, token=piece_token(result.id, {}))).status_code == 200
    assert stranger.status(result.id).status_code == 404
