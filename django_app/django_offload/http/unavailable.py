"""The answer to a request for a task while AWS doesn't answer."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from ..aws import READ_SECONDS, at_most, failures
from ..aws.explain import explain
from ..exceptions import OutOfTime, UnreadableRecord
from .access import NOT_FOUND
from .errors import error, json_errors
from .private import keep_private

logger = logging.getLogger("django_offload")

# When a script asks again.
RETRY_AFTER_SECONDS = 5


def unavailable_without_aws[View: Callable[..., HttpResponse]](view: View) -> View:
    """
    Answer 503 if AWS doesn't answer within 5 seconds, and say when to try again.

    A browser that opens the address gets a page, and a script gets JSON.
    """

    @wraps(view)
    def answered(request: HttpRequest, task_id: str) -> HttpResponse:
        try:
            with at_most(READ_SECONDS):
                return view(request, task_id)
        except UnreadableRecord as exc:
            # Nobody knows whose task it is.
            logger.error("Task id=%s is not shown: %s", task_id, exc)
            raise Http404(NOT_FOUND) from exc
        except unreachable() as exc:
            log_unreachable(task_id, exc)
        if request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET":
            response = render(request, "django_offload/unavailable.html", status=503)
        else:
            message = _("The task can't be read at the moment. It isn't lost. Try again shortly.")
            if request.method == "POST":
                message = _(
                    "The task may not have been cancelled, because AWS didn't answer. Try again shortly."
                )
            response = json_errors(error(message, "unavailable"), 503)
        return uncached(response)

    return cast("View", answered)


def uncached(response: HttpResponse) -> HttpResponse:
    """Return the answer with headers that say when to ask again, and that nobody may store it."""
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return keep_private(response, "Sec-Fetch-Mode")


def log_unreachable(task_id: str, exc: Exception) -> None:
    """Log that AWS didn't answer for a task."""
    logger.warning("Task id=%s can't be read: %s", task_id, explain(exc) or exc)


def unreachable() -> tuple[type[Exception], ...]:
    """Return the exceptions of a read that AWS didn't answer, or not in time."""
    return (OutOfTime, *failures())
