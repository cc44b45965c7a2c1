"""The system check of throttles that count where other processes don't see it."""

import pytest
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import Tags, run_checks
from django.urls import path

from django_offload.http import Throttle, TriggerView
from django_offload.http.checks import check_throttles

SITE = "tests.unit.http.site_of_throttles"
BACKENDS = "django.core.cache.backends"
COUNTS = "has a Throttle that counts in CACHES"
SMALL_TABLE = {"BACKEND": f"{BACKENDS}.db.DatabaseCache", "LOCATION": "counts"}
TABLE = SMALL_TABLE | {"OPTIONS": {"MAX_ENTRIES": 10_000}}


class OwnMemory(LocMemCache):
    """A cache of a project."""


class OwnTable(DatabaseCache):
    """A table of a project."""


class Started:
    """The server of a cache, which tests don't start."""

    urlpatterns = (path("a/", TriggerView.as_view(throttle=[Throttle("1/m")])),)


@pytest.fixture
def messages(settings):
    """Return a function that checks a URLconf with one cache for all aliases."""

    def check(cache, urlconf=SITE, **more):
        aliases = ("default", "shared", "of the function", "of another view")
        settings.CACHES = dict.fromkeys(aliases, cache) | more
        settings.ROOT_URLCONF = urlconf
        return check_throttles()

    return check


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (f"{BACKENDS}.locmem.LocMemCache", ": LocMemCache is in the memory of one process"),
        (f"{__name__}.OwnMemory", ": OwnMemory is in the memory of one process"),
        (f"{BACKENDS}.dummy.DummyCache", ": DummyCache stores nothing"),
        (f"{BACKENDS}.filebased.FileBasedCache", ": FileBasedCache adds in two steps"),
        (f"{__name__}.NoSuchCache", "the cache can't be used, because of "),
    ],
)
def test_w019_warns_of_each_view_that_counts_where_others_do_not_see_it(messages, backend, said):
    found = messages({"BACKEND": backend, "LOCATION": "/tmp/counts"})

    assert {message.id for message in found} == {"django_offload.W019"}
    # Of as_view(), in a list of it, a subclass's attribute, another view's, and a function's global name.
    assert sorted(message.msg.partition(": ")[0] for message in found) == [
        f"django_offload.http.trigger.TriggerView at 'one/' {COUNTS}['shared']",
        f"django_offload.http.trigger.TriggerView at 'two/' {COUNTS}['shared']",
        f"{SITE}.Limited at 'limited-too/' {COUNTS}['shared']",
        f"{SITE}.Limited at 'limited/' {COUNTS}['shared']",
        f"{SITE}.OtherView at 'other/' {COUNTS}['of another view']",
        f"{SITE}.function at 'function/' {COUNTS}['of the function']",
        f"{SITE}.function at 'partial/' {COUNTS}['of the function']",
    ]
    assert all(said in message.msg for message in found)
    assert "each instance of a function is a process with memory and files of its own" in found[0].hint


@pytest.mark.parametrize(
    "backend",
    [
        TABLE,
        TABLE | {"BACKEND": f"{__name__}.OwnTable"},
        {"BACKEND": f"{BACKENDS}.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9"},
        {"BACKEND": f"{BACKENDS}.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:9"},
    ],
    ids=lambda cache: cache["BACKEND"].rpartition(".")[2],
)
def test_a_cache_that_all_share_is_fine(messages, monkeypatch, backend):
    assert [message.msg for message in messages(backend) if "can't be used" not in message.msg] == []


def test_a_table_that_forgets_counts_is_reported(messages):
    (message,) = messages(SMALL_TABLE, __name__)

    assert message.msg.endswith(
        ": DatabaseCache keeps 300 entries, so it forgets counts as soon as more visitors come. Set its "
        "OPTIONS['MAX_ENTRIES'] to 10,000 or more."
    )


def test_an_alias_that_does_not_exist_is_reported(settings, messages):
    found = messages(TABLE, __name__)

    assert found == []
    settings.CACHES = {"other": TABLE}
    (message,) = check_throttles()
    assert "can't be used, because of InvalidCacheBackendError: The connection 'default'" in message.msg


class Endless:
    """A decorated view that wraps itself."""

    def __call__(self, request):
        """Never called."""


endless = Endless()
endless.__wrapped__ = endless
urlpatterns = [*Started.urlpatterns, path("endless/", endless)]


@pytest.mark.parametrize("urlconf", ["no.such.module", "tests.unit.http.broken_urls", None, ""])
def test_urls_that_are_broken_are_left_to_djangos_check(messages, urlconf):
    assert messages({"BACKEND": f"{BACKENDS}.locmem.LocMemCache"}, urlconf) == []


def test_a_site_without_a_throttle_has_no_warning(messages):
    locmem = {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"}

    assert messages(locmem, "config.urls") == messages(locmem, "tests.unit.http.site_of_pieces") == []


def test_it_is_one_of_the_system_checks(settings, messages):
    messages({"BACKEND": f"{BACKENDS}.locmem.LocMemCache"}, __name__)

    assert "django_offload.W019" in {message.id for message in run_checks(tags=[Tags.caches])}
