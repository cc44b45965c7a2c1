"""The board's other pages: the queues with their charts, and the messages that did not verify."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from ..operations.queue_depths import queue_depth
from ..operations.unverified_bodies import (
    SHOWN_BYTES,
    escaped,
    unverified_bodies,
    unverified_body,
)
from .actions import DISCARD, discard_body
from .charts import charts
from .forms import selected_stack
from .metrics import SPANS, read_histories
from .page_response import PageResponse

# A body that can't be read may contain the arguments of a task, the sensitive ones too.
BODY_PERMISSION = "django_offload.view_message_body"
# S3 lists at most this many in one call.
MOST_BODIES = 100


def show_queues(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the metrics of every queue, and the depth and charts of one. Make three calls."""
    options = selected_stack(request.GET)
    name = request.GET.get("queue") or next(iter(options.queues))
    if name not in options.queues:
        raise Http404(f"TASKS has no queue '{name}'. Choose one on the page Queues.")
    span = request.GET.get("span", "")
    span = span if span in SPANS else next(iter(SPANS))
    histories = read_histories(options, span, datetime.now(UTC))
    context |= {
        "options": options,
        "queue": name,
        "now": queue_depth(options, name),
        "overview": list(histories.values()),
        "charts": charts(histories[name]) if name in histories else [],
        "span": span,
        "spans": list(SPANS),
        "batch_size": options.queues[name].batch_size,
    }
    return PageResponse(request, "admin/django_offload/task/queues.html", context)


def show_unreadable(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """List the messages that did not verify, show one of them, or discard one on POST."""
    if request.method == "POST":
        if not DISCARD.allowed(request):
            raise PermissionDenied
        result = discard_body(request, request.POST.get("key", ""))
        messages.add_message(request, messages.SUCCESS if result.done else messages.ERROR, result.text)
        return HttpResponseRedirect(reverse("admin:django_offload_task_unreadable"))
    key = request.GET.get("key")
    data = unverified_body(key) if key else None
    if key and data is None:
        raise Http404(f"There is no message with the key {key}. Go back to the list of unreadable messages.")
    may_read = bool(request.user.has_perm(BODY_PERMISSION))
    context |= {
        "key": key,
        "size": len(data) if data is not None else 0,
        "text": escaped(data, SHOWN_BYTES) if data is not None and may_read else "",
        "needs": "" if may_read else BODY_PERMISSION,
        "bodies": [] if key else [stored for _, stored in islice(unverified_bodies(), MOST_BODIES)],
        "most": MOST_BODIES,
        "may_discard": DISCARD.allowed(request),
    }
    return PageResponse(request, "admin/django_offload/task/unreadable.html", context)
