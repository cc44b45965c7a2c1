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
NAMES = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE")
CSRF_NAMES = ("CSRF_COOKIE_SECURE", "CSRF_COOKIE_SAMESITE", "SECURE_CONTENT_TYPE_NOSNIFF", "X_FRAME_OPTIONS")
PRINT = "import json; from django.conf import settings; print(json.dumps([getattr(settings, n) for n in %r]))"


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
    environment = {**os.environ, "DEBUG": "0", "SECRET_KEY": "k" * 50}
    program = PRINT % ((*NAMES, *CSRF_NAMES),)
    printed = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)

    assert json.loads(printed) == [True, True, "Lax", True, "Lax", True, "DENY"]
