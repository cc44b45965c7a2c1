"""Redrive FAILED records, or discard them from the list of dead letters: many together, or one."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ..aws import begin_together
from ..conf import Options, options_for
from ..exceptions import CallFailed, OffloadError, UnreadableRecord
from ..protocol import transitions
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused
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
from ..sending.unsent import have_swept_soon
from ..stores import Store
from ..transports import transport_of
from ..transports.batches import MOST_ENTRIES
from .fail import with_jitter
from .pages import OutgoingMessage, read_together, send_together, write_together
from .runnable import in_portions, runnable_tasks

logger = logging.getLogger("django_offload")

REFUSALS = {
    None: "There is no task with this id. Check the id. Records are deleted after some weeks.",
    READY: "It is READY. It will run without a redrive.",
    RUNNING: "It is RUNNING. Wait until it ends. If its worker died, the sweeper sends it again.",
    SUCCESSFUL: "It is SUCCESSFUL. To run the task again, enqueue it again.",
}

UNKNOWN_STATUS = "Its status is none that this release knows. A newer release may have written it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What happened to one record or body."""

    id: str
    done: bool
    text: str


# What happened to a record, or what AWS raised: then it may have been done.
type Outcome = ActionResult | Exception
# A record as it was read, None if there is none, or why it couldn't be read.
type StoredRecord = Attributes | Exception | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextLife:
    """A FAILED task that can run again, and when."""

    enqueued: EnqueuedTask
    options: Options
    now: datetime
    start_at: datetime

    @property
    def sent_by_sweeper(self) -> bool:
        """True if no message can wait until the start."""
        return self.start_at - self.now > transport_of(self.options).longest_delay

    def change(self, store: Store) -> ConditionalWrite:
        """Return the write that makes the record READY. The sweeper sends the task if nothing else does."""
        if self.sent_by_sweeper:
            due_at = self.start_at - LONGEST_DELAY + SWEEP_EVERY
        else:
            due_at = self.start_at + DUE_AFTER
        return transitions.redrive(
            self.enqueued.id,
            now=self.start_at,
            due_at=with_jitter(due_at),
            not_before=self.enqueued.not_before,
            shards=store.shards(self.options),
        )


def redrive(store: Store, task_id: str, stack_options: Options, now: datetime) -> ActionResult:
    """Do what redrive_many() does for one record, and raise what AWS raised."""
    return only(redrive_many(store, [task_id], stack_options, now))


def redrive_many(store: Store, ids: Sequence[str], stack_options: Options, now: datetime) -> list[Outcome]:
    """
    Make at most 100 FAILED records READY again, and send newly signed messages with their exact arguments.

    The fence continues, so a late worker from before the redrive changes nothing. If a task can't run,
    its record doesn't change: the task may be unknown, or its arguments may be gone or not fit any more. A
    record that can't be read or written stops no other.
    """
    return redrive_read(store, read_together(store, ids), stack_options, now)


def redrive_read(
    store: Store, stored: Mapping[str, StoredRecord], stack_options: Options, now: datetime
) -> list[Outcome]:
    """Do what redrive_many() does for records that have just been read, by their ids."""
    outcomes: dict[str, Outcome] = {}
    records: list[TaskRecord] = []
    for task_id, attributes in stored.items():
        if isinstance(attributes, Exception):
            outcomes[task_id] = attributes
        elif attributes is None or attributes.get("status") != FAILED:
            outcomes[task_id] = refusal("redrive", task_id, attributes)
        else:
            try:
                records.append(read_record(attributes))
            except UnreadableRecord as exc:
                outcomes[task_id] = ActionResult(id=task_id, done=False, text=str(exc))
    for portion in in_portions(records):
        outcomes |= redrive_together(store, portion, stack_options, now)
    return [outcomes[task_id] for task_id in stored]


