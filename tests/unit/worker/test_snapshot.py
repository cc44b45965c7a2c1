"""SnapStart: what a snapshot may not hold, and what each restored process has of its own."""

import json
import random
import sys
from types import SimpleNamespace

import pytest
from django.db import connections

from django_offload.aws import clients
from django_offload.worker.start import snapshot
from tests.unit.aws.server import Scripted, says
from tests.unit.worker.test_start import started


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
    yield clients.client("sqs", "lean")
    clients.reset_clients()


def opened():
    connections["default"].cursor().execute("SELECT 1")
    return connections["default"]


@pytest.fixture
def connection(database):
    """Return an open connection to a database."""
    return opened()


def test_a_snapshot_holds_no_connection_and_no_keys(runtime, lean, connection, monkeypatch):
    clients.credentials.credentials()
    snapshot.register(lambda: None)

    (before,) = runtime.before
    before()

    assert connection.connection is None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed")
    assert clients.credentials.credentials().secret_key == "renewed"
    assert clients.client("sqs", "lean") is not lean


def test_restored_processes_draw_numbers_of_their_own_and_are_prepared(runtime, lean, connection):
    prepared = []
    snapshot.register(lambda: prepared.append(clients.client("sqs", "lean")))
    (after,) = runtime.after
    state, drawn = random.getstate(), set()

    for _ in range(3):
        random.setstate(state)
        after()
        drawn.add(random.random())

    assert len(drawn) == 3
    assert len({id(client) for client in (lean, *prepared)}) == 4
    assert connection.connection is None


def test_what_finds_keys_is_imported_before_the_snapshot_and_asked_after_it():
    """Lambda gives a function with snapshots its keys by HTTP, not in the environment."""
    keys = {"AccessKeyId": "RESTORED", "SecretAccessKey": "s", "Token": "t"}
    keys |= {"Expiration": "2099-01-01T00:00:00Z"}
    server = Scripted(says(json.dumps(keys).encode()))
    program = """
import sys, django
django.setup()
from django_offload.worker.start import snapshot
from django_offload.aws import credentials
before = "botocore.session" in sys.modules
snapshot.freeze()
print(before, "botocore.session" in sys.modules, credentials._provider)
names = set(sys.modules)
snapshot.resume(lambda: None)
new = set(sys.modules) - names
print(credentials._provider.access_key, sorted(name for name in new if "botocore" in name))
"""

    try:
        said = started(
            program,
            AWS_ACCESS_KEY_ID="",
            AWS_SECRET_ACCESS_KEY="",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{server.url}/keys",
        )
    finally:
        server.close()

    assert said.splitlines() == ["False True None", "RESTORED []"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("door", ["sweeper", "dead_letter"])
def test_functions_that_run_no_tasks_register_too(door):
    program = f"""
import sys, types
hooks = types.ModuleType("snapshot_restore_py")
told = []
hooks.register_before_snapshot = lambda *given: told.append("before")
hooks.register_after_restore = lambda *given: told.append("after")
sys.modules["snapshot_restore_py"] = hooks
import lambdas.{door}
print(told)
"""

    assert started(program) == "['before', 'after']\n"


def test_where_the_runtime_knows_no_snapshots_nothing_is_registered(monkeypatch):
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)

    snapshot.register(lambda: pytest.fail("There is nothing to restore"))
