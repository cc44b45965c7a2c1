"""The hosts that only this machine reaches."""

from urllib.parse import urlsplit

# What the local AWS binds to.
LOOPBACK = "127.0.0.1"
LOOPBACK_HOSTS = frozenset({LOOPBACK, "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Return True if the URL leads to this machine alone."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS
