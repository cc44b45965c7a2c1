"""Keep the site's answers between the server and one browser, also those of errors."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


def private_answers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """
    Let no proxy store an answer that doesn't say itself who may.

    Each page shows a visitor's own runs, and a 404 may be the answer to somebody else. A browser may keep
    the page for its button Back.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private")
        patch_vary_headers(response, ["Cookie"])
        return response

    return respond
