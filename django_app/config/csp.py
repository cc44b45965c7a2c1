"""The Content-Security-Policy on Django 5.2, as Django sends it itself from 6.0 on."""

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
    """Send SECURE_CSP with each response that has no policy of its own."""

    def respond(request: HttpRequest) -> HttpResponse:
        printed = list[str]()

        def make_nonce() -> str:
            printed.append(secrets.token_urlsafe(16))
            return printed[0]

        request.csp_nonce = SimpleLazyObject(make_nonce)  # type: ignore[attr-defined]
        response = get_response(request)
        sources: dict[str, str] = {CSP.NONCE: f"'nonce-{printed[0]}'" if printed else ""}
        directives = (
            " ".join([directive, *filter(None, (sources.get(source, source) for source in allowed))])
            for directive, allowed in settings.SECURE_CSP.items()
        )
        response.headers.setdefault("Content-Security-Policy", "; ".join(directives))
        return response

    return respond


def nonce(request: HttpRequest) -> dict[str, object]:
    """Give templates `csp_nonce`, which is made when one prints it."""
    return {"csp_nonce": getattr(request, "csp_nonce", None)}
