"""Who may see a task: its owner, permitted staff, whoever bears its token. For others it does not exist."""

from datetime import UTC, datetime

from django.http import Http404, HttpRequest
from django.tasks import task_backends

from ..conf.request_owner import owner_of
from ..definition.offload_task import AnyResult
from ..operations.find import StoredTask
from ..operations.find import find as find_anywhere
from ..protocol.record import TaskRecord
from .tokens import verifies

VIEW_PERMISSION = "django_offload.view_task"
CANCEL_PERMISSION = "django_offload.cancel_task"


def is_staff(request: HttpRequest, permission: str = VIEW_PERMISSION) -> bool:
    """Tell whether staff with a permission makes a request."""
    user = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff and user.has_perm(permission))


def is_owner(request: HttpRequest, record: TaskRecord) -> bool:
    owner = record.enqueued.owner
    return owner is not None and owner == owner_of(request)


def readable_task(task_id: str) -> StoredTask:
    """Return the record of an id, whichever stack of TASKS has it. Raise Http404 if none can be read."""
    found = find_anywhere(task_id)
    if found is None or found.record.hidden(datetime.now(UTC)):
        raise Http404("There is no such task.")
    return found


def has_record(result: AnyResult) -> bool:
    """Tell whether a backend of ours made a result: others keep no record."""
    return bool(getattr(task_backends[result.backend], "is_offload", False))


def may_read(request: HttpRequest, record: TaskRecord) -> bool:
    """Tell whether a request may see a record."""
    token = request.GET.get("token", "")
    return (
        is_owner(request, record) or is_staff(request) or bool(token and verifies(record.enqueued.id, token))
    )


def readable(request: HttpRequest, task_id: str) -> bool:
    """Tell whether there is a task of this id that the request may see, for views of one's own."""
    try:
        record = readable_task(task_id).record
    except Http404:
        return False
    return may_read(request, record)
