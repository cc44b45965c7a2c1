"""The views behind django_offload.urls."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from ..operations.cancel import cancel
from ..operations.find import StoredTask
from ..operations.status import retry_after, status_of
from ..payloads import fetch_result
from ..protocol.record import TaskRecord
from .access import CANCEL_PERMISSION, is_owner, is_staff, may_read, readable_task
from .pieces import Seen, Words, drawn
from .tokens import piece_words


@login_not_required
@require_safe
def status(request: HttpRequest, task_id: str) -> HttpResponse:
    """Tell how a task is doing; 404 for who may not know, 304 where nothing changed."""
    found = readable_task(task_id)
    record = found.record
    if not may_read(request, record):
        raise Http404("There is no such task.")
    return _current(request, record, JsonResponse(_status(request, found)), "Cookie")


@login_not_required
@require_safe
def progress(request: HttpRequest, task_id: str) -> HttpResponse:
    """
    Draw the progress of a task anew, for the piece of a page that `{% task_progress %}` made.

    Whom a browser leads here, as to any page, gets a page of its own. For who may see the task, and for the
    bearer of the piece's own token, which reads nothing else; 404 for others.
    """
    record = readable_task(task_id).record
    token = request.GET.get("token", "")
    words = piece_words(task_id, token) if token else None
    if words is None and not may_read(request, record):
        raise Http404("There is no such task.")
    token = "" if words is None else token
    seen = Seen.in_record(record)
    context = drawn(seen, Words.of(words or {}), token=token)
    context["news"] = request.GET.get("said") != seen.said
    visited = request.headers.get("Sec-Fetch-Mode") == "navigate"
    response = render(request, f"django_offload/{'page' if visited else 'progress_answer'}.html", context)
    return _current(request, record, response, "Cookie", "Sec-Fetch-Mode")


def _current(request: HttpRequest, record: TaskRecord, response: HttpResponse, *vary: str) -> HttpResponse:
    """Say when to ask again, and 304 to who has this answer already."""
    etag = f'"{sha256(response.content).hexdigest()[:32]}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, vary)
    if not record.ended:
        response["Retry-After"] = str(retry_after(record, datetime.now(UTC)))
    return response


@login_not_required
@require_POST
@csrf_protect
def cancel_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """
    Cancel a task: at once where it has not started, else by a flag that it sees.

    202 with its status, 409 where it has ended. For the owner, or staff with the permission to cancel;
    a token is not enough.
    """
    found = readable_task(task_id)
    if not (is_owner(request, found.record) or is_staff(request, CANCEL_PERMISSION)):
        raise Http404("There is no such task.")
    record = cancel(found.store, found.record.enqueued, found.options, datetime.now(UTC))
    if record is None:
        return JsonResponse(_status(request, readable_task(task_id)), status=409)
    return JsonResponse(_status(request, replace(found, record=record)), status=202)


def _status(request: HttpRequest, found: StoredTask) -> dict[str, object]:
    record, staff = found.record, is_staff(request)
    texts = fetch_result(record, found.options)
    wanted = [record.result_part, record.error_parts[-1] if staff and record.error_parts else None]
    for part in wanted:
        if part is not None and part not in texts:
            texts[part] = found.store.get_part(record.enqueued.id, part) or "null"
    return status_of(record, texts, traceback=staff)
