"""{% load offload %}: the progress of a task on a page."""

from typing import Any

from django import template
from django.http import Http404, HttpRequest

from ..definition.offload_task import AnyResult
from ..http.pieces import Seen, Words, drawn

register = template.Library()


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
    Show how far a task is, and go on showing it; `result` is a result or its id.

    `label` names the bar for those who hear it, `then` is where a link leads once the task is done and
    `link` what it says. With `htmx` the page's own htmx asks, by attributes. Without JavaScript a link leads
    to `refresh`: where nothing is given to this page, and where this page answers a POST to one of the
    task's own. Whoever sees the page may follow the progress for a day, and reads nothing else of the task.
    """
    # It is made when it is first shown: until then it counts as false.
    nonce = {"csp_nonce": context["csp_nonce"]} if "csp_nonce" in context else {}
    try:
        seen = Seen.of(result) if result else None
    except Http404:
        seen = None
    if seen is None:
        return {"seen": None, **nonce}
    request: HttpRequest | None = context.get("request")
    if not refresh and request is not None and request.method == "GET":
        refresh = request.get_full_path()
    words = Words(label=str(label), then=str(then), link=str(link), htmx=htmx)
    return {**drawn(seen, words, refresh=refresh), **nonce}
