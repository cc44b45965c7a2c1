"""Tasks over HTTP: answer 202, tell the status, cancel; pieces for pages of one's own."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from ..definition.offload_task import AnyResult
from ..definition.registry import name_of

if TYPE_CHECKING:
    from .trigger import TriggerView

__all__ = ["TriggerView", "accepted", "readable", "status_url"]


def __getattr__(name: str) -> Any:
    """Import the view, and Django's forms with it, when it is asked for: workers do without."""
    if name == "TriggerView":
        from .trigger import TriggerView

        return TriggerView
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def accepted(result: AnyResult, response: HttpResponse | None = None) -> HttpResponse:
    """
    Return the answer to a request that enqueued a task: 202, where to look, and its status.

    The Location carries a token that reads this one task for 24 hours, so a client without cookies
    can follow it. With a `response`, such as a page, that one is answered instead of the status. A result of
    another backend has no Location.
    """
    from .access import has_record

    if response is None:
        response = JsonResponse(status_of_enqueued(result))
    response.status_code = 202
    if has_record(result):
        response["Location"] = status_url(result.id)
        response["Retry-After"] = "1"
    return response


def status_url(task_id: str) -> str:
    """Return the path of a task's status, with a token that reads it for 24 hours."""
    from django.urls import reverse

    from .tokens import token_for

    return f"{reverse('django_offload:status', args=[task_id])}?token={token_for(task_id)}"


def status_of_enqueued(result: AnyResult) -> dict[str, Any]:
    """Return the status of a result as enqueue() returned it, in a transaction without `enqueued_at`."""
    from ..operations.status import iso, outcome

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
        **outcome(result),
    }


def readable(request: HttpRequest, task_id: str) -> bool:
    """Tell whether there is a task of this id that the request may see, for views of one's own."""
    from .access import readable

    return readable(request, task_id)
