"""Remembers, while a request is answered, who makes it: so tasks know their owner."""

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
    """Belongs after the session and authentication middleware."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._answer(request)
        with _remembered(request):
            return self.get_response(request)  # type: ignore[no-any-return]

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with _remembered(request):
            return await self.get_response(request)  # type: ignore[no-any-return]


@contextmanager
def _remembered(request: HttpRequest) -> Iterator[None]:
    sent = request.headers.get("traceparent", "")
    tokens = current_request.set(request), trace.set(sent if TRACEPARENT.fullmatch(sent) else None)
    try:
        yield
    finally:
        current_request.reset(tokens[0])
        trace.reset(tokens[1])
