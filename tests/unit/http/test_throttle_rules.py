"""The rates and waits that a throttle may have, and what it does while its cache fails."""

import json
import logging
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import RequestFactory

from django_offload.http import Throttle, TriggerView, too_many_requests
from django_offload.http.counting import COUNT_BITS, count
from django_offload.http.throttle import parse_rate
from django_offload.http.too_many import seconds_of
from tests.unit.http.test_throttle import TABLE, request_of


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (None, None),
        (0, None),
        (0.0, None),
        (timedelta(0), None),
        (1, 1),
        (1.01, 2),
        (0.001, 1),
        (timedelta(milliseconds=1), 1),
        (timedelta(days=366), 31_622_400),
    ],
    ids=repr,
)
def test_a_wait_is_whole_seconds(wait, seconds):
    assert seconds_of(wait, TriggerView()) == seconds


async def coroutine():
    return 1


@pytest.mark.parametrize(
    "wait",
    [
        True,
        False,
        "1",
        b"1",
        [1],
        Decimal(1),
        Fraction(1),
        1j,
        coroutine,
        TriggerView,
        float("nan"),
        float("inf"),
        float("-inf"),
        -1,
        -0.001,
        timedelta(seconds=-1),
        timedelta.max,
        10**400,
        10**5_000,
    ],
    ids=lambda wait: type(wait).__name__,
)
def test_anything_else_is_an_error_that_says_what_to_return(wait):
    wait = wait() if wait is coroutine else wait

    with pytest.raises((TypeError, ValueError), match=r"The throttle of TriggerView returned .*Return None"):
        seconds_of(wait, TriggerView())


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (7_199, "120 minutes"),
        (7_200, "2 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_wait_is_told_in_words(wait, text):
    answer = too_many_requests(RequestFactory().post("/", headers={"Accept": "application/json"}), wait)

    (error,) = json.loads(answer.content)["errors"]["__all__"]
    assert error["message"] == f"Too many requests. Try again in {text}."
    assert answer.headers["Retry-After"] == str(wait)


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [
        ("10/m", (10, 60)),
        ("1/s", (1, 1)),
        ("100/day", (100, 86_400)),
        ("5/30s", (5, 30)),
        ("5/2hours", (5, 7_200)),
        ((3, timedelta(minutes=2)), (3, 120)),
        ("7/366d", (7, 31_622_400)),
    ],
    ids=repr,
)
def test_a_rate_is_a_number_in_a_period(rate, parsed):
    assert parse_rate(rate) == parsed


@pytest.mark.parametrize(
    "rate",
    [
        "",
        "10",
        "10/",
        "/m",
        "10/x",
        "-1/m",
        "1.5/m",
        "0/m",
        "10/0s",
        "10/400d",
        " 10/m",
        "10/m\n",
        "१०/m",
        10,
        "9999999999/m",
        "1/99999999d",
        (10,),
        (0, timedelta(1)),
        (1, 60),
        (True, timedelta(1)),
        (1, timedelta(0)),
        (1, timedelta(microseconds=1)),
        (1.0, timedelta(1)),
        (1, timedelta.max),
        None,
    ],
    ids=repr,
)
def test_any_other_rate_is_refused_with_an_example(rate):
    with pytest.raises(ValueError, match="Throttle has the rate"):
        Throttle(rate)


@pytest.mark.parametrize("options", [{"key": "user"}, {"key": None}, {"cache": None}, {"name": 1}], ids=repr)
def test_other_options_are_refused(options):
    with pytest.raises((TypeError, ValueError), match=r"Throttle has the (key|cache|name)"):
        Throttle("1/m", **options)
    with pytest.raises(TypeError, match="Throttle needs a rate"):
        Throttle()


class Expiring(LocMemCache):
    """A cache in which the first entries expire before they are read."""

    lost = 2

    def incr(self, key, delta=1, version=None):
        if self.lost:
            self.lost -= 1
            self.delete(key)
        return super().incr(key, delta, version)


def test_an_entry_that_expires_between_two_steps_is_made_again():
    cache = Expiring("expiring", {})

    assert [count(cache, "a", 60)[0] for _ in range(3)] == [1, 2, 3]
    assert cache.get("a") < 1 << 63
    assert cache.get("a") >> COUNT_BITS > 1_700_000_000


class LikeRedis(LocMemCache):
    """Redis adds to a key that has just expired as if it was 0, and then keeps it for ever."""

    expiring = True

    def incr(self, key, delta=1, version=None):
        if self.expiring:
            self.expiring = False
            self.set(key, 0, timeout=None)
        return super().incr(key, delta, version)


def test_an_entry_without_an_end_is_made_again():
    cache = LikeRedis("like redis", {})

    counts = [count(cache, "a", 3_600) for _ in range(3)]

    assert [number for number, _wait in counts] == [1, 2, 3]
    assert all(wait > 3_000 for _number, wait in counts)


class Away(LocMemCache):
    def add(self, *args, **kwargs):
        raise OSError("The cache is away")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (f"{__name__}.Away", "The cache is away"),
        (TABLE, "no such table"),
        ("django.core.cache.backends.dummy.DummyCache", "DummyCache stored no count"),
    ],
)
def test_a_cache_that_does_not_answer_lets_through_and_one_line_says_so(settings, caplog, db, backend, said):
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "nowhere"}}
    throttle = Throttle("1/m", key="address")

    with caplog.at_level(logging.ERROR):
        assert [throttle(request_of()) for _ in range(20)] == [None] * 20

    (line,) = caplog.messages
    assert line.startswith("CACHES['default'] can't count requests, so they are let through: ")
    assert said in line
