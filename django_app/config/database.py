"""A database as one address, which a secret can hold."""

from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ENGINES = {
    "mysql": "django.db.backends.mysql",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


def from_url(url: str) -> dict[str, object]:
    """
    Return what DATABASES holds for postgresql://user:password@host:port/name?sslmode=require.

    Raise ImproperlyConfigured, without the address, which holds a password, if it is none of a known kind.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("DATABASE_URL has a port that is no number. Correct it.") from None
    if parts.scheme not in ENGINES or not parts.hostname or len(parts.path) < 2:
        raise ImproperlyConfigured(
            "DATABASE_URL is not an address such as postgresql://user:password@host:5432/name "
            f"(known: {', '.join(ENGINES)}). Correct it; of special characters in a password use the %-codes."
        )
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname),
        "PORT": port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
        # A function serves one request at a time and keeps its connection, which its freezing may have ended.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
