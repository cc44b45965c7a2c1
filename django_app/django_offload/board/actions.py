"""What staff may do with tasks: each action with its permission, and an entry in the admin's log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest

from ..conf import Options, options_for
from ..models import Task
from ..operations.cancel import cancel
from ..operations.redrive import ActionResult, discard, redrive
from ..protocol.record import FAILED, TaskRecord
from ..protocol.transitions import CANCELLED
from ..stores import Store, store_of


def is_dead_letter(record: TaskRecord) -> bool:
    """Tell whether a record was given up from outside: neither by its own function, nor by a cancel."""
    error = record.error or {}
    return record.status == FAILED and bool(error.get("ended")) and error.get("class") != CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do with a task."""

    slug: str
    verb: str
    says: str  # What it does, for who is asked to confirm.
    applies: Callable[[TaskRecord], bool]
    perform: Callable[[Store, TaskRecord, Options, datetime], ActionResult]

    @property
    def permission(self) -> str:
        return f"{Task._meta.app_label}.{self.slug}_task"

    def allowed(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))


def _redriven(store: Store, record: TaskRecord, options: Options, now: datetime) -> ActionResult:
    return redrive(store, record.enqueued.id, options, now)


def _discarded(store: Store, record: TaskRecord, options: Options, now: datetime) -> ActionResult:
    return discard(store, record.enqueued.id)


def _cancelled(store: Store, record: TaskRecord, options: Options, now: datetime) -> ActionResult:
    after = cancel(store, record.enqueued, options_for(record.enqueued.alias, options), now)
    if after is None:
        return ActionResult(
            id=record.enqueued.id, done=False, text="It has ended: nothing is left to cancel."
        )
    text = "Cancelled." if after.ended else "It runs: it was asked to stop, and will not be tried again."
    return ActionResult(id=record.enqueued.id, done=True, text=text)


RETRY = Action(
    slug="retry",
    verb="Retry",
    says="It becomes READY again with its exact arguments and all its attempts, and is sent.",
    applies=lambda record: record.status == FAILED and not is_dead_letter(record),
    perform=_redriven,
)
REDRIVE = Action(
    slug="redrive",
    verb="Redrive",
    says="The dead letter becomes READY again with its exact arguments, and a newly signed message is sent.",
    applies=is_dead_letter,
    perform=_redriven,
)
CANCEL = Action(
    slug="cancel",
    verb="Cancel",
    says="What has not started never will; what runs is asked to stop, and its result wins if it comes.",
    applies=lambda record: not record.ended,
    perform=_cancelled,
)
DISCARD = Action(
    slug="discard",
    verb="Discard",
    says="It stays FAILED and readable, and is listed here no more.",
    applies=lambda record: record.status == FAILED and record.due_at is not None,
    perform=_discarded,
)
ACTIONS = {action.slug: action for action in (RETRY, CANCEL, REDRIVE, DISCARD)}


def offered(request: HttpRequest, record: TaskRecord) -> list[Action]:
    """Return what this user may do with a record as it is."""
    return [action for action in ACTIONS.values() if action.applies(record) and action.allowed(request)]


def perform(
    action: Action, request: HttpRequest, options: Options, records: Iterable[TaskRecord]
) -> list[ActionResult]:
    """Do it with each record, log what was done in the admin's log, and say what became of each."""
    store, verdicts = store_of(options), []
    for record in records:
        if not action.applies(record):
            text = f"It is {record.status} now: nothing to {action.slug}."
            verdicts.append(ActionResult(id=record.enqueued.id, done=False, text=text))
            continue
        verdict = action.perform(store, record, options, datetime.now(UTC))
        verdicts.append(verdict)
        if verdict.done:
            _log(request, action, record, verdict)
    return verdicts


def _log(request: HttpRequest, action: Action, record: TaskRecord, verdict: ActionResult) -> None:
    """Log at once: what follows may fail, and this was done."""
    from django.contrib.admin.models import CHANGE

    _write(request, record.enqueued.id, CHANGE, f"{action.verb} {record.enqueued.name}: {verdict.text}")


def log_discarded(request: HttpRequest, verdict: ActionResult) -> None:
    """Log that a body that did not verify was discarded: as a deletion, since it has no page any more."""
    from django.contrib.admin.models import DELETION

    _write(request, verdict.id, DELETION, f"{DISCARD.verb} a message that did not verify: {verdict.text}")


def _write(request: HttpRequest, of: str, flag: int, said: str) -> None:
    from django.contrib.admin.models import LogEntry

    user_id: Any = request.user.pk
    LogEntry.objects.log_actions(user_id, [Task(id=of)], flag, said)
