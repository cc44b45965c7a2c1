"""Middleware that remembers the current request, so that the tasks it enqueues get its owner and trace."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from .conf.request_owner import current_owner, current_request
from .definition.context import trace

# W3C Trace Context: version, trace id, parent id, flags.
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

__all__ = ["OwnerMiddleware", "current_owner"]


class OwnerMiddleware:
    """Give tasks their owner, whom the session and authentication middleware make known."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.async_mode = iscoroutinefunction(get_response)
        if self.async_mode:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.async_mode:
            return self.__acall__(request)
        with remember(request):
            return self.get_response(request)  # type: ignore[no-any-return]

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        with remember(request):
            return await self.get_response(request)  # type: ignore[no-any-return]


@contextmanager
def remember(request: HttpRequest) -> Iterator[None]:
    """Make a request and its trace context the current ones. Ignore a malformed `traceparent` header."""
    header = request.headers.get("traceparent", "")
    request_token = current_request.set(request)
    trace_token = trace.set(header if TRACEPARENT.fullmatch(header) else None)
    try:
        yield
    finally:
        current_request.reset(request_token)
        trace.reset(trace_token)
