"""The owner of the current request: the default of OPTIONS["owner"]."""

from contextvars import ContextVar
from hashlib import sha256

from django.http import HttpRequest

# The middleware sets it while it answers a request.
current_request: ContextVar[HttpRequest | None] = ContextVar("django_offload_request", default=None)


def current_owner() -> str | None:
    """Return the owner of the current request (its user, or else its session), or None outside a request."""
    request = current_request.get()
    return None if request is None else owner_of(request, create=True)


def owner_of(request: HttpRequest, *, create: bool = False) -> str | None:
    """
    Return the owner of a request as "user:<pk>" or "session:<hash>", or None if it has neither.

    With `create`, a visitor without a session gets one.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    session = getattr(request, "session", None)
    if session is None:
        return None
    if create and not session.session_key:
        session.create()
    return owner_of_session(session.session_key) if session.session_key else None


def owner_of_session(key: str) -> str:
    # A session key is as good as a password, so records contain only a hash of its 160 random bits.
    digest = sha256(f"django_offload.owner:{key}".encode()).hexdigest()[:32]
    return f"session:{digest}"
