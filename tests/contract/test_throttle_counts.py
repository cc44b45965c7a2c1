"""A throttle counts in a table of a real database, from several connections at the same time."""

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import transaction
from django.test import RequestFactory

from django_offload.http import Throttle
from tests.reliability.databases import at_once

MOST = 10


@pytest.fixture
def table(database, settings):
    """Return a cache in a table of a real database."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "throttle_counts",
        }
    }
    call_command("createcachetable", verbosity=0)
    return caches["default"]


def let_through(throttle, times=25):
    request = RequestFactory().post("/")
    return [throttle(request) for _ in range(times)].count(None)


def test_connections_at_once_get_exactly_the_limit(table):
    throttle = Throttle(f"{MOST}/h", key="address")

    assert sum(at_once(*[lambda: let_through(throttle)] * 4)) == MOST


def test_a_count_is_part_of_the_transaction_around_it(table):
    throttle = Throttle(f"{MOST}/h", key="address")

    with transaction.atomic():  # As a view with ATOMIC_REQUESTS that raises.
        let_through(throttle)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert let_through(throttle, MOST - 1) == MOST - 1

    assert let_through(throttle) == 1
