"""The Content-Security-Policy on Django 5.2, as Django itself sends it from 6.0 on. Only the settings use this."""

import secrets
from collections.abc import Callable
from enum import StrEnum

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject


class CSP(StrEnum):
    """The sources that the settings name."""

    NONE = "'none'"
    NONCE = "<nonce>"
    SELF = "'self'"


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Send SECURE_CSP with each response."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        value = getattr(request, "csp_nonce", None)
        sources = {CSP.NONCE: f"'nonce-{value}'" if value else ""}
        response.headers["Content-Security-Policy"] = "; ".join(
            " ".join([directive, *filter(None, (sources.get(source, source) for source in allowed))])
            for directive, allowed in settings.SECURE_CSP.items()
        )
        return response

    return respond


def nonce(request: HttpRequest) -> dict[str, object]:
    """Give templates `csp_nonce`, which is made when one prints it."""

    def make() -> str:
        value = secrets.token_urlsafe(16)
        request.csp_nonce = value  # type: ignore[attr-defined]
        return value

    return {"csp_nonce": SimpleLazyObject(make)}
