"""List dead letters, and redrive or discard them or message bodies that did not verify."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from ..conf import Options, stacks
from ..exceptions import UnreadableRecord
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import is_id
from ..protocol.record import FAILED, TaskRecord, read_record
from ..protocol.shards import Band, partitions
from ..stores import Store, store_of
from .due_entries import EVER, entries
from .find import find
from .redrive import ActionResult, discard, redrive, refusal
from .unverified_bodies import UNVERIFIED_PREFIX, act_on_body

logger = logging.getLogger("django_offload")


def failed_records(store: Store, *, all_failed: bool = False, until: datetime = EVER) -> Iterator[TaskRecord]:
    """
    Yield the dead letters that ended by `until`, the oldest first.

    With `all_failed`, also yield tasks that failed with their own exception. Records may be redriven or
    discarded in the meantime. To redrive them, pass the time of the start as `until`, because a record that
    fails again would otherwise be yielded again.
    """
    bands = [Band.DEAD, Band.FAILED] if all_failed else [Band.DEAD]
    shard_entries = [entries(store, shard, until) for shard in partitions(*bands, shards=store.read_shards)]
    for entry in merge(*shard_entries, key=lambda entry: entry.due_at):
        attributes = store.get(entry.id)
        # The index lags behind the table, so skip a record that has already left the index.
        if attributes is None or attributes.get("status") != FAILED or "due_at" not in attributes:
            continue
        record = readable(entry.id, attributes)
        if record is not None and record.due_at is not None and record.due_at <= until:
            yield record


def readable(task_id: str, attributes: Attributes) -> TaskRecord | None:
    """Return the record with these attributes. Log an error and return None if they can't be read."""
    try:
        return read_record(attributes)
    except UnreadableRecord as exc:
        logger.error("Task id=%s is left out: %s", task_id, exc)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Selects dead letters."""

    task: str | None = None
    cause: str | None = None  # The class of the error, with or without its module.
    failed: bool = False  # Include tasks that failed with their own exception.

    @property
    def narrow(self) -> bool:
        return bool(self.task or self.cause)

    def records(self, until: datetime = EVER) -> Iterator[tuple[Options, TaskRecord]]:
        """Yield the matching dead letters of each stack of TASKS that ended by `until`, the oldest first."""
        for options in stacks():
            for record in failed_records(store_of(options), all_failed=self.failed, until=until):
                if self.matches(record):
                    yield options, record

    def matches(self, record: TaskRecord) -> bool:
        cause = cause_of(record)
        return (self.task is None or record.enqueued.name == self.task) and (
            self.cause is None or self.cause in (cause, cause.rpartition(".")[2])
        )


def cause_of(record: TaskRecord) -> str:
    """Return the class path of the error that ended a record."""
    return str((record.error or {}).get("class", ""))


def dead_letter_row(options: Options, record: TaskRecord) -> dict[str, Any]:
    """Return what a list shows of a dead letter."""
    return {
        "id": record.enqueued.id,
        "stack": options.stack,
        "task": record.enqueued.name,
        "queue": record.enqueued.queue,
        "cause": cause_of(record),
        "message": (record.error or {}).get("message", ""),
        "attempts": record.attempts,
        "failed_at": record.finished_at,
    }


def act_on(action: str, task_id: str, now: datetime) -> ActionResult:
    """Redrive or discard a record by its id, or an unverified body by its key. Return what happened."""
    if task_id.startswith(UNVERIFIED_PREFIX):
        return act_on_body(action, task_id)
    try:
        stored = find(task_id)
    except UnreadableRecord as exc:
        return ActionResult(id=task_id, done=False, text=str(exc))
    if stored is None and not is_id(task_id):
        return refusal(action, task_id, None)
    options = stored.options if stored else stacks()[0]
    return act_on_record(action, stored.store if stored else store_of(options), task_id, options, now)


def act_on_record(action: str, store: Store, task_id: str, options: Options, now: datetime) -> ActionResult:
    return redrive(store, task_id, options, now) if action == "redrive" else discard(store, task_id)
