"""Report to the browser how long a response took, in a Server-Timing header."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from django.http import HttpRequest, HttpResponseBase

from .thread_limit import WAITED

PARTS = "server_timing"


class ServerTimingMiddleware:
    """
    Send how long a request waited for a thread, how long Django took, and what the view measured itself.

    The values are milliseconds: https://www.w3.org/TR/server-timing/
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        parts: list[str] = []
        setattr(request, PARTS, parts)
        started = perf_counter()
        response = self._get_response(request)
        entries = [
            entry("wait", request.META.get(WAITED, 0.0), "Waiting for a thread"),
            entry("view", perf_counter() - started, "Server processing"),
        ]
        response.headers["Server-Timing"] = ", ".join([*entries, *parts])
        return response


def entry(name: str, seconds: float, label: str) -> str:
    """Return one metric for the header."""
    return f'{name};dur={1000 * seconds:.1f};desc="{label}"'


@contextmanager
def timed(request: HttpRequest, name: str, label: str) -> Iterator[None]:
    """Measure a part of a view, and send the time with its response."""
    started = perf_counter()
    try:
        yield
    finally:
        getattr(request, PARTS, []).append(entry(name, perf_counter() - started, label))
