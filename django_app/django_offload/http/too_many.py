"""Ask a throttle, and answer 429 to a client that must wait."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from inspect import isawaitable, ismethod, signature
from math import ceil, isfinite
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..conf import shown
from .arguments import prefers_html
from .errors import error, json_errors
from .private import keep_private

# Returns None, or the time to wait.
type OneThrottle = Callable[[HttpRequest], float | timedelta | None]
type Throttles = OneThrottle | Sequence[OneThrottle]

LONGEST_WAIT = 366 * 86_400
# A page says shorter waits in seconds, or in minutes.
SHORTEST_IN_MINUTES, SHORTEST_IN_HOURS = 120, 7_200
# The event that htmx triggers on the element that made the request.
HTMX_EVENT = "offload:throttled"


def call_throttle(view: object, throttle: Throttles, request: HttpRequest) -> Any:
    """
    Return what a view's throttle returns, or the first wait of several throttles.

    Raise TypeError if one can't be called with a request.
    """
    name = f"{type(view).__name__}.throttle"
    if isinstance(throttle, list | tuple):
        waits = (call_throttle(view, one, request) for one in throttle)
        return next((wait for wait in waits if seconds_of(wait, view) is not None), None)
    if not callable(throttle) or isinstance(throttle, type):
        raise TypeError(
            f"{name} is {shown(throttle)}. Set a callable that takes the request, such as Throttle('10/m')."
        )
    if ismethod(throttle) and throttle.__self__ is view:
        try:
            signature(throttle).bind(request)
        except TypeError as exc:
            raise TypeError(
                f"{name} is a function, of which Python makes a method. Write "
                f"throttle = staticmethod({throttle.__name__})."
            ) from exc
    return throttle(request)


def seconds_of(wait: object, view: object) -> int | None:
    """
    Return a time to wait as whole seconds, rounded up, or None for no wait, which 0 means too.

    Raise TypeError or ValueError for anything else than a number or a timedelta up to 366 days.
    """
    if wait is None:
        return None
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    advice = "Return None to let the request through, or the seconds to wait as a number or timedelta"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        if isawaitable(wait) and hasattr(wait, "close"):
            wait.close()  # A coroutine that nobody awaits would warn later.
        raise TypeError(f"The throttle of {type(view).__name__} returned {shown(wait)}. {advice}.")
    if not (isinstance(seconds, int) or isfinite(seconds)) or not 0 <= seconds <= LONGEST_WAIT:
        raise ValueError(
            f"The throttle of {type(view).__name__} returned {shown(wait)}. {advice}, from 0 to 366 days."
        )
    return ceil(seconds) or None


def time_in_words(wait: int) -> str:
    """Return a number of seconds as a text that a person reads, rounded up: "42 seconds", "3 hours"."""
    if wait < SHORTEST_IN_MINUTES:
        return ngettext("%(number)d second", "%(number)d seconds", wait) % {"number": wait}
    if wait < SHORTEST_IN_HOURS:
        minutes = ceil(wait / 60)
        return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}
    hours = ceil(wait / 3_600)
    return ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours}


def too_many_requests(request: HttpRequest, wait: int) -> HttpResponse:
    """
    Return the 429 answer to a request that must wait so many seconds: JSON, or a page for a browser.

    The answer is private, as all answers of TriggerView are, so a view of your own can return it as it is.
    htmx gets a paragraph, and the event "offload:throttled" with the seconds, because it shows no answer
    with an error unless the page says so.
    """
    message = _("Too many requests. Try again in %(time)s.") % {"time": time_in_words(wait)}
    htmx = "HX-Request" in request.headers
    if htmx or prefers_html(request):
        template = f"django_offload/{'_throttled' if htmx else 'throttled'}.html"
        response = render(request, template, {"message": message, "wait": wait}, status=429)
    else:
        response = json_errors(error(message, "throttled"), 429)
    if htmx:
        response["HX-Trigger"] = json.dumps({HTMX_EVENT: {"wait": wait}})
    response["Retry-After"] = str(wait)
    return keep_private(response, "Accept", "HX-Request")
