"""Who may see a task: its owner, permitted staff, and clients with a token. Others get a 404."""

from datetime import UTC, datetime

from django.http import Http404, HttpRequest
from django.tasks import task_backends

from ..conf import Options
from ..conf.request_owner import owner_of
from ..definition.offload_task import AnyResult
from ..operations.find import StoredTask, find
from ..protocol.record import TaskRecord
from .tokens import is_status_token

VIEW_PERMISSION = "django_offload.view_task"
CANCEL_PERMISSION = "django_offload.cancel_task"
# The same text in both cases, so that nobody learns which ids exist.
NOT_FOUND = "There is no such task, or you may not see it. Check its id, or sign in as its owner."


def is_staff(request: HttpRequest, permission: str = VIEW_PERMISSION) -> bool:
    """Return True if the user is active staff with this permission."""
    user = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff and user.has_perm(permission))


def is_owner(request: HttpRequest, record: TaskRecord) -> bool:
    owner = record.enqueued.owner
    return owner is not None and owner == owner_of(request)


def get_task_or_404(task_id: str) -> StoredTask:
    """Return a task from any stack in TASKS. Raise Http404 if it has no record or its result has expired."""
    task = find(task_id)
    if task is None or task.record.hidden(datetime.now(UTC)):
        raise Http404(NOT_FOUND)
    return task


def has_record(result: AnyResult) -> bool:
    """Return True if a backend of this library made the result. Other backends store no record."""
    return bool(getattr(task_backends[result.backend], "is_offload", False))


def may_read(request: HttpRequest, record: TaskRecord) -> bool:
    """Return True if the request comes from the owner or permitted staff, or carries the task's token."""
    token = request.GET.get("token", "")
    return (
        is_owner(request, record)
        or is_staff(request)
        or bool(token and is_status_token(token, record.enqueued.id))
    )


def may_read_error_text(request: HttpRequest, record: TaskRecord, options: Options) -> bool:
    """Return True if a visitor who isn't staff may read the text of the task's exception."""
    for_staff = bool(record.error and record.error.get("for_staff"))
    return options.error_text == "owner" and not for_staff and is_owner(request, record)
