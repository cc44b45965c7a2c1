"""Read a database's settings from one address, so that a single secret can contain them."""

from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ENGINES = {
    "mysql": "django.db.backends.mysql",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


def from_url(url: str) -> dict[str, object]:
    """
    Return the entry in DATABASES for postgresql://user:password@host:port/name?sslmode=require.

    Raise ImproperlyConfigured if the address is malformed or of another kind. The message doesn't show the
    address, because it contains a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("The port in DATABASE_URL is not a number. Correct it.") from None
    if parts.scheme not in ENGINES or not parts.hostname or len(parts.path) < 2:
        raise ImproperlyConfigured(
            "DATABASE_URL is not an address such as postgresql://user:password@host:5432/name. Correct it: "
            f"use a known scheme ({', '.join(ENGINES)}) and %-codes for special characters in a password."
        )
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname),
        "PORT": port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
        # A function keeps its connection between requests, but freezing the function may have closed it.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
