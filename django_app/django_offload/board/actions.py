"""What staff may do with tasks. Each action has a permission, and the admin's log records it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest

from ..conf import Options, options_for
from ..models import Task
from ..operations.cancel import cancel_many, describe_cancel
from ..operations.dead_letters import results_of
from ..operations.redrive import ActionResult, Outcome, discard_many, redrive_many
from ..operations.staff_log import UNKNOWN, log_staff_action, log_staff_actions, unknown_if_it_raises
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
    # Does it to at most 100 tasks. Returns for each what happened, or what AWS raised.
    run: Callable[[Store, Sequence[TaskRecord], Options, datetime], Sequence[Outcome]]

    def allowed(self, request: HttpRequest) -> bool:
        """Return True if the user has the action's permission."""
        return bool(request.user.has_perm(f"{Task._meta.app_label}.{self.slug}_task"))


def is_dead_letter(record: TaskRecord) -> bool:
    """
    Return True if the library ended the task, so neither its own function nor a cancel did.

    A duplicate is no dead letter, because another task does its work.
    """
    error = record.error or {}
    ended = record.status == FAILED and bool(error.get("ended"))
    return ended and error.get("class") != CANCELLED and record.duplicate_of is None


def redrive_tasks(
    store: Store, records: Sequence[TaskRecord], options: Options, now: datetime
) -> Sequence[Outcome]:
    return redrive_many(store, ids_of(records), options, now)


def cancel_tasks(
    store: Store, records: Sequence[TaskRecord], options: Options, now: datetime
) -> Sequence[Outcome]:
    tasks = [(record.enqueued, options_for(record.enqueued.alias, options)) for record in records]
    cancelled = cancel_many(store, tasks, now)
    return [
        outcome
        if isinstance(outcome, Exception)
        else ActionResult(id=enqueued.id, done=outcome is not None, text=describe_cancel(outcome))
        for (enqueued, _), outcome in zip(tasks, cancelled, strict=True)
    ]


def discard_tasks(
    store: Store, records: Sequence[TaskRecord], options: Options, now: datetime
) -> Sequence[Outcome]:
    return discard_many(store, ids_of(records))


def ids_of(records: Sequence[TaskRecord]) -> list[str]:
    return [record.enqueued.id for record in records]


RETRY = Action(
    slug="retry",
    verb="Retry",
    description="The task becomes READY and is sent again, with the same arguments and all its attempts.",
    applies_to=lambda record: record.status == FAILED and not is_dead_letter(record),
    run=redrive_tasks,
)
REDRIVE = Action(
    slug="redrive",
    verb="Redrive",
    description="A dead letter becomes READY again. A newly signed message carries the same arguments.",
    applies_to=is_dead_letter,
    run=redrive_tasks,
)
CANCEL = Action(
    slug="cancel",
    verb="Cancel",
    description="A waiting task never starts. A running task is asked to stop; if it finishes anyway, its "
    "result counts.",
    applies_to=lambda record: not record.ended,
    run=cancel_tasks,
)
DISCARD = Action(
    slug="discard",
    verb="Discard",
    description="A discarded task stays FAILED and can still be read, but this list no longer shows it.",
    applies_to=lambda record: record.status == FAILED and record.due_at is not None,
    run=discard_tasks,
)
ACTIONS = {action.slug: action for action in (RETRY, CANCEL, REDRIVE, DISCARD)}


def available_actions(request: HttpRequest, record: TaskRecord) -> list[Action]:
    """Return the actions that apply to a record and that the user may run."""
    return [action for action in ACTIONS.values() if action.applies_to(record) and action.allowed(request)]


def run_action(
    action: Action, request: HttpRequest, options: Options, records: Sequence[TaskRecord]
) -> list[ActionResult]:
    """
    Run an action on records together, and return the result of each. Log every one that was done.

    If AWS didn't confirm one, log that it may have been done, and raise what AWS raised.
    """
    applicable = [record for record in records if action.applies_to(record)]
    outcomes = dict(zip(ids_of(applicable), perform(action, options, applicable), strict=True))
    results = [outcomes.get(record.enqueued.id) or not_applicable(action, record) for record in records]
    log_staff_actions(
        request.user,
        {
            record.enqueued.id: f"{action.verb} {record.enqueued.name}: {text}"
            for record, result in zip(records, results, strict=True)
            if (text := text_for_log(result))
        },
    )
    return list(results_of(results))


def perform(action: Action, options: Options, records: Sequence[TaskRecord]) -> Sequence[Outcome]:
    """Run an action. What stops it as a whole is the outcome of each record."""
    try:
        return action.run(store_of(options), records, options, datetime.now(UTC)) if records else []
    except Exception as exc:  # noqa: BLE001, whatever AWS raises
        return [exc] * len(records)


def not_applicable(action: Action, record: TaskRecord) -> ActionResult:
    text = f"{action.verb} does not apply, because it is {record.status} now. Choose another action."
    return ActionResult(id=record.enqueued.id, done=False, text=text)


def text_for_log(outcome: Outcome) -> str:
    """Return what the admin's log says of an outcome, or an empty text if nothing was done."""
    if isinstance(outcome, Exception):
        return UNKNOWN
    return outcome.text if outcome.done else ""


def discard_body(request: HttpRequest, key: str) -> ActionResult:
    """Discard a message that did not verify. The log has a deletion, because its page is gone."""
    what = f"{DISCARD.verb} a message that did not verify"
    with unknown_if_it_raises(request.user, key, what, deletes=True):
        result = act_on_body("discard", key)
    if result.done:
        log_staff_action(request.user, key, f"{what}: {result.text}", deletes=True)
    return result
