"""What a response took, told to the browser in a Server-Timing header."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from django.http import HttpRequest, HttpResponseBase

from .threads import WAITED

PARTS = "server_timing"


class ServerTimingMiddleware:
    """
    Send how long a request waited for a thread, how long Django had it, and what its view timed of itself.

    Milliseconds, as https://www.w3.org/TR/server-timing/ has them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        parts: list[str] = []
        setattr(request, PARTS, parts)
        started = perf_counter()
        response = self._get_response(request)
        whole = [
            entry("wait", request.META.get(WAITED, 0.0), "Waiting for a thread"),
            entry("view", perf_counter() - started, "Server processing"),
        ]
        response.headers["Server-Timing"] = ", ".join([*whole, *parts])
        return response


def entry(name: str, seconds: float, words: str) -> str:
    """Return one metric of the header."""
    return f'{name};dur={1000 * seconds:.1f};desc="{words}"'


@contextmanager
def timed(request: HttpRequest, name: str, words: str) -> Iterator[None]:
    """Time a part of a view, to be sent with its response."""
    started = perf_counter()
    try:
        yield
    finally:
        getattr(request, PARTS, []).append(entry(name, perf_counter() - started, words))
