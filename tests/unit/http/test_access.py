"""A task exists for its owner, permitted staff and clients with its token, and for nobody else."""

import re
import secrets
from datetime import timedelta
from unittest import mock
from urllib.parse import quote

import pytest
from django.core import signing
from django.core.cache import caches
from django.test import override_settings

from django_offload.http import readable
from django_offload.http.tokens import MAX_AGE, is_status_token, piece_token, status_token, words_from_token
from django_offload.sending import enqueue
from tests.unit import tasks

pytestmark = pytest.mark.urls("tests.unit.http.setup")


@pytest.fixture(params=["user", "session"])
def owner(request, visitor):
    return visitor("owner") if request.param == "user" else visitor()


def assert_not_found(answer):
    assert answer.status_code == 404
    assert "ETag" not in answer.headers


def test_the_owner_reads_and_cancels(owner):
    result = owner.enqueue()

    assert owner.status(result.id).status_code == 200
    assert owner.cancel(result.id).status_code == 202


def test_the_location_of_the_answer_carries_the_token(owner, visitor):
    result, other = owner.enqueue(), visitor()

    location = owner.answer.headers["Location"]

    assert location.startswith(f"/tasks/{result.id}/?token=")
    assert other.client.get(location).json()["id"] == result.id


@pytest.mark.parametrize("forge", ["another id's", "cut", "empty", "odd", "signed for something else"])
def test_any_other_token_is_none(owner, visitor, forge):
    result, other = owner.enqueue(), visitor()
    token = {
        "another id's": status_token("0" * 32),
        "cut": status_token(result.id)[:-1],
        "empty": "",
        "odd": "%F0%9F%98%80:%00:%ED%A0%80",
        "signed for something else": signing.TimestampSigner().sign(result.id).partition(":")[2],
    }[forge]

    assert_not_found(other.status(result.id, f"?token={token}"))


def test_a_token_in_the_header_reads_as_one_in_the_link(owner, visitor):
    result, other = owner.enqueue(), visitor()
    token = owner.answer.headers["X-Offload-Token"]

    assert owner.answer.headers["Location"] == f"/tasks/{result.id}/?token={quote(token, safe=':')}"
    assert other.status(result.id, x_offload_token=token).json()["id"] == result.id
    assert_not_found(other.cancel(result.id, x_offload_token=token))
    assert_not_found(other.status("0" * 32, x_offload_token=token))


def test_the_header_comes_before_the_link(visitor):
    task_id, stranger = visitor("owner").enqueue().id, visitor()
    good, bad = status_token(task_id), status_token("0" * 32)

    assert stranger.status(task_id, f"?token={bad}", x_offload_token=good).status_code == 200
    assert_not_found(stranger.status(task_id, f"?token={good}", x_offload_token=bad))
    assert stranger.status(task_id, f"?token={good}", x_offload_token="").status_code == 200


def test_the_owner_and_staff_need_no_good_token(owner, visitor):
    result, staff = owner.enqueue(), visitor("ada", is_staff=True, permitted=True)

    for reader in (owner, staff):
        assert reader.status(result.id, "?token=old").status_code == 200
        assert reader.status(result.id, x_offload_token="old").status_code == 200


def test_readable_takes_the_token_of_a_page_and_leaves_it_there(visitor, rf):
    task_id = visitor("owner").enqueue().id
    token = status_token(task_id)
    by_link = rf.get(f"/report/?token={token}")

    assert readable(by_link, task_id)
    assert by_link.get_full_path() == f"/report/?token={token}"
    assert readable(rf.get("/report/", headers={"X-Offload-Token": token}), task_id)
    assert not readable(rf.get("/report/", headers={"X-Offload-Token": token[:-1]}), task_id)
    assert not readable(rf.get("/report/"), task_id)
    assert not readable(by_link, "0" * 32)


def test_an_answer_varies_with_the_header_and_sends_no_address_on(visitor, settings):
    settings.SECURE_REFERRER_POLICY = (
        "same-origin"  # Django's default, which sends whole addresses to the site.
    )
    somebody = visitor()
    task_id = somebody.enqueue().id
    stranger, token = visitor(), status_token(task_id)

    first = stranger.status(task_id, x_offload_token=token)
    known = stranger.status(task_id, x_offload_token=token, if_none_match=first.headers["ETag"])
    refused = stranger.status(task_id, if_none_match=first.headers["ETag"])

    assert {"Cookie", "X-Offload-Token"} <= set(first.headers["Vary"].split(", "))
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Referrer-Policy"] == "strict-origin"
    assert (known.status_code, known.headers["Vary"]) == (304, first.headers["Vary"])
    assert_not_found(refused)


def test_a_token_lasts_a_day(owner, visitor, monkeypatch):
    result, other = owner.enqueue(), visitor()
    query = f"?token={status_token(result.id)}"
    now = signing.time.time()

    monkeypatch.setattr(signing.time, "time", lambda: now + 24 * 3600 - 10)
    assert other.status(result.id, query).status_code == 200
    monkeypatch.setattr(signing.time, "time", lambda: now + 24 * 3600 + 10)
    assert_not_found(other.status(result.id, query))


