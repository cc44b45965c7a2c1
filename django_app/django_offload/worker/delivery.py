"""
One delivery: verify, choose the task, hand it to an attempt, and say what becomes of the message.

    decode ─── resolve ─── bind ─── time left? ─── claim · run · finish ──▶ acknowledge
       │          │          │           │            │         └ release ─▶ give back until the next attempt
       ▼          ▼          ▼           ▼            └ refused ───────────▶ acknowledge, or give back until …
    give back  give back   FAILED    give back
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from ..conf import Options, secrets
from ..definition.offload_task import AnyTask
from ..definition.registry import registry
from ..definition.signatures import argument_error
from ..exceptions import (
    BadSignature,
    Cancelled,
    MessageRefused,
    OffloadError,
    PayloadLost,
    UnknownTask,
    WorkerLost,
)
from ..operations.fail import end, options_for
from ..payloads import fetch
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.message import Keyring, TaskMessage, decode
from ..protocol.record import TaskRecord, read_record
from ..sending.record_and_message import create
from ..transports import Delivery
from .attempt import Attempt
from .delivery_environment import DeliveryEnvironment, Ending, at_once

logger = logging.getLogger("django_offload")

# What a delivery waits for that newer code, or a key, may cure; doubling per receipt.
PATIENCE = timedelta(seconds=2)
LONGEST_PATIENCE = timedelta(seconds=900)
# Receipts until what S3 denies is taken for gone: four minutes, for whoever mends a policy or a key.
DOUBTED = 8
# Whoever holds a record may be about to write.
SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(DeliveryEnvironment):
    """Works on the deliveries of one stack within one invocation."""

    def deliver(self, delivery: Delivery) -> timedelta | None:
        """
        Work on one delivery; return None to acknowledge it, else after how long it should come again.

        Raise MessageRefused if it came by direct invocation and cannot be trusted or read.
        """
        return self.begin(delivery)()

    def begin(self, delivery: Delivery) -> Ending:
        """Do what deliver() does, but for the wait for the last write, and return what ends it."""
        try:
            message = self._decode(delivery)
        except MessageRefused as exc:
            logger.warning("Delivery id=%s queue=%s refused: %s", delivery.id, delivery.queue, exc)
            if not self.transport.longest_return:
                raise
            return at_once(patience(delivery.receives) if exc.retryable else timedelta(0))
        options = options_for(message.enqueued, self.options)
        ending = self._work(message, options, delivery.receives)
        return lambda: self._kept(message, options, ending())

    def _kept(self, message: TaskMessage, options: Options, delay: timedelta | None) -> timedelta | None:
        """Return `delay`; have the record there where only the sweeper brings the task again."""
        if delay is not None and not self.transport.longest_return and message.expires_at > self.clock():
            # Nothing brings an invocation again but the sweeper, and that needs the record.
            create(self.store, message.enqueued, options)
        return delay

    def _work(self, message: TaskMessage, options: Options, receives: int) -> Ending:
        """Do what a message asks for; return as begin() does."""
        try:
            task = registry().resolve(message.enqueued.name)
        except UnknownTask as exc:
            logger.warning(
                "Task id=%s queue=%s refused: %s", message.enqueued.id, message.enqueued.queue, exc
            )
            return at_once(patience(receives))
        try:
            message = self._complete(message, options)
        except PayloadLost as exc:
            if exc.retryable and receives < DOUBTED:
                logger.warning(
                    "Task id=%s name=%s waits: %s", message.enqueued.id, message.enqueued.name, exc
                )
                return at_once(patience(receives))
            return at_once(self._end(message.enqueued, options, exc))
        enqueued = message.enqueued
        unfit = argument_error(task, enqueued)
        if unfit is not None:
            if message.expires_at > self.clock():
                create(self.store, enqueued, options)
            return at_once(self._end(enqueued, options, unfit))
        timeout = _timeout(task, enqueued)
        if not self.invocation.has_time_for(timeout):
            return at_once(timedelta(0))
        attempt = Attempt(self, message, task, options, timeout)
        try:
            ending = attempt.run()
        except Refused as refused:
            return at_once(self._refused(attempt, refused))
        return lambda: self._ended(attempt, ending)

    def _ended(self, attempt: Attempt, ending: Ending) -> timedelta | None:
        try:
            return ending()
        except Refused as refused:
            return self._refused(attempt, refused)

    def _decode(self, delivery: Delivery) -> TaskMessage:
        message = decode(delivery.body, Keyring(secrets(), self.options.scope(delivery.queue)))
        if message.enqueued.queue != delivery.queue:
            raise BadSignature(self.options.scope(delivery.queue))
        return message

    def _complete(self, message: TaskMessage, options: Options) -> TaskMessage:
        """Return the message with its arguments, fetched if it only refers to them."""
        reference = message.enqueued.reference
        if reference is None:
            return message
        return replace(message, enqueued=replace(message.enqueued, arguments=fetch(reference, options)))

    def _end(
        self, enqueued: EnqueuedTask, options: Options, error: OffloadError, seen: TaskRecord | None = None
    ) -> timedelta | None:
        try:
            end(self.store, enqueued, options, self.clock(), error, seen)
        except Refused as refused:
            return self._wait(read_record(refused.current)) if refused.current else None
        return None

    def _refused(self, attempt: Attempt, refused: Refused) -> timedelta | None:
        """Decide on a delivery whose record, as it is, allows no claim, or no outcome of this attempt."""
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
            return self._end(enqueued, attempt.options, Cancelled(), record)
        if record.lost(now) and record.attempts >= attempt.policy.max_attempts:
            return self._end(enqueued, attempt.options, WorkerLost(record.attempts), record)
        return self._wait(record)

    def _wait(self, record: TaskRecord) -> timedelta | None:
        """Return after how long a record may be claimed; None if the sweeper will send it then."""
        wait = max((record.lease_until or record.not_before) - self.clock(), SOON)
        if record.lease_until is None and timedelta(0) < self.transport.longest_return < wait:
            return None
        return wait


def patience(receives: int) -> timedelta:
    """Return how long to wait after the given number of receipts."""
    return min(PATIENCE * 2.0 ** min(receives - 1, 20), LONGEST_PATIENCE)


def _timeout(task: AnyTask, enqueued: EnqueuedTask) -> float | None:
    """Return the seconds one attempt may take, None where only the invocation bounds it."""
    if "timeout" in enqueued.options:
        changed: float | None = enqueued.options["timeout"]
        return changed
    own: timedelta | None = getattr(task, "timeout", None)
    return own.total_seconds() if own else None
