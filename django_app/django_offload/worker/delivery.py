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

from ..birth import Birth
from ..change import Attributes, Refused
from ..conf import Options, secrets
from ..exceptions import (
    BadSignature,
    Cancelled,
    MessageRefused,
    OffloadError,
    PayloadLost,
    UnknownTask,
    WorkerLost,
)
from ..message import Keyring, TaskMessage, decode
from ..payloads import fetch
from ..record import TaskRecord, read
from ..registry import registry
from ..sending import create
from ..transports import Delivery
from .attempt import Attempt, Workplace
from .ending import end, options_for
from .execution import misfit

logger = logging.getLogger("django_offload")

# What a delivery waits for that newer code, or a key, may cure; doubling per receipt.
PATIENCE = timedelta(seconds=2)
LONGEST_PATIENCE = timedelta(seconds=900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(Workplace):
    """Works on the deliveries of one stack within one invocation."""

    def deliver(self, delivery: Delivery) -> timedelta | None:
        """
        Work on one delivery; return None to acknowledge it, else after how long it should come again.

        Raise MessageRefused if it came by direct invocation and cannot be trusted or read.
        """
        try:
            message = self._decode(delivery)
            task = registry().resolve(message.birth.name)
        except (MessageRefused, UnknownTask) as exc:
            logger.warning("Delivery id=%s queue=%s refused: %s", delivery.id, delivery.queue, exc)
            if isinstance(exc, MessageRefused) and not self.transport.longest_return:
                raise
            return patience(delivery.receives) if exc.retryable else timedelta(0)
        options = options_for(message.birth, self.options)
        try:
            message = self._complete(message, options)
        except PayloadLost as exc:
            return self._end(message.birth, options, exc)
        birth = message.birth
        unfit = misfit(task, birth)
        if unfit is not None:
            if message.expires_at > self.clock():
                create(self.store, birth, options)
            return self._end(birth, options, unfit)
        timeout = birth.options.get("timeout") or _seconds(getattr(task, "timeout", None))
        if not self.invocation.has_time_for(timeout):
            return timedelta(0)
        try:
            return Attempt(self, message, task, options, timeout).run()
        except Refused as refused:
            logger.info("Task id=%s name=%s %s refused", birth.id, birth.name, refused.change.name)
            return self._refused(message, options, refused.current)

    def _decode(self, delivery: Delivery) -> TaskMessage:
        message = decode(delivery.body, Keyring(secrets(), self.options.scope(delivery.queue)))
        if message.birth.queue != delivery.queue:
            raise BadSignature(self.options.scope(delivery.queue))
        return message

    def _complete(self, message: TaskMessage, options: Options) -> TaskMessage:
        """Return the message with its arguments, fetched if it only refers to them."""
        reference = message.birth.reference
        if reference is None:
            return message
        return replace(message, birth=replace(message.birth, arguments=fetch(reference, options)))

    def _end(self, birth: Birth, options: Options, error: OffloadError) -> timedelta | None:
        try:
            end(self.store, birth, options, self.clock(), error)
        except Refused as refused:
            return self._wait(read(refused.current)) if refused.current else None
        return None

    def _refused(
        self, message: TaskMessage, options: Options, current: Attributes | None
    ) -> timedelta | None:
        """Decide on a delivery whose record, as it is, allows no claim."""
        birth, now = message.birth, self.clock()
        if current is None:
            if birth.start_at > now:
                return birth.start_at - now
            logger.info("Task id=%s name=%s message expired, no record: not run", birth.id, birth.name)
            return None
        record = read(current)
        if record.lost(now):
            return self._end(birth, options, Cancelled() if record.cancelled else WorkerLost(record.attempts))
        return None if record.ended else self._wait(record)

    def _wait(self, record: TaskRecord) -> timedelta:
        """Return after how long a record that has not ended may be claimed."""
        until = record.lease_until or record.not_before
        # At least a second: whoever holds it may be about to write.
        return max(until - self.clock(), timedelta(seconds=1))


def patience(receives: int) -> timedelta:
    """Return how long to wait after the given number of receipts."""
    return min(PATIENCE * 2.0 ** min(receives - 1, 20), LONGEST_PATIENCE)


def _seconds(timeout: timedelta | None) -> float | None:
    return timeout.total_seconds() if timeout else None
