"""The runs of a visitor: which there were, and one of them if it may be seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.http import Http404, HttpRequest, HttpResponse
from django.tasks import Task, TaskResult, TaskResultStatus, default_task_backend
from django.tasks.exceptions import TaskResultDoesNotExist
from django.urls import reverse
from django.utils import timezone

from django_offload.http import accepted, readable

KEPT = 20
WORDS = {
    TaskResultStatus.READY: "Waiting",
    TaskResultStatus.RUNNING: "Running",
    TaskResultStatus.SUCCESSFUL: "Done",
    TaskResultStatus.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the session keeps it."""

    id: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one attempt."""

    attempt: int
    class_path: str
    message: str

    @classmethod
    def all_of(cls, result: TaskResult) -> list[Self]:
        """Return the failures of a result; the message is the last line of each traceback."""
        failures = []
        for attempt, error in enumerate(result.errors, start=1):
            lines = error.traceback.strip().splitlines() or [""]
            failures.append(cls(attempt, error.exception_class_path, lines[-1].partition(": ")[2]))
        return failures


def describe(result: TaskResult) -> dict[str, Any]:
    """Return what a page shows of a result."""
    ended = result.status in {TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED}
    successful = result.status == TaskResultStatus.SUCCESSFUL
    return {
        "result": result,
        "id": result.id,
        "status": result.status.value,
        "attempts": result.attempts,
        "status_url": reverse("django_offload:status", args=[result.id]),
        "cancel_url": reverse("django_offload:cancel", args=[result.id]),
        "ended": ended,
        "words": WORDS[result.status],
        "percent": 100 if successful else 0,
        "value": result.return_value if successful else None,
        "failures": Failure.all_of(result),
    }


def visible(request: HttpRequest, task: Task, run: str) -> TaskResult:
    """Return the result of one run of `task`. Raise Http404 if there is none, or not for this visitor."""
    if not readable(request, run):
        raise Http404
    try:
        result = default_task_backend.get_result(run)
    except TaskResultDoesNotExist as exc:
        raise Http404 from exc
    if result.task.module_path != task.module_path:
        raise Http404
    return result


def follow_up(response: HttpResponse, result: TaskResult) -> HttpResponse:
    """Give a page the status and headers of an accepted task: where its status is, and when to ask."""
    answer = accepted(result)
    response.status_code = answer.status_code
    for header in ("Location", "Retry-After"):
        response.headers[header] = answer.headers[header]
    return response


def remember(request: HttpRequest, kind: str, run: str, label: str) -> None:
    """Keep a visitor's latest runs of one kind in the session."""
    entry = {"id": run, "label": label, "at": timezone.now().isoformat()}
    request.session[kind] = [entry, *request.session.get(kind, [])][:KEPT]


def recent(request: HttpRequest, kind: str) -> list[Run]:
    """Return a visitor's latest runs of one kind, the newest first."""
    return [
        Run(entry["id"], entry["label"], datetime.fromisoformat(entry["at"]))
        for entry in request.session.get(kind, [])
    ]


def remembered(request: HttpRequest, kind: str, run: str) -> bool:
    """Tell whether a run is among the visitor's latest of one kind."""
    return any(known.id == run for known in recent(request, kind))
