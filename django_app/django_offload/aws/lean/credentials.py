"""Who calls: keys from the environment, else whatever botocore finds, imported only then."""

import os
from threading import Lock
from typing import Any, NamedTuple

from ...exceptions import NoCredentials

ACCESS_KEY, SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
# The names that botocore reads, in its order.
TOKENS = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")
# Where a process gets its keys that has none in its environment, as one that Lambda restores of a snapshot:
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
CONTAINER = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")


class Credentials(NamedTuple):
    """The keys of one caller."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        """Name whose they are, and no secret."""
        return f"Credentials({self.access_key!r}, …)"


_lock = Lock()
_environment: Credentials | None = None  # As last read.
_found: Any = None  # By botocore.
_kept: Credentials | None = None  # Of those, as last frozen.


def credentials() -> Credentials:
    """
    Return the keys in force now.

    The environment's access key is looked at each time: keys that were renewed there are in force at once;
    what else may have changed, AWS's refusal tells. Raise NoCredentials if there are none anywhere.
    """
    global _environment  # noqa: PLW0603, what is read often
    access_key = os.environ.get(ACCESS_KEY)
    if not access_key:
        return _resolved()
    kept = _environment
    if kept is None or kept.access_key != access_key:
        kept = _environment = _read(access_key)
    return kept


def renewed(used: Credentials) -> bool:
    """Tell whether other keys than `used` are in force by now, which AWS has refused."""
    drop_credentials()
    return credentials() != used


def foresee() -> None:
    """Import what finding keys will take, where they are not in the environment; nobody is asked for any."""
    if any(map(os.environ.get, CONTAINER)):
        import botocore.session  # noqa: F401


def drop_credentials() -> None:
    """Read the environment again, and have botocore look again."""
    global _lock, _environment, _found, _kept
    # Anew, for in a child of a fork another thread's lock would never be free.
    _lock, _environment, _found, _kept = Lock(), None, None, None


def _read(access_key: str) -> Credentials:
    """Return the keys that the environment holds."""
    secret_key = os.environ.get(SECRET_KEY)
    if not secret_key:
        raise NoCredentials(f"{ACCESS_KEY} is set without {SECRET_KEY}")
    token = next(filter(None, map(os.environ.get, TOKENS)), None)
    return _checked(Credentials(access_key, secret_key, token), "the environment")


def _resolved() -> Credentials:
    """Return keys from a profile, a login, a container or an instance; botocore renews them in time."""
    global _found, _kept  # noqa: PLW0603
    with _lock:
        if _found is None:
            from botocore.session import get_session

            _found = get_session().get_credentials()
        found = _found
    if found is None:
        raise NoCredentials("there are none in the environment, a profile or a role")
    frozen = found.get_frozen_credentials()
    now = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
    if now != _kept:
        _kept = _checked(now, "a profile or a role")
    return now


def _checked(read: Credentials, origin: str) -> Credentials:
    """Return what was read. Raise NoCredentials if any of it cannot stand in a header."""
    for name, value in zip(("access key", "secret key", "token"), read, strict=True):
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise NoCredentials(
                f"the {name} in {origin} holds a character that none has: a blank, a line break (at the end "
                "of a file, perhaps) or one beyond ASCII"
            )
    return read
