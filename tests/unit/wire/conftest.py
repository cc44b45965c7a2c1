"""Somebody who calls, and no waiting."""

import pytest

from django_offload import wire
from tests.unit.wire.botocores import ENVIRONMENT


@pytest.fixture(autouse=True)
def somebody(monkeypatch):
    """Give keys by the environment, and nothing else that says who calls, or where."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "REQUESTS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    wire.forget()
    yield
    wire.forget()


@pytest.fixture
def pauses(monkeypatch):
    """Return the pauses between tries, which are not waited for; the longest that jitter allows."""
    found = []
    monkeypatch.setattr("django_offload.wire.lean.call.time.sleep", found.append)
    monkeypatch.setattr("django_offload.wire.lean.retry.random.random", lambda: 1.0)
    return found
