"""What went wrong on a page of the board, as one sentence with what to do."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from ..aws import failures
from ..aws.explain import explain
from ..conf import stacks
from ..exceptions import OffloadError

ON_AWS = "Where the site runs on Lambda, its stack needs the parameter BoardEnabled=true."
NO_STACK = "TASKS names no backend of django-offload: give one an alias, as the README shows."


def told[View: Callable[..., HttpResponse]](view: View) -> View:
    """Answer with a page that says what is wrong where AWS or the configuration stands in the way."""

    @wraps(view)
    def answer(pages: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not stacks():
            return _page(pages, request, NO_STACK)
        try:
            return view(pages, request, *args, **kwargs)
        except OffloadError as exc:
            return _page(pages, request, str(exc))
        except failures() as exc:
            return _page(pages, request, f"{explain(exc) or exc} {ON_AWS}")

    return cast("View", answer)


def _page(pages: Any, request: HttpRequest, sentence: str) -> HttpResponse:
    context = {**pages.context(request, "Tasks"), "sentence": sentence}
    return TemplateResponse(request, "admin/django_offload/task/trouble.html", context, status=503)