def test_a_token_survives_the_rotation_of_the_secret():
    with override_settings(SECRET_KEY="old"):
        token = status_token("0" * 32)

    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert is_status_token(token, "0" * 32)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        assert not is_status_token(token, "0" * 32)


def test_a_task_without_an_owner_belongs_to_nobody(visitor):
    result = tasks.double.enqueue(1)

    for other in (visitor(), visitor("mallory")):
        assert_not_found(other.status(result.id))
        assert_not_found(other.cancel(result.id))


@pytest.mark.parametrize("task_id", ["0" * 32, "f" * 32])
def test_what_is_not_there_is_not_found(visitor, task_id):
    assert_not_found(visitor("ada", is_staff=True, is_superuser=True).status(task_id))


@pytest.mark.parametrize(
    "path", ["/tasks/123/", "/tasks/" + "F" * 32 + "/", "/tasks/../", "/tasks/" + "0" * 33 + "/"]
)
def test_what_is_no_id_is_no_address(visitor, path):
    assert visitor().client.get(path).status_code == 404


def test_an_own_callable_names_the_owner(visitor, settings):
    settings.TASKS["default"]["OPTIONS"]["owner"] = "tests.unit.http.test_access.team"
    settings.TASKS = dict(settings.TASKS)

    result = visitor("somebody").enqueue()

    from django_offload.conf import configured
    from django_offload.protocol.record import read_record
    from django_offload.stores import store_of

    assert read_record(store_of(configured()["default"]).get(result.id)).enqueued.owner == "team:7"


def team():
    return "team:7"


def test_t04_an_id_has_128_bits_that_nobody_can_guess(ours, offload):
    ids = [tasks.double.enqueue(number).id for number in range(300)]
    bits = [format(int(task_id, 16), "0128b") for task_id in ids]

    assert all(re.fullmatch("[0-9a-f]{32}", task_id) for task_id in ids)
    assert len(set(ids)) == len(ids)
    assert enqueue.randomness is secrets, "the operating system draws them"
    # A bit that is drawn like a coin is 1 about 150 times of 300; 75 is nine standard deviations away.
    assert all(75 < sum(map(int, column)) < 225 for column in zip(*bits, strict=True))


def test_t04_a_token_reads_one_task_for_a_day():
    token, now = status_token("0" * 32), signing.time.time()

    assert is_status_token(token, "0" * 32)
    assert not any(is_status_token(token, f"{number:032x}") for number in range(1, 300))
    forged = {
        f"{token[:place]}{other}{token[place + 1 :]}" for place in range(len(token)) for other in "A_:é\x00"
    }
    assert not [text for text in forged - {token} if is_status_token(text, "0" * 32)]
    assert (MAX_AGE, words_from_token(token, "0" * 32)) == (timedelta(hours=24), None)
    with mock.patch.object(signing.time, "time", return_value=now + 24 * 3600 + 2):
        assert not is_status_token(token, "0" * 32)


def test_a_cache_that_all_visitors_share_keeps_no_answer(visitor, settings, offload):
    """Django's own cache for a whole site is one: it goes by the headers of an answer."""
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "shared"}
    }
    owner = visitor("owner")
    result, token = owner.enqueue(), status_token("0" * 32)
    addresses = [
        f"/tasks/{result.id}/",
        f"/tasks/{result.id}/progress/",
        f"/tasks/{result.id}/?token={token}",
    ]

    for first, second in ((visitor(), owner), (owner, visitor())):
        answers = [[client.client.get(url).status_code for url in addresses] for client in (first, second)]
        assert sorted(answers) == [[200, 200, 200], [404, 404, 404]]
    waiting = owner.status(result.id).json()["status"]
    offload.run()
    assert (waiting, owner.status(result.id).json()["status"]) == ("READY", "SUCCESSFUL")
    assert not caches["default"]._cache


@pytest.mark.parametrize("mode", ["navigate", "cors"])
def test_an_answer_to_a_token_sets_no_cookie(visitor, offload, settings, mode):
    settings.SESSION_SAVE_EVERY_REQUEST = True  # Of the sessions that there are, not of new ones.
    task_id, token = (somebody := visitor()).enqueue().id, somebody.answer.headers["X-Offload-Token"]
    stranger = visitor()
    piece = piece_token(task_id, {"label": "Your report", "htmx": True})
    answers = []
    for ended in (False, True):
        for name in ("", "progress/"):
            for secret in (token, piece, "wrong"):
                headers = {"X-Offload-Token": secret, "Sec-Fetch-Mode": mode}
                answers += [
                    ask(f"/tasks/{task_id}/{name}", headers=more)
                    for ask in (stranger.client.get, stranger.client.head)
                    for more in (headers, headers | {"HX-Request": "true"})
                ]
        answers.append(stranger.client.post(f"/tasks/{task_id}/cancel/", headers={"X-Offload-Token": token}))
        if not ended:
            offload.run()

    assert {answer.status_code for answer in answers} == {200, 404}
    assert [answer.cookies.output() for answer in answers if answer.cookies] == []
    assert all({"Cookie", "X-Offload-Token"} <= set(answer.headers["Vary"].split(", ")) for answer in answers)
