"""
One delivery: verify, claim, run, finish or release.

    deliver ─ decode ─ resolve ─ bind ─ claim ─ execute ─┬─ finish ──▶ acknowledge
                 │        │       │       │              └─ release ─▶ give back until the next attempt
                 ▼        ▼       ▼       └─ refused ────────────────▶ acknowledge, or give back until …
             give back  give back  FAILED
"""

import logging
import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.tasks import Task

from ..birth import Birth
from ..change import Attributes, Change, Refused
from ..conf import DEFAULT_MAX_ATTEMPTS, Options, secrets
from ..context import OffloadContext
from ..definition import RetryPolicy
from ..exceptions import BadSignature, Cancelled, MessageRefused, UnknownTask, WorkerLost
from ..message import Keyring, TaskMessage, decode
from ..record import (
    ARGUMENTS_PART,
    DUE_AFTER,
    INLINE_RESULT_BYTES,
    RECORD_LIFE,
    TaskRecord,
    claim,
    error_of,
    fail,
    read,
    release,
    succeed,
)
from ..registry import registry
from ..results import result_of
from ..stores import Store
from ..transports import Delivery, Transport
from .deadline import Invocation
from .ending import announce, end, finished, options_for, result_ttl
from .execution import Outcome, error_text, execute, misfit
from .reporting import StoreReporter

logger = logging.getLogger("django_offload")

