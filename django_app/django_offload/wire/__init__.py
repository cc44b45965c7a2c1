"""The AWS clients: one per service and process, made when first asked for."""

import os
from threading import Lock
from typing import Any

from .budget import bind, within

__all__ = ["client", "failures", "forget", "within"]

_clients: dict[tuple[int, str], Any] = {}
_lock = Lock()

# AWS answers these calls within milliseconds; a worker must not wait away its deadline.
CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
TRIES = 4


def client(service: str) -> Any:
    """
    Return this process's boto3 client of a service, configured by boto3's own standard means.

    Safe from any thread, and after a fork: a child makes its own.
    """
    key = (os.getpid(), service)
    found = _clients.get(key)
    if found is None:
        with _lock:
            found = _clients.get(key)
            if found is None:
                found = _clients[key] = _new(service)
    return found


def _new(service: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        tcp_keepalive=True,
        max_pool_connections=32,
    )
    made = boto3.session.Session().client(service, config=config)
    bind(made, READ_TIMEOUT_SECONDS)
    return made


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions by which a client says that a call failed."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def forget() -> None:
    """Drop every client: the environment names another endpoint, region or account from now on."""
    _clients.clear()


os.register_at_fork(after_in_child=forget)
