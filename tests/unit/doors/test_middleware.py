"""The user or session of a request owns the tasks that it enqueues, in sync and async views."""

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpResponse
from django.test import AsyncClient, RequestFactory

from django_offload.checks import check_middleware
from django_offload.conf import configured
from django_offload.conf.request_owner import current_owner
from django_offload.definition.context import current_trace
from django_offload.middleware import OwnerMiddleware
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from tests.unit.http import setup

TRACE = "00-" + "a1" * 16 + "-" + "b2" * 8 + "-01"


def request(user=None, session_key=None, **headers):
    http_request = RequestFactory().get("/", headers=headers)
    http_request.user = user or AnonymousUser()
    http_request.session = SessionStore(session_key)
    return http_request


def seen(http_request):
    """Return the owner and the trace that a view of this request sees."""
    contexts = []

    def view(request):
        contexts.append((current_owner(), current_trace()))
        return HttpResponse()

    async def view_async(request):
        contexts.append((current_owner(), current_trace()))
        return HttpResponse()

    OwnerMiddleware(view)(http_request)
    async_to_sync(OwnerMiddleware(view_async))(http_request)
    assert contexts[0] == contexts[1]
    return contexts[0]


def test_a_user_is_the_owner():
    assert seen(request(User(pk=7)))[0] == "user:7"


def test_without_a_user_the_session_is_the_owner_and_its_key_stays_secret():
    http_request = request(session_key="the-key-of-the-session")

    owner = seen(http_request)[0]

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
    http_request = RequestFactory().get("/")

    assert seen(http_request) == (None, None)


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
def test_a_task_belongs_to_the_user_who_enqueued_it(ours, offload, transactional_db, client, path):
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


SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
OWNER = "django_offload.middleware.OwnerMiddleware"


@pytest.mark.urls("tests.unit.http.setup")
@pytest.mark.parametrize(
    "middleware", [[SESSION, AUTH, OWNER], [SESSION, OWNER, AUTH], [OWNER, SESSION, AUTH]]
)
def test_the_owner_is_who_the_request_has_when_the_task_is_enqueued(
    ours, offload, transactional_db, client, settings, middleware
):
    settings.MIDDLEWARE = middleware
    client.post("/work/")
    visitor = owner_of(setup.RESULTS[-1])
    user = User.objects.create_user("owner")
    client.force_login(user)
    client.post("/work/")

    assert visitor.startswith("session:")
    assert owner_of(setup.RESULTS[-1]) == f"user:{user.pk}"
    assert check_middleware() == []