def redrive_together(
    store: Store, records: Sequence[TaskRecord], stack_options: Options, now: datetime
) -> dict[str, Outcome]:
    """Check that FAILED tasks can run, write their records, and send their messages."""
    outcomes: dict[str, Outcome] = {}
    lives: list[NextLife] = []
    options = [options_for(record.enqueued.alias, stack_options) for record in records]
    tasks = runnable_tasks(store, list(zip(records, options, strict=True)))
    for record, own_options, task in zip(records, options, tasks, strict=True):
        other = other_holder(store, task, own_options, now)
        if other is not None:
            outcomes[record.enqueued.id] = other
        elif isinstance(task, EnqueuedTask):
            # A task never starts before its run_after, even if it ended before that.
            start_at = max(now, task.start_at)
            lives.append(NextLife(enqueued=task, options=own_options, now=now, start_at=start_at))
        else:
            outcomes[record.enqueued.id] = not_runnable(record.enqueued.id, task)
    return outcomes | write_and_send(store, lives)


def write_and_send(store: Store, lives: Sequence[NextLife]) -> dict[str, Outcome]:
    """Make records READY, and send their messages: each ten as soon as their records are written."""
    outcomes: dict[str, Outcome] = {}
    written = write_together(store, ((life.enqueued.id, life.change(store)) for life in lives))
    ready: list[tuple[NextLife, Attributes]] = []
    waits = []
    for life, after in zip(lives, written, strict=True):
        enqueued = life.enqueued
        if isinstance(after, Refused):  # Another process has changed the record in the meantime.
            outcomes[enqueued.id] = refusal("redrive", enqueued.id, after.current)
        elif isinstance(after, Exception):
            outcomes[enqueued.id] = after
        elif (lost := ends_as_duplicate(store, life, after)) is not None:
            outcomes[enqueued.id] = lost
        else:
            logger.info("Task id=%s name=%s redriven", enqueued.id, enqueued.name)
            ready.append((life, after))
        if len(ready) == MOST_ENTRIES:
            waits.append(begin_sends(store, ready))
            ready = []
    waits.append(begin_sends(store, ready))
    for wait in waits:
        outcomes |= {task_id: ActionResult(id=task_id, done=True, text=text) for task_id, text in wait()}
    return outcomes


def other_holder(
    store: Store, task: EnqueuedTask | Exception, options: Options, now: datetime
) -> Outcome | None:
    """Return why a unique task can't be redriven, or None if no other live task has its key."""
    if isinstance(task, Exception) or task.unique is None:
        return None
    from ..keys.unique import UniqueKeys  # Imported here, because few tasks are unique.

    try:
        holder = UniqueKeys(store, options, now).other_holder(task)
    except Exception as exc:  # noqa: BLE001, whatever a store raises
        return exc
    return None if holder is None else has_key(task.id, holder)


def ends_as_duplicate(store: Store, life: NextLife, record: Attributes) -> Outcome | None:
    """
    Keep the unique key of a record that is READY again; if another task took it just now, end the record.

    If AWS doesn't answer, the worker keeps the key, or ends the task, before the function runs.
    """
    if life.enqueued.unique is None:
        return None
    from ..keys.unique import UniqueKeys

    keys = UniqueKeys(store, life.options, life.now)
    try:
        holder = keys.keep(life.enqueued, is_claimed=False)
        if holder is None or not keys.end_waiting(life.enqueued, life.enqueued.id, record, holder):
            return None
    except Exception as exc:  # noqa: BLE001, whatever a store raises
        logger.warning("Task id=%s keeps its unique key later: %s", life.enqueued.id, exc)
        return None
    return has_key(life.enqueued.id, holder)


def has_key(task_id: str, holder: str) -> ActionResult:
    text = f"Task id={holder} has its unique key and hasn't ended. Redrive this one when that has ended."
    return ActionResult(id=task_id, done=False, text=text)


def not_runnable(task_id: str, failure: Exception) -> Outcome:
    """Return why a task stays FAILED. A failed call to AWS says nothing about the task."""
    if isinstance(failure, CallFailed) or not isinstance(failure, OffloadError):
        return failure
    return ActionResult(id=task_id, done=False, text=f"It stays FAILED. {failure}")


