"""The credentials of calls: from the environment, or from botocore, which is imported only if needed."""

import os
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

from ...exceptions import NoCredentials

ACCESS_KEY, SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
# The names that botocore reads, in its order.
TOKENS = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")
# Where a process without keys in its environment gets them, as one that Lambda restores from a snapshot:
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
CONTAINER = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")


class Credentials(NamedTuple):
    """The keys of one caller."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        """Show the access key, and no secret."""
        return f"Credentials({self.access_key!r}, …)"


_lock = Lock()
# Where AWS's variables are read. In development they may be those of a local AWS instead.
_variables: Mapping[str, str] = os.environ
_environment: Credentials | None = None  # As last read from the environment.
_provider: Any = None  # Botocore's credentials, which it renews.
_validated: Credentials | None = None  # The last ones of the provider that passed validated().


def credentials() -> Credentials:
    """
    Return the credentials in force now. Raise NoCredentials if there are none.

    Each call reads the environment's access key, so that renewed keys are in force at once. If only the
    other values have changed, AWS refuses a call and renewed_since() reads them again.
    """
    global _environment  # noqa: PLW0603, what is read often
    access_key = _variables.get(ACCESS_KEY)
    if not access_key:
        return credentials_of_botocore()
    current = _environment
    if current is None or current.access_key != access_key:
        secret_key = _variables.get(SECRET_KEY)
        if not secret_key:
            raise NoCredentials(f"{ACCESS_KEY} is set without {SECRET_KEY}")
        token = next(filter(None, map(_variables.get, TOKENS)), None)
        current = validated(Credentials(access_key, secret_key, token), "the environment")
        _environment = current
    return current


def credentials_of_botocore() -> Credentials:
    """Return credentials of a profile, login, container or instance; botocore renews them in time."""
    global _provider, _validated  # noqa: PLW0603
    with _lock:
        if _provider is None:
            from botocore.session import get_session

            _provider = get_session().get_credentials()
        provider = _provider
    if provider is None:
        raise NoCredentials("there are none in the environment, a profile or a role")
    frozen = provider.get_frozen_credentials()
    current = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
    if current != _validated:
        _validated = validated(current, "a profile or a role")
    return current


def validated(candidate: Credentials, origin: str) -> Credentials:
    """Return the credentials. Raise NoCredentials if a header cannot contain one of their values."""
    for name, value in zip(("access key", "secret key", "token"), candidate, strict=True):
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise NoCredentials(
                f"the {name} in {origin} contains a blank, a line break (perhaps at the end of a file) or "
                "a character beyond ASCII"
            )
    return candidate


def renewed_since(refused: Credentials) -> bool:
    """Read the credentials again, and return True if they differ from those that AWS refused."""
    drop_credentials()
    return credentials() != refused


def preload() -> None:
    """Import what credentials() will need if the environment contains no keys; this makes no call."""
    if any(map(os.environ.get, CONTAINER)):
        import botocore.session  # noqa: F401


def variables() -> Mapping[str, str]:
    """Return AWS's variables, as use_variables() has set them."""
    return _variables


def use_variables(new: Mapping[str, str]) -> None:
    """Read AWS's variables there from now on, and drop all credentials."""
    global _variables  # noqa: PLW0603, what is read often
    _variables = new
    drop_credentials()


def drop_credentials() -> None:
    """Drop all credentials, so that the next call reads the environment or asks botocore again."""
    global _lock, _environment, _provider, _validated
    # A new lock, because in a forked child another thread's lock would never be released.
    _lock, _environment, _provider, _validated = Lock(), None, None, None
