"""SnapStart: what a snapshot may not hold, and what each restored process has of its own."""

import random
import sys
from types import SimpleNamespace

import pytest
from django.db import connections

from django_offload import wire
from django_offload.worker import snapshot


class Runtime(SimpleNamespace):
    """Lambda's hooks, as `snapshot_restore_py` registers them."""

    def __init__(self):
        self.before, self.after = [], []

    def register_before_snapshot(self, function, *args, **kwargs):
        self.before.append(lambda: function(*args, **kwargs))

    def register_after_restore(self, function, *args, **kwargs):
        self.after.append(lambda: function(*args, **kwargs))


@pytest.fixture
def runtime(monkeypatch):
    found = Runtime()
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", found)
    return found


@pytest.fixture
def lean(monkeypatch):
    """Return a client of AWS that this process has, and forgets after the test."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-the-snapshot")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    yield wire.client("sqs", "lean")
    wire.forget()


def opened():
    connections["default"].cursor().execute("SELECT 1")
    return connections["default"]


@pytest.fixture
def connection(database):
    """Return an open connection to a database."""
    return opened()


def test_a_snapshot_holds_no_connection_and_no_keys(runtime, lean, connection, monkeypatch):
    wire.credentials.credentials()
    snapshot.register(lambda: None)

    (before,) = runtime.before
    before()

    assert connection.connection is None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed")
    assert wire.credentials.credentials().secret_key == "renewed"
    assert wire.client("sqs", "lean") is not lean


def test_restored_processes_draw_numbers_of_their_own_and_are_prepared(runtime, lean, connection):
    prepared = []
    snapshot.register(lambda: prepared.append(wire.client("sqs", "lean")))
    (after,) = runtime.after
    state, drawn = random.getstate(), set()

    for _ in range(3):
        random.setstate(state)
        after()
        drawn.add(random.random())

    assert len(drawn) == 3
    assert len({id(client) for client in (lean, *prepared)}) == 4
    assert connection.connection is None


def test_where_the_runtime_knows_no_snapshots_nothing_is_registered(monkeypatch):
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)

    snapshot.register(lambda: pytest.fail("There is nothing to restore"))
