"""The AWS clients: one per service and process, created at its first use."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings

from ..conf import ENV_STACK
from ..exceptions import CallFailed, LocalAWSMissing
from .lean import Client as LeanClient
from .lean import client_of, credentials
from .lean.endpoint import ENDPOINT, mocked_by_moto, names_endpoint_for
from .time_budget import apply_to_boto3

if TYPE_CHECKING:
    from .development import FoundSession

# Starts a call, and returns a callable that waits for its result.
type Starter[T] = Callable[[], Callable[[], T]]

BOTO3, LEAN = "boto3", "lean"

_clients: dict[tuple[int, str], Any] = {}
_lean_clients: dict[str, LeanClient | None] = {}
# The local AWS that this process has found, and uses.
_local_aws: "FoundSession | None" = None
# True if this process may call AWS even in development, because its command names a stage.
_aws_allowed = False
_lock = Lock()
# The process that owns them. A server that forks outside Python, as uWSGI does, does not call Python's hooks.
_pid = os.getpid()

HOT_SERVICES = frozenset({"dynamodb", "lambda", "sqs"})
# AWS answers these calls within milliseconds. A worker must not wait until its deadline for an answer.
CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
TRIES = 4


def client(service: str, kind: str = BOTO3) -> Any:
    """
    Return this process's client of a service. It uses boto3's own configuration.

    With `kind` "lean", return the lean client if it can reach the service, and boto3's client otherwise. All
    threads can call this function, and so can a forked child, which creates its own clients.
    """
    if os.getpid() != _pid:
        reset_after_fork()
    found = _local_aws  # Another thread may drop it.
    if found is not None and not found.is_current:
        leave_local_aws(found)
    if kind == LEAN:
        # No `except KeyError`: an error while the client is made would be shown as a consequence of it.
        lean_client = _lean_clients.get(service)
        if lean_client is None:
            lean_client = create_lean_client(service)
        if lean_client is not None:
            return lean_client
    key = (os.getpid(), service)
    boto3_client = _clients.get(key)
    if boto3_client is None:
        with _lock:
            boto3_client = _clients.get(key)
            if boto3_client is None:
                boto3_client = _clients[key] = create_boto3_client(service)
    return boto3_client


def lead_to_local_aws(service: str) -> None:
    """
    Use the local AWS of the project, if this is a development process and its environment names none.

    Raise LocalAWSMissing if none runs, unless TASKS allows AWS. A process in Lambda or in a deployed stack is
    no development process. The caller holds the lock.
    """
    global _local_aws  # noqa: PLW0603, one for all services
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ or _local_aws is not None or _aws_allowed:
        return
    # Settings that aren't loaded yet are those of a process that reads its secrets.
    if not (settings.configured and settings.DEBUG):
        return
    if os.environ.get(ENV_STACK) or names_endpoint_for(ENDPOINT) or mocked_by_moto():
        return
    from .development import find_session_of_project, forbidding_aliases

    found = find_session_of_project()
    if found is None:
        if aliases := forbidding_aliases(service):
            raise LocalAWSMissing(aliases)
        return
    # A client from before it ran calls AWS, and would read the keys of this one.
    close_clients()
    # os.environ stays as it is, because other code in this process may use AWS on purpose.
    others = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    credentials.use_variables({**others, **found.session.variables})
    _local_aws = found


def leave_local_aws(found: "FoundSession") -> None:
    """Drop the clients of a local AWS that has ended, unless another thread has dropped them already."""
    with _lock:  # A client that is being created must not lose where it leads.
        if _local_aws is found:
            reset_clients()


@contextmanager
def aws_allowed() -> Iterator[None]:
    """Have this process call AWS even in development, because the command inside the block names a stage."""
    global _aws_allowed  # noqa: PLW0603, for all threads
    reset_clients()
    _aws_allowed = True
    try:
        yield
    finally:
        _aws_allowed = False
        reset_clients()


def create_boto3_client(service: str) -> Any:
    """Create a client of boto3. The caller holds the lock."""
    import boto3
    from botocore.config import Config

    lead_to_local_aws(service)
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        tcp_keepalive=True,
        max_pool_connections=32,
        # The library creates these arguments and tests cover them, so that validation is not worth its time.
        parameter_validation=service not in HOT_SERVICES,
    )
    if _local_aws is None:
        boto3_client = boto3.session.Session().client(service, config=config)
    else:
        boto3_client = create_local_client(service, config, _local_aws.session.variables)
    apply_to_boto3(boto3_client, READ_TIMEOUT_SECONDS)
    return boto3_client


def create_local_client(service: str, config: Any, variables: Mapping[str, str]) -> Any:
    """Create a client of boto3 that calls a local AWS, whatever the environment and profiles say."""
    import boto3
    from botocore.config import Config
    from botocore.session import Session

    # No profile: one that AWS_PROFILE names may not exist, or may name endpoints.
    names = ("profile", "config_file", "credentials_file", "ca_bundle", "use_fips_endpoint")
    unset = dict.fromkeys((*names, "use_dualstack_endpoint"), (None, None, None, None))
    session = boto3.session.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
        botocore_session=Session(session_vars=unset),
    )
    endpoint = variables["AWS_ENDPOINT_URL_LAMBDA" if service == "lambda" else "AWS_ENDPOINT_URL"]
    # A proxy can't reach this machine, and must not see the keys.
    return session.client(service, endpoint_url=endpoint, config=config.merge(Config(proxies={})))


def create_lean_client(service: str) -> LeanClient | None:
    with _lock:
        if service not in _lean_clients:
            lead_to_local_aws(service)
            _lean_clients[service] = (
                None
                if mocked_by_moto()
                else client_of(
                    service, connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS, tries=TRIES
                )
            )
        return _lean_clients[service]


def has_lean_clients() -> bool:
    """Return True if this process has made a client that isn't boto3's."""
    return any(lean_client is not None for lean_client in _lean_clients.values())


def under_way(client: Any, operation: str, **arguments: Any) -> Callable[[], dict[str, Any]]:
    """
    Start a call, and return a callable that waits for its result and returns it.

    The lean client only sends the request, so that several calls are under way together. boto3 makes the
    whole call at once, so that the calls started first have most of the time. Both raise failures only in
    the callable.
    """
    if isinstance(client, LeanClient):
        return client.begin(operation, **arguments).result
    try:
        result: dict[str, Any] = getattr(client, operation)(**arguments)
    except failures() as exc:
        return partial(raise_failure, exc)
    return lambda: result


def raise_failure(failure: Exception) -> NoReturn:
    raise failure


def begun[T](start: Starter[T]) -> Callable[[], T | Exception]:
    """Start a call, and return a callable that waits for it and returns its result or its exception."""
    try:
        return partial(outcome, start())
    except Exception as exc:  # noqa: BLE001, a call that fails must not stop the others
        failure = exc
        return lambda: failure


# No function inside begun(): Python would compute its annotation, a union, for each call.
def outcome[T](wait: Callable[[], T]) -> T | Exception:
    """Wait for a call, and return its result or its exception."""
    try:
        return wait()
    except Exception as exc:  # noqa: BLE001, the same
        return exc


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions that a client raises if a call fails."""
    if "botocore.exceptions" not in sys.modules:  # A module that is not imported raises nothing.
        return (CallFailed,)
    from botocore.exceptions import BotoCoreError, ClientError

    return (CallFailed, BotoCoreError, ClientError)


def reset_clients() -> None:
    """Drop every client, because the environment now names another endpoint, region or account."""
    global _local_aws  # noqa: PLW0603, one for all services
    _local_aws = None
    close_clients()
    credentials.use_variables(os.environ)


def close_clients() -> None:
    _clients.clear()
    while _lean_clients:
        _, lean_client = _lean_clients.popitem()
        if lean_client is not None:
            lean_client.close()


def reset_after_fork() -> None:
    """Drop the parent's connections, and its locks, which threads of the parent may hold."""
    global _lock, _pid
    _lock, _pid = Lock(), os.getpid()
    reset_clients()


os.register_at_fork(after_in_child=reset_after_fork)
