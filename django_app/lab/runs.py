"""A visitor's runs: remember them in the session, and get the result of one that the visitor may see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from django_offload.compat import (
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    default_task_backend,
)
from django_offload.http import accepted, readable

MOST_REMEMBERED = 20
# How an error names the cause of a cancelled task.
CANCELLED = "django_offload.exceptions.Cancelled"
# Errors that end a task from outside. No attempt raised them.
FROM_OUTSIDE = {
    CANCELLED,
    *(
        f"django_offload.exceptions.{name}"
        for name in ("BadArguments", "DeadLettered", "Expired", "WorkerLost")
    ),
}
STATUS_LABELS = {
    TaskResultStatus.READY: "Waiting",
    TaskResultStatus.RUNNING: "Running",
    TaskResultStatus.SUCCESSFUL: "Done",
    TaskResultStatus.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the session stores it."""

    id: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of one attempt, or what ended the task from outside."""

    title: str
    class_path: str
    message: str

    @classmethod
    def list_from(cls, result: TaskResult) -> list[Self]:
        """Return the failures of a result. The message is the last line of each traceback."""
        raised = [error for error in result.errors if error.exception_class_path not in FROM_OUTSIDE]
        # An attempt whose worker was lost has no error, so the number of an error is known only without.
        waits = result.status in {TaskResultStatus.READY, TaskResultStatus.FAILED}
        numbered = len(raised) == result.attempts - (not waits)
        failures, number = [], 0
        for error in result.errors:
            lines = error.traceback.strip().splitlines() or [""]
            title = "Ended"
            if error.exception_class_path not in FROM_OUTSIDE:
                number += 1
                title = f"Attempt {number} failed" if numbered else "An attempt failed"
            failures.append(cls(title, error.exception_class_path, lines[-1].partition(": ")[2]))
        return failures


def describe(result: TaskResult) -> dict[str, Any]:
    """Return the template context of a result."""
    successful = result.status == TaskResultStatus.SUCCESSFUL
    failed = result.status == TaskResultStatus.FAILED
    cancelled = failed and bool(result.errors) and result.errors[-1].exception_class_path == CANCELLED
    return {
        "result": result,
        "id": result.id,
        "status": result.status.value,
        "attempts": result.attempts,
        "status_url": reverse("django_offload:status", args=[result.id]),
        "cancel_url": reverse("django_offload:cancel", args=[result.id]),
        "ended": successful or failed,
        "cancelled": cancelled,
        "status_label": "Cancelled" if cancelled else STATUS_LABELS[result.status],
        "percent": 100 if successful else 0,
        "value": result.return_value if successful else None,
        "failures": Failure.list_from(result),
    }


def get_result_or_404(request: HttpRequest, task: Task, run: str) -> TaskResult:
    """Return the result of one run of `task`. Raise Http404 if this visitor has no such run."""
    if not readable(request, run):
        raise Http404
    try:
        result = default_task_backend.get_result(run)
    except TaskResultDoesNotExist as exc:
        raise Http404 from exc
    if result.task.module_path != task.module_path:
        raise Http404
    return result


def mark_accepted(response: HttpResponse, result: TaskResult) -> HttpResponse:
    """Give a page the status 202 and the headers that say where and when to ask for the task's status."""
    answer = accepted(result)
    response.status_code = answer.status_code
    for header in ("Location", "Retry-After", "X-Offload-Token"):
        response.headers[header] = answer.headers[header]
    return response


def remember(request: HttpRequest, kind: str, run: str, label: str) -> None:
    """Store a run among the visitor's latest runs of one kind, in the session."""
    entry = {"id": run, "label": label, "at": timezone.now().isoformat()}
    request.session[kind] = [entry, *request.session.get(kind, [])][:MOST_REMEMBERED]


def recent(request: HttpRequest, kind: str) -> list[Run]:
    """Return the visitor's latest runs of one kind, newest first."""
    return [
        Run(entry["id"], entry["label"], datetime.fromisoformat(entry["at"]))
        for entry in request.session.get(kind, [])
    ]


def is_remembered(request: HttpRequest, kind: str, run: str) -> bool:
    """Return True if a run is among the visitor's latest runs of one kind."""
    return any(other.id == run for other in recent(request, kind))
