"""The look at its unique key of a task that was redriven, or sent again, before its function runs."""

import logging

from ..definition.registry import result_ttl
from ..keys.unique import UniqueKeys
from ..protocol.record import TaskRecord
from ..protocol.unique_key import end_claimed_as_duplicate
from .attempt import Attempt

logger = logging.getLogger("django_offload")


def ends_as_duplicate(attempt: Attempt, record: TaskRecord) -> bool:
    """
    Return False if a task has its key. If another live task has it, end the claimed one, and return True.

    A first message needs no look: until its task has ended, nobody takes the key over. Raise Refused if the
    record is in other hands.
    """
    enqueued, now = record.enqueued, attempt.environment.clock()
    holder = UniqueKeys(attempt.environment.store, attempt.options, now).keep(
        enqueued, supersedes=attempt.claimed.get("supersedes")
    )
    if holder is None:
        return False
    attempt.change(
        end_claimed_as_duplicate(
            holder,
            fence=record.fence,
            token=attempt.token,
            now=now,
            result_ttl=result_ttl(enqueued, attempt.options),
        )
    )
    logger.info("Task id=%s name=%s didn't run, as a duplicate of %s", enqueued.id, enqueued.name, holder)
    return True
