"""How many tasks a visitor may start."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory

from django_offload.conf.request_owner import current_request
from django_offload.http import Throttle, TriggerView
from django_offload.http.throttle import entry_key
from django_offload.middleware import current_owner, remember
from django_offload.web.handler import Handler
from django_offload.web.requests import Site
from tests.unit.http import site_of_throttles as site
from tests.unit.web.events import http_api_2

pytestmark = pytest.mark.urls("tests.unit.http.site_of_throttles")

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
TABLE = "django.core.cache.backends.db.DatabaseCache"
FILES = "django.core.cache.backends.filebased.FileBasedCache"
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
TRIGGERS = 300


@pytest.fixture
def cache(settings, tmp_path):
    """Return the cache of the site's views, which is empty."""
    settings.CACHES = {
        alias: {"BACKEND": LOCMEM, "LOCATION": f"{tmp_path} {alias}"}
        for alias in ("default", "shared", "of the function", "of another view")
    }
    return caches["shared"]


@pytest.fixture
def table(settings, transactional_db):
    """Return a cache in a table of the database."""
    settings.CACHES = {"shared": {"BACKEND": TABLE, "LOCATION": "throttle_counts"}}
    call_command("createcachetable", verbosity=0)
    yield caches["shared"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE throttle_counts")


def request_of(address="203.0.113.7", **meta):
    return RequestFactory().post("/", REMOTE_ADDR=address, **meta)


def post(somebody, path, data=None, **headers):
    return somebody.client.post(path, data or {}, content_type="application/json", headers=headers)


def test_t08_of_300_triggers_of_a_visitor_exactly_the_limit_is_accepted(
    ours, offload, cache, transactional_db
):
    from config.wsgi import application

    handler = Handler(application, Site())

    def trigger(number):
        event = http_api_2(body='{"number": 1}', isBase64Encoded=False, rawPath="/limited/")
        event["requestContext"]["http"] |= {"method": "POST", "path": "/limited/"}
        # Nothing that the client writes makes it another visitor.
        event["headers"] |= {
            "content-type": "application/json",
            "accept": "application/json",
            "host": "testserver",
            "x-forwarded-for": f"198.51.100.{number % 250}",
            "forwarded": f"for=198.51.100.{number % 250}",
        }
        event["cookies"] = [f"sessionid={number:032}"]
        return handler(event, None)

    answers = [trigger(number) for number in range(TRIGGERS)]

    statuses = [answer["statusCode"] for answer in answers]
    assert statuses == [202] * site.MOST + [429] * (TRIGGERS - site.MOST)
    assert all(3_500 < int(answer["headers"]["Retry-After"]) <= 3_600 for answer in answers[site.MOST :])
    assert offload.run() == site.MOST


@pytest.mark.parametrize("backend", [LOCMEM, FILES])
def test_threads_at_once_get_exactly_the_limit(settings, tmp_path, backend):
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "counts")}}
    throttle = Throttle("10/h", key="address")

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: throttle(request_of()), range(TRIGGERS)))

    assert waits.count(None) == 10


PROCESSES = """
import multiprocessing
import sys

import django
from django.conf import settings

OPTIONS = {"timeout": 60, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"}
settings.configure(
    SECRET_KEY="a secret of the test",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1], "OPTIONS": OPTIONS}},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "counts"}},
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.db import connections
from django.test import RequestFactory
from django_offload.http import Throttle


def let_through(number):
    start.wait(60)
    return [Throttle("10/h", key="address")(RequestFactory().post("/")) for _ in range(number)].count(None)


call_command("createcachetable")
connections.close_all()
fork = multiprocessing.get_context("fork")
start = fork.Barrier(3)
with fork.Pool(3) as pool:
    print(sum(pool.map(let_through, [100] * 3, chunksize=1)))
"""


def test_processes_at_once_get_exactly_the_limit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES, str(tmp_path / "counts.sqlite3")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.stdout, done.stderr) == ("10\n", "")


def test_a_table_counts_and_begins_again_when_a_period_is_over(table, monkeypatch):
    throttle = Throttle("2/m", key="address", cache="shared")

    first = [throttle(request_of()) for _ in range(3)]
    monkeypatch.setattr("django_offload.http.counting.time", lambda: later)
    from time import time

    later = time() + 61
    second = [throttle(request_of()) for _ in range(3)]

    assert first[:2] == second[:2] == [None, None]
    assert {first[2], second[2]} <= {59, 60}