def begin_sends(
    store: Store, ready: Sequence[tuple[NextLife, Attributes]]
) -> Callable[[], Iterator[tuple[str, str]]]:
    """
    Begin to send the messages of READY records. Return what waits, and yields ids and what happened.

    The next sweep sends what AWS doesn't take, whatever waits in its queue.
    """
    lives = [life for life, _ in ready]
    messages: dict[str, OutgoingMessage] = {}
    failures: dict[str, Exception | None] = {}
    for life in lives:
        enqueued = life.enqueued
        if life.sent_by_sweeper:
            continue
        try:
            text = message_text(enqueued, life.options, life.start_at + MESSAGE_LIFE)
        except Exception as exc:  # noqa: BLE001, the record is READY, so the sweeper sends it all the same
            failures[enqueued.id] = exc
        else:
            messages[enqueued.id] = OutgoingMessage(
                options=life.options,
                queue=enqueued.queue,
                text=text,
                delay=life.start_at - life.now,
                group=enqueued.group,
            )
    wait = send_together(list(messages.values()))

    def sent() -> Iterator[tuple[str, str]]:
        failed = failures | dict(zip(messages, wait(), strict=True))
        waiting: dict[int, list[tuple[EnqueuedTask, Attributes]]] = {}
        for life, record in ready:
            if failed.get(life.enqueued.id) is not None:
                waiting.setdefault(store.shards(life.options), []).append((life.enqueued, record))
        for shards, unsent in waiting.items():
            have_swept_soon(unsent, store, shards)
        for life in lives:
            failure = failed.get(life.enqueued.id)
            if life.sent_by_sweeper:
                text = f"READY again. It starts at {life.start_at:%Y-%m-%d %H:%M} UTC."
            elif failure is None:
                text = "READY again, and sent."
            else:
                text = left_to_sweeper(life.enqueued, failure)
            yield life.enqueued.id, text

    return sent


def left_to_sweeper(enqueued: EnqueuedTask, failure: Exception) -> str:
    """Log that a message was not sent, and return what happens now."""
    reason = masked_text(failure, enqueued)
    text = "Task id=%s name=%s redriven, but its message was not sent: %s"
    logger.warning(text, enqueued.id, enqueued.name, reason)
    return f"READY again. Its message was not accepted ({reason}), so the sweeper will send it."


def discard(store: Store, task_id: str) -> ActionResult:
    """Do what discard_many() does for one record, and raise what AWS raised."""
    return only(discard_many(store, [task_id]))


def discard_many(store: Store, ids: Sequence[str]) -> list[Outcome]:
    """Remove FAILED records from the list of dead letters. They can be read for as long as before."""
    change = transitions.discard()
    before = begin_together(partial(store.begin_change, task_id, change) for task_id in ids)()
    return [discarded(task_id, outcome) for task_id, outcome in zip(ids, before, strict=True)]


def discarded(task_id: str, before: Attributes | Exception | None) -> Outcome:
    """Return what a discard did, given the record before it, or what the write raised."""
    if isinstance(before, Refused):
        return refusal("discard", task_id, before.current)
    if isinstance(before, Exception):
        return before
    if before is None or "due_at" not in before:
        return ActionResult(id=task_id, done=True, text="It is not in the list, so nothing was changed.")
    return ActionResult(id=task_id, done=True, text="Discarded. It stays FAILED but is no longer listed.")


def refusal(action: str, task_id: str, attributes: Attributes | None) -> ActionResult:
    """Return why a record in its current state can't be redriven or discarded."""
    status = str(attributes.get("status")) if attributes else None
    if action == "redrive" or attributes is None:
        text = REFUSALS.get(status, UNKNOWN_STATUS)
    else:
        text = f"It is {status}. Only FAILED tasks can be discarded."
    return ActionResult(id=task_id, done=False, text=text)


def only(outcomes: Sequence[Outcome]) -> ActionResult:
    """Return the one outcome. Raise it if it is an exception."""
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
