"""The AWS clients: one per service and process, made when first asked for."""

import os
import sys
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, NoReturn

from ..exceptions import CallFailed
from .lean import Client as LeanClient
from .lean import client_of, credentials
from .time_budget import bind

BOTO3, LEAN = "boto3", "lean"

_clients: dict[tuple[int, str], Any] = {}
_lean: dict[str, LeanClient | None] = {}
_lock = Lock()
# Whose they are: a server that forks outside of Python, as uWSGI does, has Python tell nobody.
_pid = os.getpid()

HOT = frozenset({"dynamodb", "lambda", "sqs"})
# AWS answers these calls within milliseconds; a worker must not wait away its deadline.
CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
TRIES = 4


def client(service: str, kind: str = BOTO3) -> Any:
    """
    Return this process's client of a service, configured by boto3's own standard means.

    `kind` "lean" is a client of our own, wherever that can reach the service, else boto3's. Safe from any
    thread, and after a fork: a child makes its own.
    """
    if os.getpid() != _pid:
        _start_anew()
    if kind == LEAN:
        try:
            lean = _lean[service]
        except KeyError:
            lean = _new_lean(service)
        if lean is not None:
            return lean
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
        # Arguments of the hot path are made here and tested; to look at them again takes a tenth of a call.
        parameter_validation=service not in HOT,
    )
    made = boto3.session.Session().client(service, config=config)
    bind(made, READ_TIMEOUT_SECONDS)
    return made


def _new_lean(service: str) -> LeanClient | None:
    with _lock:
        if service not in _lean:
            _lean[service] = client_of(
                service, connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS, tries=TRIES
            )
        return _lean[service]


def under_way(client: Any, operation: str, **arguments: Any) -> Callable[[], dict[str, Any]]:
    """
    Begin a call, and return what waits for its result.

    The lean client sends at once, so that several are under way together; boto3 makes the call at once, so
    that those begun first have most of the time. Either way, a failure is told to whoever waits.
    """
    if isinstance(client, LeanClient):
        return client.begin(operation, **arguments).result
    try:
        made: dict[str, Any] = getattr(client, operation)(**arguments)
    except failures() as exc:
        return partial(_fail, exc)
    return lambda: made


def _fail(failure: Exception) -> NoReturn:
    raise failure


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions by which a client says that a call failed."""
    if "botocore.exceptions" not in sys.modules:  # What is not imported, nobody raises.
        return (CallFailed,)
    from botocore.exceptions import BotoCoreError, ClientError

    return (CallFailed, BotoCoreError, ClientError)


def reset_clients() -> None:
    """Drop every client: the environment names another endpoint, region or account from now on."""
    _clients.clear()
    while _lean:
        _, lean = _lean.popitem()
        if lean is not None:
            lean.close()
    credentials.drop_credentials()


def _start_anew() -> None:
    """Do without what the parent of a fork has: its connections, and locks that its threads may hold."""
    global _lock, _pid
    _lock, _pid = Lock(), os.getpid()
    reset_clients()


os.register_at_fork(after_in_child=_start_anew)