def test_a_refused_request_enqueues_nothing_and_validates_nothing(visitor, offload, cache):
    site.VALIDATED.clear()

    answer = post(visitor(), "/busy/", {"number": 1})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "42")
    assert answer.json() == {
        "errors": {
            "__all__": [{"message": "Too many requests. Try again in 42 seconds.", "code": "throttled"}]
        }
    }
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert {"Accept", "HX-Request"} <= set(answer.headers["Vary"].split(", "))
    assert site.VALIDATED == []
    assert offload.run() == 0


def test_a_browser_and_htmx_get_the_refusal_as_html(visitor, cache):
    page = post(visitor(), "/busy/", **BROWSER)
    part = post(visitor(), "/busy/", **{"HX-Request": "true", "Accept": "*/*"})

    assert page.status_code == part.status_code == 429
    assert page.headers["Retry-After"] == part.headers["Retry-After"] == "42"
    message = '<p class="offload-throttled" role="alert">Too many requests. Try again in 42 seconds.</p>'
    assert message in page.text
    assert page.text.startswith("<!doctype html>")
    assert part.text.strip() == message
    assert json.loads(part.headers["HX-Trigger"]) == {"offload:throttled": {"wait": 42}}


def test_only_a_post_that_is_permitted_counts(visitor, cache):
    site.LIMITED.clear()
    somebody = visitor()

    answers = [
        somebody.client.get("/busy/", headers=BROWSER),
        somebody.client.options("/busy/"),
        somebody.client.put("/busy/"),
        post(somebody, "/forbidden/"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 405, 403]
    assert site.LIMITED == []


def test_another_method_that_starts_tasks_counts_too(visitor, cache):
    somebody = visitor()

    answers = [getattr(somebody.client, method)("/by-put/") for method in ("put", "patch", "delete", "get")]

    assert [answer.status_code for answer in answers] == [429, 429, 405, 200]


def test_a_view_may_override_the_throttle_and_its_hook(visitor, cache):
    assert post(visitor(), "/overridden/").headers["Retry-After"] == "2"  # "/overridden/" has 12 characters.
    assert post(visitor(), "/by-hook/").headers["Retry-After"] == "1"


def test_views_count_apart_unless_their_throttles_share_a_name(visitor, cache):
    somebody = visitor()

    apart = [
        [post(somebody, path, {"number": 1}).status_code for _ in range(site.MOST + 1)]
        for path in ("/limited/", "/limited-too/")
    ]
    together = [post(somebody, path, {"number": 1}).status_code for path in ("/one/", "/two/") * 2]

    assert apart == [[202] * site.MOST + [429]] * 2
    assert together == [202, 202, 202, 429]


def test_a_view_function_can_ask_a_throttle(visitor, cache):
    somebody = visitor()

    answers = [somebody.client.post("/function/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 3_590 < int(answers[2].headers["Retry-After"]) <= 3_600


def test_a_function_that_became_a_method_says_so(visitor, cache):
    with pytest.raises(TypeError, match=r"NoMethod\.throttle is a function, of which Python makes a method"):
        post(visitor(), "/no-method/")


@pytest.mark.parametrize("throttle", ["10/m", 10, {"rate": 1}, Throttle], ids=repr)
def test_a_throttle_that_cannot_be_asked_says_so(rf, throttle):
    view = TriggerView.as_view(throttle=throttle)

    with pytest.raises(TypeError, match=r"TriggerView\.throttle is .*Set a callable that takes the request"):
        view(rf.post("/"))


def test_of_several_rates_the_shortest_comes_first_and_a_refused_request_counts_no_further(cache):
    throttle = Throttle("4/d", "2/m", key="address", cache="shared")

    waits = [throttle(request_of()) for _ in range(100)]
    cache.delete(entry_key("", "address:203.0.113.7", 2, 60))
    later = [throttle(request_of()) for _ in range(3)]

    assert waits[:2] == later[:2] == [None, None]
    assert 0 < waits[2] <= 60
    assert 0 < later[2] <= 60
    cache.delete(entry_key("", "address:203.0.113.7", 2, 60))
    assert 80_000 < throttle(request_of()) <= 86_400


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
        ("unix:", "not an address", False),
    ],
)
def test_an_address_is_counted_with_its_network(cache, one, other, same):
    throttle = Throttle("1/m", key="address")

    assert throttle(request_of(one)) is None
    assert (throttle(request_of(other)) is not None) is same


def test_a_header_names_no_other_address(cache):
    throttle = Throttle("1/m", key="address")
    hidden = {"HTTP_X_FORWARDED_FOR": "198.51.100.1", "HTTP_X_REAL_IP": "::1", "HTTP_CLIENT_IP": "::1"}

    assert throttle(request_of()) is None
    assert throttle(request_of(**hidden)) is not None


def test_owners_are_users_and_visitors_without_one_are_addresses(cache, ours):
    def somebody(user=None, address="203.0.113.7", session_key=None):
        request = request_of(address)
        request.user = SimpleNamespace(is_authenticated=user is not None, pk=user)
        request.session = SimpleNamespace(session_key=session_key)
        return request

    throttle = Throttle("1/m")

    assert throttle(somebody(1)) is None
    assert throttle(somebody(1, "198.51.100.1")) is not None
    assert throttle(somebody(2)) is None
    # A session costs nothing, so another one is no other visitor.
    assert throttle(somebody(session_key="a" * 32)) is None
    assert throttle(somebody(session_key="b" * 32)) is not None
    assert throttle(request_of()) is not None


def owner_made_of_the_session():
    return f"shop:{current_owner()}"


def key_of_the_session():
    return current_request.get().session.session_key


@pytest.mark.parametrize("owner", ["owner_made_of_the_session", "key_of_the_session"])
def test_a_function_that_returns_the_session_makes_no_visitor_another_one(
    cache, ours, settings, transactional_db, owner
):
    for entry in ours.values():
        entry["OPTIONS"]["owner"] = f"{__name__}.{owner}"
    settings.TASKS = dict(ours)
    throttle = Throttle("1/m")

    def ask(address="203.0.113.7"):
        request = request_of(address)
        request.session = SessionStore()
        request.session.create()
        with remember(request):
            return throttle(request)

    assert ask() is None
    assert ask() is not None
    assert ask("198.51.100.1") is None


def owner_of_a_tenant():
    return "tenant:7"


def test_the_owner_of_options_is_counted(cache, ours, settings):
    for entry in ours.values():
        entry["OPTIONS"]["owner"] = f"{__name__}.owner_of_a_tenant"
    settings.TASKS = dict(ours)
    throttle = Throttle("1/m")

    assert throttle(request_of()) is None
    assert throttle(request_of("198.51.100.1")) is not None


HOSTILE = ["", "\x00", "a b\n", "\ud800", "k" * 100_000, "../../etc", "{}%s", "\r\nSET x 1", "💥", 10**100, 0]


@pytest.mark.parametrize("who", HOSTILE, ids=lambda who: ascii(who)[:12])
def test_a_key_may_be_any_text_and_is_stored_as_a_hash(cache, who):
    throttle = Throttle("1/m", key=lambda request: who, cache="shared", name="\ud800 \n" * 100)

    assert throttle(request_of()) is None
    assert throttle(request_of()) is not None
    (key,) = cache._cache
    assert len(key) < 100
    assert key.isascii()


def test_no_address_is_stored_in_clear(cache):
    Throttle("1/m", key="address", cache="shared")(request_of("203.0.113.7"))

    assert "203.0.113.7" not in repr(cache._cache)


def test_a_key_may_exempt_a_request_and_may_be_nothing_else(cache):
    exempt = Throttle("1/m", key=lambda request: None)

    assert [exempt(request_of()) for _ in range(3)] == [None] * 3
    for value in (True, 1.5, b"a", object()):
        with pytest.raises(TypeError, match=r"The key of a Throttle returned .* Return a text, or None"):
            Throttle("1/m", key=lambda request, value=value: value)(request_of())


def test_who_does_not_know_the_secret_key_cannot_tell_whose_entry_it_is(settings):
    keys = set()
    for secret in ("one", "another"):
        settings.SECRET_KEY = secret
        keys.add(entry_key("", "address:203.0.113.7", 1, 60))

    assert len(keys) == 2
