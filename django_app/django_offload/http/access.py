"""Who may see a task: its owner, permitted staff, whoever bears its token. For others it does not exist."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from django.http import Http404, HttpRequest
from django.tasks import task_backends

from ..conf import Options, configured, stacks
from ..definition import AnyResult
from ..record import TaskRecord, read
from ..stores import Store, store_of
from .tokens import verifies

VIEW_PERMISSION = "django_offload.view_task"
CANCEL_PERMISSION = "django_offload.cancel_task"


def owner_of(request: HttpRequest, *, create: bool = False) -> str | None:
    """
    Return who makes a request: "user:<pk>", "session:<hash>", or None for neither.

    With `create`, a visitor without a session gets one.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    session = getattr(request, "session", None)
    if session is None:
        return None
    if create and not session.session_key:
        session.create()
    return f"session:{_hashed(session.session_key)}" if session.session_key else None


def _hashed(session_key: str) -> str:
    """A session key is a password of 160 random bits: records hold a hash of it."""
    return sha256(f"django_offload.owner:{session_key}".encode()).hexdigest()[:32]


def is_staff(request: HttpRequest, permission: str = VIEW_PERMISSION) -> bool:
    """Tell whether staff with a permission makes a request."""
    user = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff and user.has_perm(permission))


def is_owner(request: HttpRequest, record: TaskRecord) -> bool:
    owner = record.birth.owner
    return owner is not None and owner == owner_of(request)


@dataclass(frozen=True, slots=True)
class Found:
    """A record, the options of the backend that enqueued it, and the store that has it."""

    record: TaskRecord
    options: Options
    store: Store


def find(task_id: str) -> Found:
    """Return the record of an id, whichever stack of TASKS has it. Raise Http404 if none can be read."""
    for options in stacks():
        store = store_of(options)
        attributes = store.get(task_id)
        if attributes is not None:
            record = read(attributes)
            if record.hidden(datetime.now(UTC)):
                break
            return Found(record, configured().get(record.birth.alias, options), store)
    raise Http404("There is no such task.")


def has_record(result: AnyResult) -> bool:
    """Tell whether a backend of ours made a result: others keep no record."""
    return bool(getattr(task_backends[result.backend], "is_offload", False))


def may_read(request: HttpRequest, record: TaskRecord) -> bool:
    """Tell whether a request may see a record."""
    token = request.GET.get("token", "")
    return is_owner(request, record) or is_staff(request) or bool(token and verifies(record.birth.id, token))


def readable(request: HttpRequest, task_id: str) -> bool:
    """Tell whether there is a task of this id that the request may see, for views of one's own."""
    try:
        record = find(task_id).record
    except Http404:
        return False
    return may_read(request, record)
