"""The hosts that only this machine can reach."""

from urllib.parse import urlsplit

# The local AWS listens here.
LOOPBACK = "127.0.0.1"
LOOPBACK_HOSTS = frozenset({LOOPBACK, "localhost", "::1"})


def is_loopback(url: str) -> bool:
    """Return True if the URL names this machine."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS
