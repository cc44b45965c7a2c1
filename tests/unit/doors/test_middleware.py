"""Who makes a request is who owns what it enqueues, in a view of either kind."""

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpResponse
from django.test import AsyncClient, RequestFactory

from django_offload.conf import configured
from django_offload.conf.request_owner import current_owner
from django_offload.definition.context import current_trace
from django_offload.middleware import OwnerMiddleware
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from tests.unit.http import setup

TRACE = "00-" + "a1" * 16 + "-" + "b2" * 8 + "-01"


def request(user=None, session_key=None, **headers):
    made = RequestFactory().get("/", headers=headers)
    made.user = user or AnonymousUser()
    made.session = SessionStore(session_key)
    return made


def seen(made):
    """Return the owner and the trace that a view of this request sees."""
    found = []

    def view(request):
        found.append((current_owner(), current_trace()))
        return HttpResponse()

    async def view_async(request):
        found.append((current_owner(), current_trace()))
        return HttpResponse()

    OwnerMiddleware(view)(made)
    async_to_sync(OwnerMiddleware(view_async))(made)
    assert found[0] == found[1]
    return found[0]


def test_a_user_is_the_owner():
    assert seen(request(User(pk=7)))[0] == "user:7"


def test_without_a_user_the_session_is_the_owner_and_its_key_stays_secret():
    made = request(session_key="the-key-of-the-session")

    owner = seen(made)[0]

    assert owner.startswith("session:")
    assert "the-key" not in owner
    assert seen(request(session_key="the-key-of-the-session"))[0] == owner
    assert seen(request(session_key="another"))[0] != owner


def test_outside_a_request_there_is_no_owner():
    assert current_owner() is None
    seen(request(User(pk=7)))
    assert (current_owner(), current_trace()) == (None, None)


def test_a_view_that_raises_leaves_no_owner():
    def fails(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        OwnerMiddleware(fails)(request(User(pk=7)))

    assert current_owner() is None


def test_a_request_without_a_session_or_user_has_no_owner():
    made = RequestFactory().get("/")

    assert seen(made) == (None, None)


def test_the_trace_context_of_a_request_is_kept():
    assert seen(request(traceparent=TRACE))[1] == TRACE


@pytest.mark.parametrize("header", ["", "00-zz", TRACE + "x", TRACE.upper(), "a" * 5_000])
def test_what_is_no_trace_context_is_not_kept(header):
    assert seen(request(traceparent=header))[1] is None


def test_it_is_sync_and_async_as_what_it_wraps():
    async def view(request):
        return HttpResponse()

    assert iscoroutinefunction(OwnerMiddleware(view))
    assert not iscoroutinefunction(OwnerMiddleware(lambda request: HttpResponse()))


def owner_of(result):
    return read_record(store_of(configured()["default"]).get(result.id)).enqueued.owner


@pytest.mark.urls("tests.unit.http.setup")
@pytest.mark.parametrize("path", ["/work/", "/async-work/"])
def test_a_task_belongs_to_whoever_asked_for_it(ours, offload, transactional_db, client, path):
    user = User.objects.create_user("owner")
    client.force_login(user)
    client.post(path)
    owned = owner_of(setup.RESULTS[-1])

    asynchronous = AsyncClient()
    asynchronous.force_login(user)
    async_to_sync(asynchronous.post)(path)

    assert owned == owner_of(setup.RESULTS[-1]) == f"user:{user.pk}"


@pytest.mark.urls("tests.unit.http.setup")
def test_a_visitor_gets_a_session_with_the_first_task(ours, offload, transactional_db, client):
    client.post("/work/")

    assert "sessionid" in client.cookies
    assert owner_of(setup.RESULTS[-1]).startswith("session:")
    assert client.get(f"/tasks/{setup.RESULTS[-1].id}/").status_code == 200
