"""Who may see a task: its owner, permitted staff, and clients with a token. Others get a 404."""

from datetime import UTC, datetime

from django.http import Http404, HttpRequest

from ..compat import task_backends
from ..conf import Options
from ..conf.request_owner import owner_of
from ..definition.offload_task import AnyResult
from ..operations.find import StoredTask, find
from ..protocol.record import TaskRecord

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


def get_permitted_task_or_404(
    request: HttpRequest, task_id: str, *, permission: str = VIEW_PERMISSION, has_token: bool = False
) -> StoredTask:
    """
    Return a task for its owner, for staff with the permission, and with a token that the caller has verified.

    Others get Http404. Requests without an owner get it before anything is read, so that guesses cost no
    reads and take the same time whether or not the task exists.
    """
    may_see_all = has_token or is_staff(request, permission)
    if not may_see_all and owner_of(request) is None:
        raise Http404(NOT_FOUND)
    task = get_task_or_404(task_id)
    if not may_see_all and not is_owner(request, task.record):
        raise Http404(NOT_FOUND)
    return task


def may_read_error_text(request: HttpRequest, record: TaskRecord, options: Options) -> bool:
    """Return True if a visitor who isn't staff may read the text of the task's exception."""
    for_staff = bool(record.error and record.error.get("for_staff"))
    return options.error_text == "owner" and not for_staff and is_owner(request, record)
