"""The page that asks for confirmation of an action, and what happens after a yes."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from ..operations.dead_letters import readable
from ..protocol.enqueued_task import is_id
from ..stores import listing_of
from ..stores.base import MOST_READ
from .actions import ACTIONS, run_action
from .forms import selected_stack
from .page_response import PageResponse

# The page shows at most this many refusals, one message each.
MOST_REFUSALS = 5


def act(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for confirmation, or run a confirmed action. Raise PermissionDenied if the user may not run it."""
    action, back = ACTIONS.get(request.POST.get("action", "")), address_to_return_to(request)
    # DynamoDB refuses some other keys, and the table has items that are no tasks.
    ids = [task_id for task_id in dict.fromkeys(request.POST.getlist("id")) if is_id(task_id)]
    if action is None or not ids:
        messages.warning(request, "Nothing was done. Choose tasks and an action.")
        return HttpResponseRedirect(back)
    if not action.allowed(request):
        raise PermissionDenied
    if len(ids) > MOST_READ:
        raise BadRequest(f"You chose {len(ids)} tasks. Choose at most {MOST_READ} at a time.")
    options = selected_stack(request.POST)
    stored = listing_of(options).get_many(ids)
    records = [record for attributes in stored if (record := readable(str(attributes["id"]), attributes))]
    if "confirmed" not in request.POST:
        context |= {
            "options": options,
            "action": action,
            "records": [(record, action.applies_to(record)) for record in records],
            "count": sum(action.applies_to(record) for record in records),
            "gone": len(ids) - len(records),
            "back": back,
        }
        return PageResponse(request, "admin/django_offload/task/confirm.html", context)
    results = run_action(action, request, options, records)
    # A message begins with "Task", because the admin capitalises its first letter and ids are lowercase.
    done = [f"Task {result.id}: {result.text}" for result in results if result.done]
    refused = [f"Task {result.id}: {result.text}" for result in results if not result.done]
    if done:
        messages.success(request, done[0] if len(done) == 1 else f"{action.verb}: {len(done)} tasks done.")
    for text in refused[:MOST_REFUSALS]:
        messages.error(request, text)
    if len(refused) > MOST_REFUSALS:
        messages.error(
            request, f"{len(refused) - MOST_REFUSALS} more were refused. Open a task to see its state."
        )
    return HttpResponseRedirect(back)


def address_to_return_to(request: HttpRequest) -> str:
    """Return the page that the visitor came from if it is on this site, or else the board's lists."""
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        return back
    return reverse("admin:django_offload_task_changelist")
