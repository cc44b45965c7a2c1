"""Another life for a FAILED record, or its end as a dead letter."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..conf import Options, options_for
from ..definition.registry import registry
from ..definition.signatures import argument_error
from ..exceptions import CallFailed, OffloadError, ResourceMissing
from ..payloads import fetch, payloads_of
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import (
    DUE_AFTER,
    FAILED,
    LONGEST_DELAY,
    MESSAGE_LIFE,
    READY,
    RUNNING,
    SUCCESSFUL,
    SWEEP_EVERY,
    TaskRecord,
    read_record,
)
from ..protocol.transitions import discard as discarded
from ..protocol.transitions import redrive as redriven
from ..sending.enqueue import complete, message_text
from ..stores import Store
from ..transports import transport_of
from .fail import with_jitter, written

logger = logging.getLogger("django_offload")

_WHY_NOT = {
    None: "There is no task of this id. Check it; records are kept for some weeks.",
    READY: "It is READY: it is about to run already.",
    RUNNING: "It is RUNNING: wait for its end; if its worker died, the sweeper sends it again.",
    SUCCESSFUL: "It is SUCCESSFUL: to run the task again, enqueue it again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What became of one id."""

    id: str
    done: bool
    text: str


def redrive(store: Store, task_id: str, near: Options, now: datetime) -> ActionResult:
    """
    Make a FAILED record READY again, and send a newly signed message with its exact arguments.

    Its fence goes on, so that a worker of the former life still comes too late. Where its task could
    not run (it is unknown, its arguments are gone or fit no longer), nothing is changed.
    """
    attributes = store.get(task_id)
    if attributes is None or attributes["status"] != FAILED:
        return _refused(task_id, attributes)
    record = read_record(attributes)
    options = options_for(record.enqueued.alias, near)
    try:
        enqueued = _ready(store, record, options)
    except CallFailed:  # That says nothing of the task.
        raise
    except OffloadError as exc:
        return ActionResult(id=task_id, done=False, text=f"It stays FAILED. {exc}")
    # Whatever ended it, a task never starts before its run_after.
    start = max(now, enqueued.start_at)
    later = start - now > transport_of(options).longest_delay
    due_at = with_jitter(start - LONGEST_DELAY + SWEEP_EVERY if later else start + DUE_AFTER)
    change = redriven(task_id, now=start, due_at=due_at, not_before=enqueued.not_before)
    try:
        written(store, task_id, change)
    except Refused as refused:  # Somebody else was faster.
        return _refused(task_id, refused.current)
    logger.info("Task id=%s name=%s redriven", enqueued.id, enqueued.name)
    return ActionResult(
        id=task_id, done=True, text=_send(enqueued, options, start, None if later else start - now)
    )


def discard(store: Store, task_id: str) -> ActionResult:
    """Take a FAILED record out of the list; it stays readable as long as it would."""
    try:
        before = store.change(task_id, discarded())
    except Refused as refused:
        return _refused(task_id, refused.current, to="discard")
    if before is None or "due_at" not in before:
        return ActionResult(id=task_id, done=True, text="It was not listed.")
    return ActionResult(id=task_id, done=True, text="Discarded: it stays FAILED, and is listed no more.")


def _refused(task_id: str, current: Attributes | None, to: str = "redrive") -> ActionResult:
    status = str(current["status"]) if current else None
    text = _WHY_NOT[status] if to == "redrive" or current is None else f"It is {status}: nothing to discard."
    return ActionResult(id=task_id, done=False, text=text)


def _ready(store: Store, record: TaskRecord, options: Options) -> EnqueuedTask:
    """Return the birth of a record that can run. Raise OffloadError if it cannot, saying what to mend."""
    enqueued = complete(store, record)
    task = registry().resolve(enqueued.name)
    if enqueued.queue not in options.queues:
        raise ResourceMissing(options.alias, "queue", options.queue(enqueued.queue))
    transport_of(options).prepare(enqueued.queue)
    text = enqueued.arguments
    if enqueued.reference is not None:
        text = fetch(enqueued.reference, options)
        payloads = payloads_of(options)
        assert payloads is not None, "what was fetched came from there"
        # Kept anew: its days in the bucket begin again.
        payloads.put(enqueued.reference.key, text.encode("ascii"))
    unfit = argument_error(task, replace(enqueued, arguments=text))
    if unfit is not None:
        raise unfit
    return enqueued


def _send(enqueued: EnqueuedTask, options: Options, start: datetime, delay: timedelta | None) -> str:
    """Send the message of a record that is READY again, if one can wait that long; say what was done."""
    if delay is None:
        return f"READY again: it starts at {start:%Y-%m-%d %H:%M} UTC."
    try:
        text = message_text(enqueued, options, start + MESSAGE_LIFE)
        transport_of(options).send(enqueued.queue, text, delay)
    except Exception as exc:  # noqa: BLE001, whatever a seam raises: the record is the outbox
        logger.warning("Task id=%s name=%s redriven, not sent: %s", enqueued.id, enqueued.name, exc)
        return f"READY again; its message was not accepted ({exc}), the sweeper sends it."
    return "READY again, and sent."
