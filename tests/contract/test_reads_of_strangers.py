"""How many calls of AWS a request costs: none if it has neither a good token nor an owner."""

import time
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.signing import TimestampSigner, b62_encode
from django.test import Client, override_settings

from django_offload.conf import CLIENTS
from django_offload.http.tokens import MAX_AGE, piece_token, status_token
from tests.calls import watched
from tests.contract import tasks
from tests.contract.setup import TASK_MODULES, tasks_setting

pytestmark = [pytest.mark.urls("tests.contract.status_site"), pytest.mark.django_db(transaction=True)]

NOT_FOUND = "There is no such task, or you may not see it. Check its id, or sign in as its owner."
UNKNOWN = "0" * 32
BAD_LINKS = {
    "none": "",
    "empty": "?token=",
    "cut": "?token={cut}",
    "of another task": "?token={other}",
    "expired": "?token={expired}",
    "signed with another key": "?token={forged}",
    "twice": "?token={good}&token={good}",
    "with another": "?token={good}&token=a",
    "very long": f"?token={'a:' * 100_000}",
    "NUL": "?token=%00:%00:%00",
    "not ASCII": "?token=%C3%A9:%F0%9F%98%80",
    "no UTF-8": "?token=%ED%A0%80:%FF",
    "a list": "?token[]={good}",
}
BAD_HEADERS = {
    "cut": "{cut}",
    "of another task": "{other}",
    "expired": "{expired}",
    "signed with another key": "{forged}",
    "twice": "{good},{good}",
    "very long": "a:" * 100_000,
    "NUL": "\x00:\x00",
    "not ASCII": "é:ü",
}
PAGES = {"": status_token, "progress/": lambda task_id: piece_token(task_id, {})}


@pytest.fixture(params=CLIENTS)
def calls(request, settings):
    """Return the names of the calls of AWS that a function makes."""
    settings.TASKS = tasks_setting(modules=TASK_MODULES, client=request.param)
    request.getfixturevalue("offload_aws")

    def of(action):
        names = []
        with watched(lambda service, name, arguments: names.append(name)):
            answer = action()
        return answer, names

    return of


def tokens(task_id, page):
    """Return a good token and the bad ones made of it."""
    make = PAGES[page]
    good = make(task_id)
    with override_settings(SECRET_KEY="somebody else's"):
        forged = make(task_id)
    long_ago = b62_encode(int(time.time() - MAX_AGE.total_seconds() - 10))
    with patch.object(TimestampSigner, "timestamp", lambda signer: long_ago):
        expired = make(task_id)
    return {"good": good, "cut": good[:-1], "other": make("f" * 32), "expired": expired, "forged": forged}


@pytest.mark.parametrize("page", PAGES)
def test_a_good_token_costs_one_read(calls, page):
    task_id = tasks.answer.enqueue().id
    token = PAGES[page](task_id)

    by_link, link_calls = calls(lambda: Client().get(f"/tasks/{task_id}/{page}?token={token}"))
    by_header, header_calls = calls(
        lambda: Client().get(f"/tasks/{task_id}/{page}", headers={"X-Offload-Token": token})
    )

    assert (by_link.status_code, link_calls) == (200, ["GetItem"])
    assert (by_header.status_code, header_calls) == (200, ["GetItem"])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("bad", BAD_LINKS)
def test_a_bad_link_costs_no_read_and_tells_nothing(calls, page, bad):
    for task_id in (tasks.answer.enqueue().id, UNKNOWN):
        link = f"/tasks/{task_id}/{page}" + BAD_LINKS[bad].format(**tokens(task_id, page))

        answer, names = calls(lambda link=link: Client().get(link))

        assert (answer.status_code, answer.text, names) == (404, NOT_FOUND, [])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("bad", BAD_HEADERS)
def test_a_bad_header_costs_no_read_and_tells_nothing(calls, page, bad):
    for task_id in (tasks.answer.enqueue().id, UNKNOWN):
        token = BAD_HEADERS[bad].format(**tokens(task_id, page))

        # As a server hands it over: bytes read as Latin-1.
        answer, names = calls(
            lambda i=task_id, t=token: Client().get(f"/tasks/{i}/{page}", HTTP_X_OFFLOAD_TOKEN=t)
        )

        assert (answer.status_code, answer.text, names) == (404, NOT_FOUND, [])


def test_a_cancel_by_nobody_costs_no_read(calls):
    task_id = tasks.answer.enqueue().id

    answer, names = calls(lambda: Client().post(f"/tasks/{task_id}/cancel/?token={status_token(task_id)}"))

    assert (answer.status_code, answer.text, names) == (404, NOT_FOUND, [])


def test_a_session_that_does_not_exist_costs_no_read(calls):
    task_id, client = tasks.answer.enqueue().id, Client()
    client.cookies["sessionid"] = "a" * 32

    answer, names = calls(lambda: client.get(f"/tasks/{task_id}/"))

    assert (answer.status_code, names) == (404, [])


@pytest.mark.parametrize("staff", [False, True], ids=["a user", "permitted staff"])
def test_who_is_signed_in_is_looked_up_even_with_an_old_link(calls, staff):
    task_id, client = tasks.answer.enqueue().id, Client()
    client.force_login(User.objects.create_user("ada", is_staff=staff, is_superuser=staff))

    for found in (task_id, UNKNOWN):
        answer, names = calls(lambda i=found: client.get(f"/tasks/{i}/?token=old"))

        expected = 200 if staff and found == task_id else 404
        assert answer.status_code == expected
        assert set(names) == {"GetItem"}
        assert answer.text == NOT_FOUND or expected == 200
