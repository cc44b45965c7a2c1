"""An AWS that accepts connections and never answers, or that nobody can reach."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from django_offload.aws import clients
from tests.unit.aws.server import Scripted, says

PATIENCE_SECONDS = 0.8
# Where the bound of a page's reads is used.
BOUNDS = ("django_offload.aws.time_budget", "django_offload.board.pages", "django_offload.http.unavailable")


@contextmanager
def calling(settings: Any, tasks: dict[str, Any], client: str, url: str) -> Iterator[None]:
    """Call AWS at this address with this client, and wait for reads only so long as a test can."""
    for alias in tasks.values():
        # A stack of its own, because fixtures keep those of other tests in memory.
        alias["OPTIONS"] |= {"client": client, "in_tests": "send", "stack": "silent-dev"}
    settings.TASKS = {**tasks}
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("AWS_ENDPOINT_URL", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patches.setenv(name, "x")
        patches.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for module in BOUNDS:
            patches.setattr(f"{module}.READ_SECONDS", PATIENCE_SECONDS)
        patches.setattr("django_offload.sending.enqueue.SEND_SECONDS", PATIENCE_SECONDS)
        clients.reset_clients()
        try:
            yield
        finally:
            clients.reset_clients()


@contextmanager
def silent_server() -> Iterator[str]:
    """Return the address of a server that accepts requests and answers none."""
    silence = threading.Event()
    server = Scripted(*[lambda connection: silence.wait(30) and says()(connection)] * 40)
    try:
        yield server.url
    finally:
        silence.set()
        server.close()
