"""The answer of every page while AWS doesn't answer: what happened, and a way on."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from django_offload.aws import failures
from django_offload.aws.explain import explain
from django_offload.exceptions import CallFailed, EnqueueFailed, OutOfTime, ResourceMissing

RETRY_AFTER_SECONDS = 5


class AWSAwayMiddleware:
    """Answer 503 with a page instead of a bare 500 if a view needed AWS, and AWS didn't answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, (EnqueueFailed, CallFailed, OutOfTime, ResourceMissing, *failures())):
            return None
        cause = exception.__cause__ if isinstance(exception, EnqueueFailed) else exception
        context = {
            "started_nothing": request.method == "POST" and not request.path.endswith("/cancel/"),
            # Names of resources and accounts are for developers alone.
            "reason": (explain(cause) or str(cause)) if settings.DEBUG and cause else "",
        }
        response = render(request, "lab/aws_away.html", context, status=503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
