"""Headers that keep an answer between the server and the browser of one visitor."""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from .arguments import refuse_odd_charset
from .refusals import REFUSALS, refusal
from .tokens import HEADER


def private_answer[View: Callable[..., HttpResponse]](view: View) -> View:
    """
    Make every answer of a view private, also the 404 of a task that the visitor may not see, and a refusal.

    A proxy may store a 404 that doesn't forbid it, and would then give it to the task's owner.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            refuse_odd_charset(request)
            response: HttpResponseBase = view(request, *args, **kwargs)
        except REFUSALS as exc:
            response = keep_private(refusal(request, exc), "Accept")
        return keep_private(response)

    return cast("View", answered)


def keep_private[Response: HttpResponseBase](response: Response, *vary: str) -> Response:
    """
    Return the answer with headers that let no proxy store it, and no page send its address on.

    The address may have a token. CSRF checks need the origin, so Referrer-Policy isn't `no-referrer`.
    """
    if "private" not in response.get("Cache-Control", ""):
        response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ("Cookie", HEADER, *vary))
    response["Referrer-Policy"] = "strict-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response
