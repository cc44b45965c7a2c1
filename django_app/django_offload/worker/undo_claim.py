"""Undo a claim whose attempt never began."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ..exceptions import OutOfTime
from ..protocol.conditional_write import ConditionalWrite, Refused
from ..protocol.record import DUE_AFTER, TaskRecord
from ..protocol.shards import due_index
from ..protocol.transitions import unclaim
from .attempt import Attempt

logger = logging.getLogger("django_offload")


def undo_late_claim(attempt: Attempt, record: TaskRecord) -> timedelta | None:
    """
    Undo a claim that left too little time. Its attempt never began, and doesn't count.

    Return how long the delivery must wait, or None to acknowledge it. Raise Refused if the record is in other
    hands.
    """
    late = OutOfTime(f"Task {attempt.enqueued.name}")
    logger.warning("Task id=%s given back: %s", attempt.enqueued.id, late)
    try:
        attempt.change(unclaim_of(attempt, record.fence, record.worker_ids[:-1]))
    except Refused as refused:
        attempt.end_if_cancelled(record, late, refused)
        return None
    return timedelta(0)


def undo_unreadable_claim(attempt: Attempt) -> None:
    """Undo a claim that turned out to be of a record that can't be read, if it can be."""
    claimed: Mapping[str, Any] = attempt.claimed
    try:
        change = unclaim_of(attempt, claimed["fence"], claimed["workers"][:-1])
        addable = type(claimed.get("undone", [])) is list
        attempt.change(change if addable else replace(change, append={}))
    except Exception as exc:  # noqa: BLE001, another writer may have put anything there
        enqueued = attempt.enqueued
        text = "Task id=%s name=%s keeps its lease until it ends: %s"
        logger.warning(text, enqueued.id, enqueued.name, type(exc).__name__)


def unclaim_of(attempt: Attempt, fence: int, workers: list[str]) -> ConditionalWrite:
    """Return the write that undoes a claim. In an index of trouble, it lists the record."""
    change = unclaim(fence=fence, token=attempt.token, workers=workers, before=attempt.before)
    if "due_at" in attempt.claimed or attempt.options.is_indexed(attempt.enqueued.queue):
        return change
    environment = attempt.environment
    shards = environment.store.shards(attempt.options)
    due_at = environment.clock() + DUE_AFTER
    return replace(change, put={**change.put, **due_index(attempt.enqueued.id, due_at, shards=shards)})
