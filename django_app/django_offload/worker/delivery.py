"""
One delivery: verify it, choose the task, attempt it, and say what becomes of the message.

    decode ─── resolve ─── bind ─── time left? ─── claim · run · finish ──▶ acknowledge
       │          │          │           │            │         └ release ─▶ give back until the next attempt
       ▼          ▼          ▼           ▼            └ refused ───────────▶ acknowledge, or give back until …
    give back  give back   FAILED    give back
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ..conf import Options, options_for, signing_keys
from ..definition.registry import registry
from ..definition.signatures import argument_error
from ..exceptions import (
    Cancelled,
    MessageRefused,
    OffloadError,
    PayloadLost,
    UnknownTask,
    UnreadableRecord,
    WorkerLost,
)
from ..operations.fail import fail_record
from ..payloads import fetch
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.message import Keyring, TaskMessage, decode
from ..protocol.record import TaskRecord, read_record
from ..protocol.transitions import unclaim
from ..sending.enqueue import ensure_record
from ..transports import Delivery
from .attempt import Attempt, DeliveryEnvironment, PendingOutcome

logger = logging.getLogger("django_offload")

# A delivery that newer code, or a key, may make readable waits this long, doubling per receipt.
PATIENCE = timedelta(seconds=2)
LONGEST_PATIENCE = timedelta(seconds=900)
# After so many receipts (four minutes) an object that S3 denies counts as gone: until then somebody may
# correct a policy or a key.
DENIALS = 8
# The holder of a record may be about to write.
SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(DeliveryEnvironment):
    """Works on the deliveries of one stack within one invocation."""

    def deliver(self, delivery: Delivery) -> timedelta | PendingOutcome | None:
        """
        Work on one delivery.

        Return None to acknowledge it, how long to wait before it comes back, or the pending outcome that
        complete() turns into one of the two. Raise MessageRefused if it came by direct invocation and can't
        be trusted or read.
        """
        try:
            message = decode(delivery.body, Keyring(signing_keys(), self.options.scope(delivery.queue)))
        except MessageRefused as exc:
            logger.warning("Delivery id=%s queue=%s refused: %s", delivery.id, delivery.queue, exc)
            if not self.transport.longest_return:
                raise
            return patience(delivery.receives) if exc.retryable else timedelta(0)
        options = options_for(message.enqueued.alias, self.options)
        try:
            answer = self.work(message, options, delivery.receives)
        except UnreadableRecord as exc:
            # Somebody may correct it, and the sweeper looks at it every hour.
            enqueued = message.enqueued
            logger.error("Task id=%s name=%s waits: %s", enqueued.id, enqueued.name, exc)
            answer = patience(delivery.receives)
        if self.transport.longest_return:
            return answer
        # Only the sweeper repeats an invocation, and it needs the record.
        delay = self.complete(answer) if isinstance(answer, PendingOutcome) else answer
        if delay is not None and message.expires_at > self.clock():
            ensure_record(self.store, message.enqueued, options)
        return delay

    def work(
        self, message: TaskMessage, options: Options, receives: int
    ) -> timedelta | PendingOutcome | None:
        """Do what a message asks for; return what deliver() does."""
        enqueued = message.enqueued
        try:
            task = registry().resolve(enqueued.name)
        except UnknownTask as exc:
            logger.warning("Task id=%s queue=%s refused: %s", enqueued.id, enqueued.queue, exc)
            return patience(receives)
        if enqueued.reference is not None:
            try:
                enqueued = replace(enqueued, arguments=fetch(enqueued.reference, options))
            except PayloadLost as exc:
                if exc.retryable and receives < DENIALS:
                    logger.warning("Task id=%s name=%s waits: %s", enqueued.id, enqueued.name, exc)
                    return patience(receives)
                return self.fail_unclaimed(message, options, exc)
            message = replace(message, enqueued=enqueued)
        misfit = argument_error(task, enqueued)
        if misfit is not None:
            return self.fail_unclaimed(message, options, misfit)
        if "timeout" in enqueued.options:
            timeout: float | None = enqueued.options["timeout"]
        else:
            defined: timedelta | None = getattr(task, "timeout", None)
            timeout = defined.total_seconds() if defined else None
        if not self.invocation.has_time_for(timeout):
            return timedelta(0)
        attempt = Attempt(self, message, task, options, timeout)
        try:
            return attempt.run()
        except Refused as refused:
            return self.refused(attempt, refused)
        except UnreadableRecord:
            undo_claim(attempt)
            raise

    def complete(self, pending: PendingOutcome) -> timedelta | None:
        """Wait for a pending outcome; return what becomes of its delivery, as deliver() does."""
        try:
            pending.complete()
        except Refused as refused:
            return self.refused(pending.attempt, refused)
        return None

    def refused(self, attempt: Attempt, refused: Refused) -> timedelta | None:
        """Decide on a delivery whose record allows no claim, or no outcome of this attempt."""
        enqueued, current, now = attempt.enqueued, refused.current, self.clock()
        logger.info("Task id=%s name=%s %s refused", enqueued.id, enqueued.name, refused.change.name)
        if current is None:
            if attempt.message.expires_at > now:
                return max(enqueued.not_before - now, SOON)
            logger.info("Task id=%s name=%s message expired, no record: not run", enqueued.id, enqueued.name)
            return None
        record = read_record(current)
        if record.ended:
            return None
        if record.lost(now) and record.cancelled:
            return self.fail(enqueued, attempt.options, Cancelled(), record)
        if record.lost(now) and record.attempts >= attempt.policy.max_attempts:
            return self.fail(enqueued, attempt.options, WorkerLost(record.attempts), record)
        return self.until_claimable(record)

    def fail_unclaimed(self, message: TaskMessage, options: Options, error: OffloadError) -> timedelta | None:
        """Do what fail() does for a task that can't run. Make its record first, if there is none."""
        if message.expires_at > self.clock():
            ensure_record(self.store, message.enqueued, options)
        return self.fail(message.enqueued, options, error)

    def fail(
        self, enqueued: EnqueuedTask, options: Options, error: OffloadError, seen: TaskRecord | None = None
    ) -> timedelta | None:
        """Fail a record that nobody works on; if somebody does, return how long to wait for that."""
        try:
            fail_record(self.store, enqueued, options, self.clock(), error, seen)
        except Refused as refused:
            return self.until_claimable(read_record(refused.current)) if refused.current else None
        return None

    def until_claimable(self, record: TaskRecord) -> timedelta | None:
        """Return how long until a record may be claimed, or None if the sweeper sends it then."""
        wait = max((record.lease_until or record.not_before) - self.clock(), SOON)
        if record.lease_until is None and timedelta(0) < self.transport.longest_return < wait:
            return None
        return wait


def undo_claim(attempt: Attempt) -> None:
    """Undo a claim that turned out to be of a record that can't be read, if it can be: no attempt began."""
    claimed: Mapping[str, Any] = attempt.claimed
    try:
        fence, workers = claimed["fence"], claimed["workers"][:-1]
        change = unclaim(fence=fence, token=attempt.token, workers=workers, before=attempt.before)
        addable = type(claimed.get("undone", [])) is list
        attempt.change(change if addable else replace(change, append={}))
    except Exception as exc:  # noqa: BLE001, another writer may have put anything there
        enqueued = attempt.enqueued
        text = "Task id=%s name=%s keeps its lease until it ends: %s"
        logger.warning(text, enqueued.id, enqueued.name, type(exc).__name__)


def patience(receives: int) -> timedelta:
    """Return how long to wait after the given number of receipts."""
    return min(PATIENCE * 2.0 ** min(receives - 1, 20), LONGEST_PATIENCE)
