"""The answer of every page while AWS doesn't answer: what happened, and a way on."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from django_offload.aws import READ_SECONDS, at_most, failures
from django_offload.aws.explain import explain
from django_offload.exceptions import EnqueueFailed, OutOfTime, ResourceMissing

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
READ_METHODS = {"GET", "HEAD"}
CANT_READ = "Tasks can't be read at the moment. Accepted ones aren't lost. Open this page again in a minute."
# A send that wasn't confirmed may have arrived all the same.
NOT_STARTED = (
    "Your task may not have been started, because AWS didn't confirm it. Start it again in a minute. If AWS "
    "received the first one all the same, it runs too, but no page can follow it."
)
# What a form couldn't do, by the name of its URL.
UNDONE = {
    "in-request": (
        "Your report couldn't be stored, because AWS didn't answer. It was thrown away. Run it again in a "
        "minute."
    ),
    "picture-cancel": "Not every tile was cancelled, because AWS didn't answer. Cancel the picture again.",
}


class AWSAwayMiddleware:
    """Answer 503 with a page instead of a bare 500 if a view needed AWS, and AWS didn't answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in READ_METHODS:
            return self._get_response(request)
        with at_most(READ_SECONDS):  # A page may read many tasks, such as the tiles of a picture.
            return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, (EnqueueFailed, OutOfTime, ResourceMissing, *failures())):
            return None
        cause = exception.__cause__ if isinstance(exception, EnqueueFailed) else exception
        reason = (explain(cause) or str(cause)) if cause else str(exception)
        logger.warning("%s %s needed AWS: %s", request.method, request.path, reason)
        match = request.resolver_match
        undone = UNDONE.get(match.url_name or "", NOT_STARTED) if match else NOT_STARTED
        context = {
            "happened": CANT_READ if request.method in READ_METHODS else undone,
            # Names of resources and accounts are for developers alone.
            "reason": reason if settings.DEBUG else "",
        }
        response = render(request, "lab/aws_away.html", context, status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
