"""Serve tasks over HTTP: the answer 202, a task's status and progress, and views that enqueue."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from ..definition.offload_task import AnyResult
from ..definition.registry import name_of

if TYPE_CHECKING:
    from .throttle import Throttle
    from .too_many import too_many_requests
    from .trigger import TriggerView

__all__ = ["Throttle", "TriggerView", "accepted", "readable", "status_url", "too_many_requests"]

# By module. They import Django's forms, caches or templates, which workers don't need.
LAZY = {"Throttle": "throttle", "TriggerView": "trigger", "too_many_requests": "too_many"}


def __getattr__(name: str) -> Any:
    """Import a name of LAZY on first use."""
    if name in LAZY:
        return getattr(import_module(f".{LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def accepted(result: AnyResult, response: HttpResponse | None = None) -> HttpResponse:
    """
    Return the 202 answer to a request that enqueued a task.

    Its Location is the task's status page, with a token that reads this one task for 24 hours. So a client
    without cookies can follow the task. The header X-Offload-Token has the token too. Scripts send it back in
    a header of that name, because servers log addresses. The body is the status as JSON, or the `response`
    that you pass. The result of another backend gets neither header.
    """
    from .access import has_record
    from .private import keep_private
    from .tokens import HEADER, status_token

    if response is None:
        response = JsonResponse(status_of_enqueued(result))
    response.status_code = 202
    keep_private(response)
    if has_record(result):
        response["Location"] = status_url(result.id)
        response[HEADER] = status_token(result.id)
        response["Retry-After"] = "1"
    return response


def status_url(task_id: str) -> str:
    """Return the path of a task's status, with a token that reads it for 24 hours."""
    from django.urls import reverse

    from .tokens import status_token

    return f"{reverse('django_offload:status', args=[task_id])}?token={status_token(task_id)}"


def status_of_enqueued(result: AnyResult) -> dict[str, Any]:
    """Return the status of a result that enqueue() returned. Inside a transaction it has no `enqueued_at`."""
    from ..conf import configured
    from ..operations.status import iso, outcome

    options = configured().get(result.task.backend)
    holder: str | None = getattr(result, "duplicate_of", None)
    return {
        "id": result.id,
        "task": name_of(result.task),
        "queue": result.task.queue_name,
        "status": result.status.value,
        "attempts": result.attempts,
        "progress": None,
        "enqueued_at": iso(result.enqueued_at),
        "started_at": iso(result.started_at),
        "finished_at": iso(result.finished_at),
        "run_after": iso(result.task.run_after),
        **outcome(result, error_text=options is None or options.error_text == "owner"),
        **({"duplicate_of": holder} if holder is not None else {}),
    }


def readable(request: HttpRequest, task_id: str) -> bool:
    """
    Return True if the task exists and the request may see it. For views of your own.

    Of a duplicate whose work a task of another owner does, only staff may see everything.
    """
    from ..operations.duplicates import followed, is_outcome_of
    from .access import get_permitted_task_or_404, is_staff
    from .tokens import is_status_token, token_of

    try:
        has_token = is_status_token(token_of(request), task_id)
        task = get_permitted_task_or_404(request, task_id, has_token=has_token)
    except Http404:
        return False
    return is_outcome_of(task.record, followed(task).record) or is_staff(request)
