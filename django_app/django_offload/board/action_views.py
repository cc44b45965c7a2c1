"""Something done with tasks: asked first, then done, each with its own permission."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from ..operations.redrive import ActionResult
from ..protocol.record import read_record
from ..stores import listing_of
from ..stores.listing import MOST_READ
from .actions import ACTIONS, Action, perform
from .forms import stack_of

# Of several that were refused, this many are told one by one.
MOST_TOLD = 5


def act(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for confirmation of a POST, or do what was confirmed. Raise PermissionDenied for who may not."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    action, back = ACTIONS.get(request.POST.get("action", "")), _back(request)
    ids = list(dict.fromkeys(request.POST.getlist("id")))
    if action is None or not ids:
        messages.warning(request, "Nothing was done: choose tasks and what to do with them.")
        return HttpResponseRedirect(back)
    if not action.allowed(request):
        raise PermissionDenied
    if len(ids) > MOST_READ:
        raise BadRequest(f"{len(ids)} tasks were chosen: choose at most {MOST_READ} at a time.")
    options = stack_of(request.POST)
    records = [read_record(attributes) for attributes in listing_of(options).get_many(ids)]
    if "confirmed" not in request.POST:
        context |= {
            "options": options,
            "action": action,
            "records": [(record, action.applies(record)) for record in records],
            "count": sum(action.applies(record) for record in records),
            "gone": len(ids) - len(records),
            "back": back,
        }
        return TemplateResponse(request, "admin/django_offload/task/confirm.html", context)
    _tell(request, action, perform(action, request, options, records))
    return HttpResponseRedirect(back)


def _back(request: HttpRequest) -> str:
    """Return where the visitor came from, if that is a page of this site, else the lists."""
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        return back
    return reverse("admin:django_offload_task_changelist")


def _tell(request: HttpRequest, action: Action, verdicts: Sequence[ActionResult]) -> None:
    done = [verdict for verdict in verdicts if verdict.done]
    refused = [verdict for verdict in verdicts if not verdict.done]
    if len(done) == 1:
        messages.success(request, _said(done[0]))
    elif done:
        messages.success(request, f"{action.verb}: done with {len(done)} tasks.")
    for verdict in refused[:MOST_TOLD]:
        messages.error(request, _said(verdict))
    if len(refused) > MOST_TOLD:
        messages.error(request, f"{len(refused) - MOST_TOLD} more were refused.")


def _said(verdict: ActionResult) -> str:
    """Return what became of a task, with no id at its beginning: the admin capitalises a message."""
    return f"Task {verdict.id}: {verdict.text}"
