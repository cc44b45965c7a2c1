"""The pages beside the lists: queues with their charts, and bodies that did not verify."""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from ..operations.queue_depths import depth
from ..operations.unverified_bodies import SHOWN_BYTES, act_on_body, bodies, body, escaped
from .actions import DISCARD, log_discarded
from .charts import charts
from .forms import stack_of
from .metrics import SPANS, histories

# As many as S3 lists in one call.
MOST_BODIES = 100


def queues(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show every queue as CloudWatch last told, and one as it is now, with its charts: in three calls."""
    options = stack_of(request.GET)
    name = request.GET.get("queue") or next(iter(options.queues))
    if name not in options.queues:
        raise Http404(f"TASKS names no queue '{name}'.")
    span = request.GET.get("span", "")
    span = span if span in SPANS else next(iter(SPANS))
    found = histories(options, span, datetime.now(UTC))
    context |= {
        "options": options,
        "queue": name,
        "now": depth(options, name),
        "overview": list(found.values()),
        "charts": charts(found[name]) if name in found else [],
        "span": span,
        "spans": list(SPANS),
        "batch_size": options.queues[name].batch_size,
    }
    return TemplateResponse(request, "admin/django_offload/task/queues.html", context)


def unreadable(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the bodies that did not verify, one in full, or discard one."""
    if request.method == "POST":
        if not DISCARD.allowed(request):
            raise PermissionDenied
        verdict = act_on_body("discard", request.POST.get("key", ""))
        if verdict.done:
            log_discarded(request, verdict)
        messages.add_message(request, messages.SUCCESS if verdict.done else messages.ERROR, verdict.text)
        return HttpResponseRedirect(request.path)
    key = request.GET.get("key")
    data = body(key) if key else None
    if key and data is None:
        raise Http404(f"There is no body of key {key}.")
    context |= {
        "key": key,
        "size": len(data) if data is not None else 0,
        "text": escaped(data, SHOWN_BYTES) if data is not None else "",
        "bodies": [] if key else [kept for _, kept in islice(bodies(), MOST_BODIES)],
        "most": MOST_BODIES,
        "may_discard": DISCARD.allowed(request),
    }
    return TemplateResponse(request, "admin/django_offload/task/unreadable.html", context)
