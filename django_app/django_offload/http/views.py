"""The views of django_offload.urls: a task's status, its progress, and its cancellation."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from ..operations.cancel import cancel, describe_cancel
from ..operations.duplicates import followed, is_outcome_of
from ..operations.find import StoredTask
from ..operations.staff_log import log_staff_action, unknown_if_it_raises
from ..operations.status import retry_after, status_of
from ..payloads import fetch_result
from ..protocol.record import TaskRecord
from .access import (
    CANCEL_PERMISSION,
    get_permitted_task_or_404,
    get_task_or_404,
    is_owner,
    is_staff,
    may_read_error_text,
)
from .pieces import UNKNOWN, PieceWords, TaskProgress, piece_context
from .private import keep_private, private_answer
from .tokens import is_status_token, take_token, words_from_token
from .unavailable import log_unreachable, unavailable_without_aws, uncached, unreachable


@private_answer
@login_not_required
@require_safe
@unavailable_without_aws
def status(request: HttpRequest, task_id: str) -> HttpResponse:
    """Return the task's status as JSON, 304 if it hasn't changed, or 404 if the request may not see it."""
    has_token = is_status_token(take_token(request), task_id)
    task = get_permitted_task_or_404(request, task_id, has_token=has_token)
    holder = followed(task)
    return with_etag(request, holder.record, JsonResponse(read_status(request, task, holder)))


@private_answer
@login_not_required
@require_safe
@unavailable_without_aws
@sensitive_variables()  # One of them is the token, which Django's HTML error mails would show.
def progress(request: HttpRequest, task_id: str) -> HttpResponse:
    """
    Render the progress of a task again, for the piece of a page that `{% task_progress %}` made.

    A browser that opens this address gets a whole page. The request must carry the piece's own token, or
    come from somebody who may see the task. Otherwise the answer is 404.
    """
    token = take_token(request)
    words = words_from_token(token, task_id)
    has_token = words is not None or is_status_token(token, task_id)
    piece, token = PieceWords.from_token(words or {}), "" if words is None else token
    try:
        record = followed(get_permitted_task_or_404(request, task_id, has_token=has_token)).record
    except unreachable() as exc:
        if not piece.htmx:
            raise
        # htmx shows no answer of an error, so the piece itself says that it is out of date.
        log_unreachable(task_id, exc)
        return uncached(render_progress(request, TaskProgress(id=task_id, status=UNKNOWN), piece, token))
    response = render_progress(request, TaskProgress.from_record(record, task_id), piece, token)
    return with_etag(request, record, response, "Sec-Fetch-Mode")


def render_progress(request: HttpRequest, task: TaskProgress, words: PieceWords, token: str) -> HttpResponse:
    """Render a piece again, or a whole page for a browser that opens its address."""
    context = piece_context(task, words, token=token)
    context["news"] = request.GET.get("said") != task.text_hash
    opened = request.headers.get("Sec-Fetch-Mode") == "navigate"
    return render(request, f"django_offload/{'page' if opened else 'progress_answer'}.html", context)


@private_answer
@login_not_required
@require_POST
@csrf_protect
@unavailable_without_aws
def cancel_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """
    Cancel a task. One that hasn't started ends at once; a running one sees a flag.

    Answer 202 with its status, or 409 if it has already ended, or if it is a duplicate: another task does its
    work, and only that one can be cancelled. Only the owner and staff with the permission
    to cancel may do this. A token isn't enough. The admin's log has what staff did.
    """
    take_token(request)  # It isn't enough, but nothing may report it.
    task = get_permitted_task_or_404(request, task_id, permission=CANCEL_PERMISSION)
    enqueued = task.record.enqueued
    what, own = f"Cancel {enqueued.name}", is_owner(request, task.record)
    with nullcontext() if own else unknown_if_it_raises(request.user, task_id, what):
        record = cancel(task.store, enqueued, task.options, datetime.now(UTC))
    if record is None:
        return JsonResponse(permitted_status(request, get_task_or_404(task_id)), status=409)
    if not own:
        log_staff_action(request.user, task_id, f"{what}: {describe_cancel(record)}")
    return JsonResponse(permitted_status(request, replace(task, record=record)), status=202)


def permitted_status(request: HttpRequest, task: StoredTask) -> dict[str, object]:
    """Return the status of a task that the visitor may cancel: the state alone, unless they may view it."""
    holder = followed(task)
    if is_owner(request, task.record) or is_staff(request):
        return read_status(request, task, holder)
    return {"id": task.record.enqueued.id, "status": holder.record.status}


def with_etag(request: HttpRequest, record: TaskRecord, response: HttpResponse, *vary: str) -> HttpResponse:
    """
    Add headers about caching, the referrer and Retry-After. Return 304 if the client already has this answer.
    """
    etag = f'"{sha256(response.content).hexdigest()[:32]}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    keep_private(response, *vary)
    if not record.ended:
        response["Retry-After"] = str(retry_after(record, datetime.now(UTC)))
    return response


def read_status(request: HttpRequest, task: StoredTask, holder: StoredTask) -> dict[str, object]:
    """
    Return the status of a task, with its return value. Only staff get a traceback.

    The status of a duplicate is that of the task that does its work (`holder`), under the duplicate's id.
    """
    record, staff = holder.record, is_staff(request)
    may_read = staff or is_outcome_of(task.record, record)
    texts = fetch_result(record, holder.options) if may_read else {}
    for part in (record.result_part, record.error_parts[-1] if staff and record.error_parts else None):
        if may_read and part is not None and part not in texts:
            texts[part] = holder.store.get_part(record.enqueued.id, part) or "null"
    error_text = staff or may_read_error_text(request, record, holder.options)
    status = status_of(record, texts, traceback=staff, error_text=error_text)
    if record is not task.record:
        status |= {"id": task.record.enqueued.id, "duplicate_of": record.enqueued.id}
    if not may_read:
        for name in ("return_value", "error"):
            status.pop(name, None)
    return status
