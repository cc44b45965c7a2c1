"""Which idle connection is used for the next call."""

import pytest

from django_offload.aws.lean import pool as module
from django_offload.aws.lean.connection import Address
from django_offload.aws.lean.pool import Pool


class Ended:
    """A connection that the server has closed, or on which it has sent unexpected data."""

    reusable = True
    looks = 0
    closed = False

    def idle(self):
        self.looks += 1
        return False

    def close(self):
        self.closed = True


@pytest.fixture
def pool():
    return Pool(Address(url="http://127.0.0.1:1", host="127.0.0.1", port=1, tls=False))


def test_a_connection_that_the_server_has_closed_is_not_taken(pool, monkeypatch):
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    ended = Ended()
    pool.put_back(ended)

    assert pool.take() is None
    assert (ended.looks, ended.closed) == (1, True)


def test_a_connection_used_a_moment_ago_is_taken_without_a_poll(pool, monkeypatch):
    monkeypatch.setattr(module, "FRESH_SECONDS", 60.0)
    monkeypatch.setattr(module, "LONGEST_IDLE_SECONDS", 60.0)
    ended = Ended()
    pool.put_back(ended)

    assert pool.take() is ended
    assert ended.looks == 0
