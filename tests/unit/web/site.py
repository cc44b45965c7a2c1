"""Small sites for the web function's handler."""

from dataclasses import dataclass, field
from typing import Any

from django_offload.web.handler import Handler
from django_offload.web.requests import Site


@dataclass
class Seen:
    """What an application was called with."""

    environ: dict[str, Any]
    body: bytes = field(default=b"")


def seen_by(event: Any, site: Site | None = None) -> Seen:
    """Return what the application gets of an event."""
    seen: list[Seen] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(Seen(environ, environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []

    Handler(application, site or Site())(event, None)
    (one,) = seen
    return one


def answering(status: str, headers: list[tuple[str, str]], *body: bytes) -> Any:
    """Return an application with one answer."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, headers)
        return list(body)

    return application
