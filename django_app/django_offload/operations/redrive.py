"""Redrive a FAILED record, or discard it from the list of dead letters."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..conf import Options, options_for
from ..definition.registry import registry
from ..definition.signatures import argument_error
from ..exceptions import CallFailed, OffloadError, ResourceMissing
from ..payloads import fetch, payloads_of
from ..protocol import transitions
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
from ..sending.enqueue import message_text
from ..sending.failures import masked_text
from ..stores import Store
from ..transports import transport_of
from .fail import change_or_recognise, with_jitter
from .find import complete

logger = logging.getLogger("django_offload")

REFUSALS = {
    None: "There is no task with this id. Check the id. Records are deleted after some weeks.",
    READY: "It is READY. It will run without a redrive.",
    RUNNING: "It is RUNNING. Wait until it ends. If its worker died, the sweeper sends it again.",
    SUCCESSFUL: "It is SUCCESSFUL. To run the task again, enqueue it again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What happened to one record or body."""

    id: str
    done: bool
    text: str


def redrive(store: Store, task_id: str, stack_options: Options, now: datetime) -> ActionResult:
    """
    Make a FAILED record READY again, and send a newly signed message with its exact arguments.

    The fence continues, so a late worker from before the redrive changes nothing. If the task can't run,
    nothing changes: it may be unknown, or its arguments may be gone or not fit any more.
    """
    attributes = store.get(task_id)
    if attributes is None or attributes["status"] != FAILED:
        return refusal("redrive", task_id, attributes)
    record = read_record(attributes)
    options = options_for(record.enqueued.alias, stack_options)
    try:
        enqueued = require_runnable(store, record, options)
    except CallFailed:  # A failed call to AWS says nothing about the task.
        raise
    except OffloadError as exc:
        return ActionResult(id=task_id, done=False, text=f"It stays FAILED. {exc}")
    # A task never starts before its run_after, even if it ended before that.
    start_at = max(now, enqueued.start_at)
    sent_by_sweeper = start_at - now > transport_of(options).longest_delay
    due_at = with_jitter(start_at - LONGEST_DELAY + SWEEP_EVERY if sent_by_sweeper else start_at + DUE_AFTER)
    change = transitions.redrive(
        task_id,
        now=start_at,
        due_at=due_at,
        not_before=enqueued.not_before,
        shards=store.shards(options),
    )
    try:
        change_or_recognise(store, task_id, change)
    except Refused as refused:  # Another process has changed the record in the meantime.
        return refusal("redrive", task_id, refused.current)
    logger.info("Task id=%s name=%s redriven", enqueued.id, enqueued.name)
    if sent_by_sweeper:
        text = f"READY again. It starts at {start_at:%Y-%m-%d %H:%M} UTC."
    else:
        text = send_redriven(enqueued, options, start_at, start_at - now)
    return ActionResult(id=task_id, done=True, text=text)


def discard(store: Store, task_id: str) -> ActionResult:
    """Remove a FAILED record from the list of dead letters. It can be read for as long as before."""
    try:
        before = store.change(task_id, transitions.discard())
    except Refused as refused:
        return refusal("discard", task_id, refused.current)
    if before is None or "due_at" not in before:
        return ActionResult(id=task_id, done=True, text="It is not in the list, so nothing was changed.")
    return ActionResult(id=task_id, done=True, text="Discarded. It stays FAILED but is no longer listed.")


def refusal(action: str, task_id: str, attributes: Attributes | None) -> ActionResult:
    """Return why a record in its current state can't be redriven or discarded."""
    status = str(attributes["status"]) if attributes else None
    if action == "redrive" or attributes is None:
        text = REFUSALS[status]
    else:
        text = f"It is {status}. Only FAILED tasks can be discarded."
    return ActionResult(id=task_id, done=False, text=text)


def require_runnable(store: Store, record: TaskRecord, options: Options) -> EnqueuedTask:
    """
    Return the enqueued task of a record, with its arguments.

    Raise OffloadError if the task can't run. The error says what to correct.
    """
    enqueued = complete(store, record)
    task = registry().resolve(enqueued.name)
    if enqueued.queue not in options.queues:
        raise ResourceMissing(options.alias, "queue", options.queue(enqueued.queue))
    transport_of(options).prepare(enqueued.queue)
    text = enqueued.arguments
    if enqueued.reference is not None:
        text = fetch(enqueued.reference, options)
        payloads = payloads_of(options)
        assert payloads is not None, "the arguments were fetched from them"
        # Store the arguments again, because the bucket deletes them some days after they were stored.
        payloads.put(enqueued.reference.key, text.encode("ascii"))
    error = argument_error(task, replace(enqueued, arguments=text))
    if error is not None:
        raise error
    return enqueued


def send_redriven(enqueued: EnqueuedTask, options: Options, start_at: datetime, delay: timedelta) -> str:
    """Send the message of a record that is READY again, and return what happened."""
    try:
        text = message_text(enqueued, options, start_at + MESSAGE_LIFE)
        transport_of(options).send(enqueued.queue, text, delay)
    except Exception as exc:  # noqa: BLE001, the record is READY, so the sweeper sends it after any exception
        reason = masked_text(exc, enqueued)
        logger.warning(
            "Task id=%s name=%s redriven, but its message was not sent: %s",
            enqueued.id,
            enqueued.name,
            reason,
        )
        return f"READY again. Its message was not accepted ({reason}), so the sweeper will send it."
    return "READY again, and sent."
