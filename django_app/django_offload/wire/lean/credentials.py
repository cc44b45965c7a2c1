"""Who calls: keys from the environment, else whatever botocore finds, imported only then."""

import os
from threading import Lock
from typing import Any, NamedTuple

from .errors import NoCredentials

ACCESS_KEY, SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
# The names that botocore reads, in its order.
TOKENS = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")

_lock = Lock()
_found: dict[int, Any] = {}


class Credentials(NamedTuple):
    """The keys of one caller."""

    access_key: str
    secret_key: str
    token: str | None


def credentials() -> Credentials:
    """
    Return the keys in force now.

    The environment is read each time: keys that were renewed there are in force at once. Raise
    NoCredentials if there are none anywhere.
    """
    environment = os.environ.get
    access_key = environment(ACCESS_KEY)
    if access_key:
        secret_key = environment(SECRET_KEY)
        if not secret_key:
            raise NoCredentials(f"{ACCESS_KEY} is set without {SECRET_KEY}")
        return Credentials(access_key, secret_key, next(filter(None, map(environment, TOKENS)), None))
    return _resolved()


def renewed(used: Credentials) -> bool:
    """Tell whether other keys than `used` are in force by now; AWS says that those have expired."""
    if not os.environ.get(ACCESS_KEY):
        forget()
    return credentials() != used


def forget() -> None:
    """Have what botocore found be looked for again; a child of a fork looks for itself."""
    global _lock  # noqa: PLW0603, a lock that another thread held at the fork would never be free again
    _lock = Lock()
    _found.clear()


def _resolved() -> Credentials:
    """Return keys from a profile, a login, a container or an instance; botocore renews them in time."""
    with _lock:
        found = _found.get(os.getpid())
        if found is None:
            from botocore.session import get_session

            found = _found[os.getpid()] = get_session().get_credentials()
    if found is None:
        raise NoCredentials("there are none in the environment, a profile or a role")
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)
