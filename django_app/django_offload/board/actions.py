"""What staff may do with tasks. Each action has a permission, and the admin's log records it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest

from ..conf import Options, options_for
from ..models import Task
from ..operations.cancel import cancel, describe_cancel
from ..operations.redrive import ActionResult, discard, redrive
from ..operations.staff_log import log_staff_action, unknown_if_it_raises
from ..operations.unverified_bodies import act_on_body
from ..protocol.record import FAILED, TaskRecord
from ..protocol.transitions import CANCELLED
from ..stores import Store, store_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that staff can do with a task."""

    slug: str
    verb: str
    description: str  # What it does, for the page that asks for confirmation.
    applies_to: Callable[[TaskRecord], bool]
    run: Callable[[Store, TaskRecord, Options, datetime], ActionResult]

    def allowed(self, request: HttpRequest) -> bool:
        """Return True if the user has the action's permission."""
        return bool(request.user.has_perm(f"{Task._meta.app_label}.{self.slug}_task"))


def is_dead_letter(record: TaskRecord) -> bool:
    """Return True if the library ended the task, so neither its own function nor a cancel did."""
    error = record.error or {}
    return record.status == FAILED and bool(error.get("ended")) and error.get("class") != CANCELLED


def redrive_task(store: Store, record: TaskRecord, options: Options, now: datetime) -> ActionResult:
    return redrive(store, record.enqueued.id, options, now)


def cancel_task(store: Store, record: TaskRecord, options: Options, now: datetime) -> ActionResult:
    cancelled = cancel(store, record.enqueued, options_for(record.enqueued.alias, options), now)
    text = describe_cancel(cancelled)
    return ActionResult(id=record.enqueued.id, done=cancelled is not None, text=text)


RETRY = Action(
    slug="retry",
    verb="Retry",
    description="The task becomes READY and is sent again, with the same arguments and all its attempts.",
    applies_to=lambda record: record.status == FAILED and not is_dead_letter(record),
    run=redrive_task,
)
REDRIVE = Action(
    slug="redrive",
    verb="Redrive",
    description="A dead letter becomes READY again. A newly signed message carries the same arguments.",
    applies_to=is_dead_letter,
    run=redrive_task,
)
CANCEL = Action(
    slug="cancel",
    verb="Cancel",
    description="A waiting task never starts. A running task is asked to stop; if it finishes anyway, its "
    "result counts.",
    applies_to=lambda record: not record.ended,
    run=cancel_task,
)
DISCARD = Action(
    slug="discard",
    verb="Discard",
    description="A discarded task stays FAILED and can still be read, but this list no longer shows it.",
    applies_to=lambda record: record.status == FAILED and record.due_at is not None,
    run=lambda store, record, options, now: discard(store, record.enqueued.id),
)
ACTIONS = {action.slug: action for action in (RETRY, CANCEL, REDRIVE, DISCARD)}


def available_actions(request: HttpRequest, record: TaskRecord) -> list[Action]:
    """Return the actions that apply to a record and that the user may run."""
    return [action for action in ACTIONS.values() if action.applies_to(record) and action.allowed(request)]


def run_action(
    action: Action, request: HttpRequest, options: Options, records: Iterable[TaskRecord]
) -> list[ActionResult]:
    """Run an action on each record, and return the result of each. Log every one that was done."""
    store, results = store_of(options), []
    for record in records:
        task_id, what = record.enqueued.id, f"{action.verb} {record.enqueued.name}"
        if action.applies_to(record):
            with unknown_if_it_raises(request.user, task_id, what):
                result = action.run(store, record, options, datetime.now(UTC))
        else:
            text = f"{action.verb} does not apply, because it is {record.status} now. Choose another action."
            result = ActionResult(id=task_id, done=False, text=text)
        results.append(result)
        if result.done:
            # Log at once, because a later record may raise an exception.
            log_staff_action(request.user, task_id, f"{what}: {result.text}")
    return results


def discard_body(request: HttpRequest, key: str) -> ActionResult:
    """Discard a message that did not verify. The log has a deletion, because its page is gone."""
    what = f"{DISCARD.verb} a message that did not verify"
    with unknown_if_it_raises(request.user, key, what, deletes=True):
        result = act_on_body("discard", key)
    if result.done:
        log_staff_action(request.user, key, f"{what}: {result.text}", deletes=True)
    return result
