"""
One delivery: verify it, choose the task, attempt it, and say what becomes of the message.

    decode ─── resolve ─── bind ─── time left? ─── claim · run · finish ──▶ acknowledge
       │          │          │           │            │         └ release ─▶ give back until the next attempt
       ▼          ▼          ▼           ▼            └ refused ───────────▶ acknowledge, or give back until …
    give back  give back   FAILED    give back
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

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
from ..protocol.record import DUE_AFTER, TaskRecord, read_record
from ..protocol.transitions import look_at
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
            answer = self.give_back(enqueued, options, patience(delivery.receives))
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
            return self.give_back(enqueued, options, patience(receives))
        if enqueued.reference is not None:
            try:
                enqueued = replace(enqueued, arguments=fetch(enqueued.reference, options))
            except PayloadLost as exc:
                if exc.retryable and receives < DENIALS:
                    logger.warning("Task id=%s name=%s waits: %s", enqueued.id, enqueued.name, exc)
                    return self.give_back(enqueued, options, patience(receives))
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
            return self.give_back(enqueued, options, timedelta(0))
        attempt = Attempt(self, message, task, options, timeout)
        try:
            return attempt.run()
        except Refused as refused:
            return self.refused(attempt, refused)
        except UnreadableRecord:
            from .undo_claim import undo_unreadable_claim  # Imported here, because no record should be.

            undo_unreadable_claim(attempt)
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
        delay = self.until_claimable(record)
        return self.give_back(enqueued, attempt.options, delay, record)

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
            if refused.current is None:
                return None
            record = read_record(refused.current)
            return self.give_back(enqueued, options, self.until_claimable(record), record)
        return None

    def give_back(
        self,
        enqueued: EnqueuedTask,
        options: Options,
        delay: timedelta | None,
        record: TaskRecord | None = None,
    ) -> timedelta | None:
        """
        Return `delay`, what becomes of a delivery that neither ran its task nor ended it.

        If the queue indexes only tasks in trouble, this is one: the sweeper looks at its record from now on.
        """
        if options.is_indexed(enqueued.queue) or (record is not None and record.due_at is not None):
            return delay
        if record is not None and record.lease_until is not None:
            due_at = record.lease_until
        elif delay is None:
            due_at = self.clock()  # The message goes, so the sweeper has to send one in time.
        else:
            # Due before its start, it would be one that has had no message yet.
            due_at = max(self.clock(), record.ready_at if record else enqueued.start_at) + DUE_AFTER
        shards = self.store.shards(options)
        with suppress(Refused):  # It has ended, it is in the index already, or nothing has made it yet.
            self.store.change(enqueued.id, look_at(enqueued.id, due_at=due_at, shards=shards))
        return delay

    def until_claimable(self, record: TaskRecord) -> timedelta | None:
        """Return how long until a record may be claimed, or None if the sweeper sends it then."""
        wait = max((record.lease_until or record.not_before) - self.clock(), SOON)
        if record.lease_until is None and timedelta(0) < self.transport.longest_return < wait:
            return None
        return wait


def patience(receives: int) -> timedelta:
    """Return how long to wait after the given number of receipts."""
    return min(PATIENCE * 2.0 ** min(receives - 1, 20), LONGEST_PATIENCE)