# A lease ends this long after its worker must be dead: clocks differ.
LEASE_MARGIN = timedelta(seconds=5)
# What a delivery waits for that newer code, or a key, may cure; doubling per receipt.
PATIENCE = timedelta(seconds=2)
LONGEST_PATIENCE = timedelta(seconds=900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Works on the deliveries of one stack within one invocation."""

    options: Options
    store: Store
    transport: Transport
    clock: Callable[[], datetime]
    invocation: Invocation

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
            if isinstance(exc, MessageRefused) and not self.transport.supports_redelivery:
                raise
            return patience(delivery.receives) if exc.retryable else timedelta(0)
        birth = message.birth
        options = options_for(birth, self.options)
        unfit = misfit(task, birth)
        if unfit is not None:
            self.store.create(birth)
            return self._end(birth, options, unfit)
        timeout = birth.options.get("timeout") or _seconds(getattr(task, "timeout", None))
        if not self.invocation.has_time_for(timeout):
            return timedelta(0)
        return Attempt(self, message, task, options, timeout).run()

    def _decode(self, delivery: Delivery) -> TaskMessage:
        message = decode(delivery.body, Keyring(secrets(), self.options.scope(delivery.queue)))
        if message.birth.queue != delivery.queue:
            raise BadSignature(self.options.scope(delivery.queue))
        return message

    def _end(self, birth: Birth, options: Options, error: Any) -> timedelta | None:
        try:
            end(self.store, birth, options, self.clock(), error)
        except Refused as refused:
            return self.wait(read(refused.current)) if refused.current else None
        return None

    def refused(self, message: TaskMessage, options: Options, current: Attributes | None) -> timedelta | None:
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
        return None if record.ended else self.wait(record)

    def wait(self, record: TaskRecord) -> timedelta:
        """Return after how long a record that has not ended may be claimed."""
        until = record.lease_until or record.not_before
        # At least a second: whoever holds it may be about to write.
        return max(until - self.clock(), timedelta(seconds=1))


class Attempt:
    """One claimed execution."""

    def __init__(
        self, worker: Worker, message: TaskMessage, task: Task, options: Options, timeout: float | None
    ) -> None:
        self.worker, self.message, self.task, self.options = worker, message, task, options
        self.timeout = timeout
        self.birth = message.birth
        # Fresh for every claim: a lost reply is recognised by it, and nothing else shares it.
        self.token = randomness.token_hex(8)
        queue = options.queues.get(self.birth.queue)
        self.policy = RetryPolicy.of(
            task,
            max_attempts=queue.max_attempts if queue else DEFAULT_MAX_ATTEMPTS,
            changed=self.birth.options,
        )

    def run(self) -> timedelta | None:
        """Claim, run, store the outcome; return as Worker.deliver() does."""
        try:
            record, created = self._claim()
        except Refused as refused:
            return self.worker.refused(self.message, self.options, refused.current)
        if not record.inline and (created or record.fence > 1):
            # The record may have come from this message, so that its arguments are nowhere yet.
            self._put(ARGUMENTS_PART, self.birth.arguments)
        announce(result_of(record, self._arguments(), self.task), finished=False)
        try:
            return self._store(record, execute(self.task, self._context(record), self._seconds()))
        except Refused as refused:
            logger.warning(
                "Task id=%s fence=%s %s refused: another worker holds it, or it has ended",
                self.birth.id,
                record.fence,
                refused.change.name,
            )
            return self.worker.refused(self.message, self.options, refused.current)

    def _claim(self) -> tuple[TaskRecord, bool]:
        """Return the claimed record, and whether the claim created it. Raise Refused if it was not to be had."""
        now = self.worker.clock()
        change = claim(
            self.birth if self.message.expires_at > now else None,
            token=self.token,
            worker_id=self.worker.invocation.worker_id,
            now=now,
            lease_until=now + timedelta(seconds=max(self.worker.invocation.left(), 0.0)) + LEASE_MARGIN,
            max_attempts=self.policy.max_attempts,
        )
        before, after = self._write(change)
        return read(after), before is None

    def _write(self, change: Change) -> tuple[Attributes | None, Attributes]:
        """
        Write under this attempt's token; return the record before and after.

        A refused write whose record shows it already was made: only its reply was lost.
        """
        try:
            before = self.worker.store.change(self.birth.id, change)
        except Refused as refused:
            current = refused.current
            if current and current.get("token") == self.token and current["status"] == change.put["status"]:
                return current, current
            raise
        return before, change.apply(before)

    def _store(self, record: TaskRecord, outcome: Outcome) -> timedelta | None:
        if outcome.exception is None:
            return self._succeed(record, outcome.text)
        exc = outcome.exception
        if outcome.terminal or not self.policy.retries(exc, record.attempts):
            return self._fail(record, exc)
        try:
            return self._release(record, exc)
        except Refused as refused:
            if refused.current and refused.current.get("cancelled") and refused.current.get("token") == self.token:
                return self._fail(record, Cancelled())
            raise

    def _succeed(self, record: TaskRecord, text: str) -> timedelta | None:
        part = None
        if len(text) > INLINE_RESULT_BYTES:
            part = f"result#{record.fence}"
            self._put(part, text)
        change = succeed(
            fence=record.fence,
            token=self.token,
            now=self.worker.clock(),
            result_ttl=result_ttl(self.birth, self.options),
            result=None if part else text,
            result_part=part,
        )
        self._finish(change, {part: text} if part else {})
        return None

    def _fail(self, record: TaskRecord, exc: BaseException) -> timedelta | None:
        part, text = self._put_error(record, exc)
        change = fail(
            fence=record.fence,
            token=self.token,
            now=self.worker.clock(),
            result_ttl=result_ttl(self.birth, self.options),
            error=error_of(exc),
            part=part,
        )
        try:
            raise exc
        except BaseException:  # Django's log of a finished task shows the exception that is being handled.
            self._finish(change, {part: text})
        return None

    def _release(self, record: TaskRecord, exc: BaseException) -> timedelta:
        part, _ = self._put_error(record, exc)
        delay = self.policy.delay(record.attempts)
        not_before = self.worker.clock() + delay
        # What does not come again by itself is for the sweeper to send, when it is due.
        reserve = DUE_AFTER if self.worker.transport.supports_redelivery else timedelta(0)
        self._write(
            release(
                self.birth.id,
                fence=record.fence,
                token=self.token,
                not_before=not_before,
                due_at=not_before + reserve,
                error=error_of(exc),
                part=part,
            )
        )
        logger.warning(
            "Task id=%s name=%s attempt=%s of %s failed with %s; again in %.1f s",
            self.birth.id,
            self.birth.name,
            record.attempts,
            self.policy.max_attempts,
            type(exc).__qualname__,
            delay.total_seconds(),
        )
        return delay

    def _finish(self, change: Change, texts: dict[str, str]) -> None:
        _, after = self._write(change)
        announce(result_of(read(after), {**self._arguments(), **texts}, self.task), finished=True)

    def _put_error(self, record: TaskRecord, exc: BaseException) -> tuple[str, str]:
        part, text = f"error#{record.fence:04d}", error_text(exc)
        self._put(part, text)
        return part, text

    def _put(self, part: str, text: str) -> None:
        """Keep a text beside the record; its name holds the fence, so that a late worker overwrites nothing."""
        ttl = self.worker.clock() + RECORD_LIFE + result_ttl(self.birth, self.options)
        self.worker.store.put_part(self.birth.id, part, text, int(ttl.timestamp()))

    def _arguments(self) -> dict[str, str]:
        return {ARGUMENTS_PART: self.birth.arguments}

    def _context(self, record: TaskRecord) -> OffloadContext:
        invocation = self.worker.invocation
        ends = max(invocation.left() - self._seconds(), 0.0)
        reporter = StoreReporter(self.worker.store, self.birth.id, record.fence, self.token, invocation, ends)
        return OffloadContext(
            task_result=result_of(record, self._arguments(), self.task),
            reporter=reporter,
            depth=self.birth.depth,
            traceparent=self.birth.traceparent,
        )

    def _seconds(self) -> float:
        usable = self.worker.invocation.usable()
        return min(usable, self.timeout) if self.timeout else usable


def patience(receives: int) -> timedelta:
    """Return how long to wait after the given number of receipts."""
    return min(PATIENCE * 2 ** min(receives - 1, 20), LONGEST_PATIENCE)


def _seconds(timeout: timedelta | None) -> float | None:
    return timeout.total_seconds() if timeout else None
