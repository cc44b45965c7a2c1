"""No proxy between the reference site and a browser stores an answer, and cookies go over HTTPS alone."""

import json
import os
import subprocess
import sys

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from django_offload.testing import Offload

METHODS = ("get", "head", "post", "put", "delete", "options")
# What a deployed site answers at API Gateway's and a function URL's door, with the cookies that Django sets.
PROGRAM = """
import json

import django
from django.conf import settings

django.setup()

from django.contrib.sessions.middleware import SessionMiddleware
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import RequestFactory
from django_offload.web.handler import Handler
from django_offload.web.requests import Site
from tests.unit.web.events import http_api_2

settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"


def respond(request):
    request.session["visits"] = get_token(request)
    return HttpResponse()


request = RequestFactory(SERVER_PORT="443", **{"wsgi.url_scheme": "https"}).get("/")
answer = SessionMiddleware(CsrfViewMiddleware(respond))(request)
event = http_api_2(rawPath="/tasks/%s/cancel/" % ("0" * 32), body=None)
event["requestContext"]["http"]["method"] = "GET"
event["headers"] |= {"host": "shop.example", "x-forwarded-proto": "https"}
handled = Handler(get_wsgi_application(), Site())(event, None)
names = ("X_FRAME_OPTIONS", "SECURE_CONTENT_TYPE_NOSNIFF", "SECURE_SSL_REDIRECT")
print(json.dumps([
    {name: {key: value for key, value in morsel.items() if value not in {"", None}}
     for name, morsel in answer.cookies.items()},
    handled["statusCode"], handled["headers"], [getattr(settings, name) for name in names],
]))
"""


def addresses() -> list[str]:
    """Return an address for each URL of the site, but those of Django's own admin, and one of no URL."""
    found = ["/nothing/"]
    for included in get_resolver().url_patterns:
        if str(included.pattern) == "admin/":
            continue
        for pattern in included.url_patterns:
            assert isinstance(pattern, URLPattern)
            route = str(pattern.pattern).replace("<task_id:task_id>", "0" * 32).replace("<run:run>", "0" * 32)
            found.append(f"/{included.pattern}{route.replace('<str:name>', 'report.csv')}")
    return found


@pytest.mark.django_db(transaction=True)
def test_every_answer_of_the_site_is_private(offload: Offload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.views.crowd.Crowd.start", lambda crowd: None)  # It would call this site.
    client = Client()
    answers = {
        (method, address): getattr(client, method)(address) for address in addresses() for method in METHODS
    }

    answers["enqueued", "/retries/"] = client.post("/retries/", {"failures": "0"})

    assert {200, 202, 302, 400, 404, 405} == {answer.status_code for answer in answers.values()}
    assert not [name for name, answer in answers.items() if "private" not in answer.get("Cache-Control", "")]
    assert all("Cookie" in answer["Vary"] for answer in answers.values())
    assert all(answer["X-Content-Type-Options"] == "nosniff" for answer in answers.values())
    assert all(answer["Referrer-Policy"] == "strict-origin" for answer in answers.values())


def test_a_deployed_site_sends_its_cookies_over_https_alone() -> None:
    environment = {**os.environ, "DEBUG": "0", "SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "shop.example"}
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment, text=True)
    cookies, status, headers, settings = json.loads(printed.splitlines()[-1])

    headers = {name.lower(): value for name, value in headers.items()}
    # The prefix has a browser take them from this host over HTTPS alone, for all paths and for no other host.
    assert cookies.keys() == {"__Host-sessionid", "__Host-csrftoken"}
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert cookie["path"] == "/"
        assert "domain" not in cookie
    assert status == 405
    assert headers["strict-transport-security"] == "max-age=3600"  # It knows HTTPS behind the gateway.
    assert "set-cookie" not in headers
    assert settings == ["DENY", True, False]  # There is no plain HTTP at the gateway to redirect.
