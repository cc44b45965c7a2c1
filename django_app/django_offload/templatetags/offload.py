"""{% load offload %} shows the progress of a task on a page."""

import logging
from typing import Any

from django import template
from django.http import Http404, HttpRequest

from ..definition.offload_task import AnyResult
from ..http.pieces import PieceWords, TaskProgress, piece_context
from ..logs.escaping import printable

register = template.Library()
logger = logging.getLogger("django_offload")


@register.inclusion_tag("django_offload/progress.html", takes_context=True)
def task_progress(
    context: template.Context,
    result: AnyResult | str,
    *,
    label: str = "",
    then: str = "",
    link: str = "",
    htmx: bool = False,
    refresh: str = "",
) -> dict[str, Any]:
    """
    Show the progress of a task and keep it up to date. `result` is a task result or its id.

    - `label` names the bar for screen readers.
    - `then` is the address of a link that appears when the task is done, and `link` is its text. The address
      begins with http://, https:// or `/`, or is relative to the page. Others make no link.
    - With `htmx`, the htmx of your page polls instead of the library's script.
    - `refresh` is the address of the link for browsers without JavaScript. The default is the current page,
      or a page of the task's own if the current page answers a POST.

    Anybody who sees the page can follow the progress for a day, but reads nothing else of the task.
    """
    # Django creates the nonce when a template prints it. Until then it counts as false.
    nonce = {"csp_nonce": context["csp_nonce"]} if "csp_nonce" in context else {}
    try:
        task = TaskProgress.of(result) if result else None
    except Http404:
        task = None
    if task is None:
        return {"seen": None, **nonce}
    request: HttpRequest | None = context.get("request")
    if not refresh and request is not None and request.method == "GET":
        refresh = request.get_full_path()
    # A text that a template has marked as safe isn't any more, because printable() makes another one.
    label, then, link = (printable(str(text)) for text in (label, then, link))
    words = PieceWords(label=label, then=then, link=link, htmx=htmx)
    if then and not words.then:
        logger.warning("task_progress makes no link to %s, which is no address of http or https", then)
    return {**piece_context(task, words, refresh=refresh), **nonce}
