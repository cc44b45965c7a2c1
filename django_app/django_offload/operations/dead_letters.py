"""What offload_dead works on: records that are dead letters, and bodies that belong to no record."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from ..conf import Options, stacks
from ..protocol.conditional_write import Attributes
from ..protocol.record import DEAD_SHARDS, FAILED, FAILED_SHARDS, TaskRecord, read_record
from ..stores import Store, store_of
from .due_entries import EVER, entries
from .find import find
from .redrive import ActionResult, discard, redrive
from .unverified_bodies import FOLDER, act_on_body

logger = logging.getLogger("django_offload")


def failed_records(store: Store, *, all_failed: bool = False, until: datetime = EVER) -> Iterator[TaskRecord]:
    """
    Yield the dead letters that ended by `until`, the oldest first; `all_failed` adds what its task failed.

    What is redriven or discarded while this runs is no hindrance. What is redriven and fails again would come
    again and again, unless `until` is when this began.
    """
    shards = [*DEAD_SHARDS, *(FAILED_SHARDS if all_failed else ())]
    listed = (entries(store, shard, until) for shard in shards)
    for entry in merge(*listed, key=lambda entry: entry.due_at):
        attributes = store.get(entry.id)
        # The index lags behind: what is not listed in the record itself was taken out already.
        if attributes is None or attributes.get("status") != FAILED or "due_at" not in attributes:
            continue
        record = readable(entry.id, attributes)
        if record is not None and record.due_at is not None and record.due_at <= until:
            yield record


def readable(task_id: str, attributes: Attributes) -> TaskRecord | None:
    """Return the record of its stored form; None, after a line in the log, where that is not one of ours."""
    try:
        return read_record(attributes)
    except Exception:
        logger.exception("The record of task id=%s cannot be read; look at it in the table", task_id)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters are meant."""

    task: str | None = None
    cause: str | None = None  # The class of the error, with or without its module.
    failed: bool = False  # Those that their task failed too.

    @property
    def narrow(self) -> bool:
        return bool(self.task or self.cause)

    def records(self, until: datetime = EVER) -> Iterator[tuple[Options, TaskRecord]]:
        """Yield those that ended by `until` from every stack of TASKS, the oldest of each first."""
        for options in stacks():
            for record in failed_records(store_of(options), all_failed=self.failed, until=until):
                if self._takes(record):
                    yield options, record

    def _takes(self, record: TaskRecord) -> bool:
        path = cause_of(record)
        return (self.task is None or record.enqueued.name == self.task) and (
            self.cause is None or self.cause in (path, path.rpartition(".")[2])
        )


def cause_of(record: TaskRecord) -> str:
    """Return the class path of what ended a record."""
    return str((record.error or {}).get("class", ""))


def row_of(options: Options, record: TaskRecord) -> dict[str, Any]:
    """Return what a list says of a dead letter."""
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
    """Redrive or discard a record or a body by its id or key; say what became of it."""
    if task_id.startswith(FOLDER):
        return act_on_body(action, task_id)
    found = find(task_id)
    options = found.options if found else stacks()[0]
    return act_on_record(action, found.store if found else store_of(options), task_id, options, now)


def act_on_record(action: str, store: Store, task_id: str, options: Options, now: datetime) -> ActionResult:
    return redrive(store, task_id, options, now) if action == "redrive" else discard(store, task_id)
