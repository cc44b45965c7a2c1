"""One claimed execution: claim, run, finish or release."""

import logging
import secrets as randomness
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

from ..conf import DEFAULT_MAX_ATTEMPTS, Options
from ..definition.context import OffloadContext
from ..definition.offload_task import AnyResult, AnyTask
from ..definition.results import result_of, successful
from ..definition.retry_policy import RetryPolicy
from ..exceptions import Cancelled, OffloadError, OutOfTime, ResultTooLarge
from ..operations.fail import announce, result_ttl
from ..payloads import payloads_of
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.enqueued_task import EnqueuedTask, dump
from ..protocol.message import TaskMessage
from ..protocol.record import (
    ARGUMENTS_PART,
    DUE_AFTER,
    INLINE_RESULT_BYTES,
    PART_BYTES,
    RECORD_LIFE,
    SWEEP_EVERY,
    TaskRecord,
    error_of,
    error_part,
    read_record,
)
from ..protocol.record_size import fits_inline, free_bytes, truncate
from ..protocol.transitions import claim, fail, release, succeed, unclaim
from ..sending.record_and_message import keep_arguments
from .delivery_environment import DeliveryEnvironment, Ending, at_once
from .execution import Outcome, error_text, execute
from .progress_writer import StoreReporter
from .step_results import StoreJournal

logger = logging.getLogger("django_offload")

# A lease ends this long after its worker must be dead: clocks differ.
LEASE_MARGIN = timedelta(seconds=5)
# Of its timeout, a task must have this much left once it is claimed: less would fail it for a slow claim.
START_SHARE = 0.8


class Attempt:
    """One claimed execution."""

    def __init__(
        self,
        place: DeliveryEnvironment,
        message: TaskMessage,
        task: AnyTask,
        options: Options,
        timeout: float | None,
    ) -> None:
        self.place, self.message, self.task, self.options = place, message, task, options
        self.timeout = timeout
        self.enqueued = message.enqueued
        # Fresh for every claim: a lost reply is recognised by it, and nothing else shares it.
        self.token = randomness.token_hex(8)
        self.claimed: Attributes = {}
        queue = options.queues.get(self.enqueued.queue)
        self.policy = RetryPolicy.of(
            task,
            max_attempts=queue.max_attempts if queue else DEFAULT_MAX_ATTEMPTS,
            changed=self.enqueued.options,
        )

    def run(self) -> Ending:
        """
        Claim, run, begin to store the outcome; return what ends that.

        Raise Refused if the claim, or later the outcome, found the record in other hands.
        """
        record = self._claim()
        if not self.place.invocation.has_time_for(START_SHARE * (self.timeout or 0.0)):
            return at_once(self._unclaim(record))
        result = result_of(record, self._arguments(), self.task)
        self.task = result.task  # As it was enqueued.
        announce(result, finished=False)
        return self._store(record, execute(self.task, self._context(record, result), self._seconds()))

    def _claim(self) -> TaskRecord:
        """Return the claimed record, made of the message if there is none. Raise Refused if it was taken."""
        now = self.place.clock()
        enqueued = self.enqueued if self.message.expires_at > now else None
        # The record is nearly always there: a claim that names nothing of the birth is a third of the size.
        if (
            enqueued is None
            or self.options.record_at_enqueue
            or not (enqueued.reference or fits_inline(enqueued))
        ):
            try:
                return self._claim_as(None, now)
            except Refused as refused:
                if enqueued is None or refused.current is not None:
                    raise
            # A worker that dies between the two writes leaves arguments without a record, never the reverse.
            keep_arguments(self.place.store, enqueued, self.options)
            now = self.place.clock()
        return self._claim_as(enqueued, now)

    def _claim_as(self, enqueued: EnqueuedTask | None, now: datetime) -> TaskRecord:
        """Return the claimed record, created from `birth` where there is none (None: there must be one)."""
        change = claim(
            enqueued,
            token=self.token,
            worker_id=self.place.invocation.worker_id,
            now=now,
            lease_until=now + timedelta(seconds=max(self.place.invocation.left(), 0.0)) + LEASE_MARGIN,
            max_attempts=self.policy.max_attempts,
            swept=self.options.record_at_enqueue,
        )
        claimed = self._begin_write(change)
        self.place.meanwhile()
        self.claimed = claimed()
        return read_record(self.claimed)

    def _begin_write(self, change: ConditionalWrite) -> Callable[[], Attributes]:
        """
        Begin a write under this attempt's token.

        Return what ends it, and returns the record as it is then; of a change that does not return it, what
        that sets.
        """
        return partial(self._written, change, self.place.store.begin_change(self.enqueued.id, change))

    def _written(self, change: ConditionalWrite, wait: Callable[[], Attributes | None]) -> Attributes:
        """Wait for a write. A refused one whose record shows it already was made: only its reply was lost."""
        try:
            before = wait()
        except Refused as refused:
            if refused.made and refused.current and refused.current.get("token") == self.token:
                return refused.current
            raise
        return change.apply(before)

    def _unclaim(self, record: TaskRecord) -> timedelta | None:
        """Give back what the claim left no time for: its attempt never began, and does not count."""
        late = OutOfTime(f"Task {self.enqueued.name}")
        logger.warning("Task id=%s given back: %s", self.enqueued.id, late)
        change = unclaim(fence=record.fence, token=self.token, workers=record.worker_ids[:-1])
        try:
            self._begin_write(change)()
        except Refused as refused:
            return self._stopped(record, late, refused)
        return timedelta(0)

    def _store(self, record: TaskRecord, outcome: Outcome) -> Ending:
        if outcome.exception is None:
            return self._succeed(record, outcome.text)
        return at_once(self._store_failure(record, outcome.exception))

    def _store_failure(self, record: TaskRecord, exc: BaseException) -> timedelta | None:
        delay = self._backoff(exc, record)
        if delay is None:
            return self._fail(record, exc)
        try:
            return self._release(record, exc, delay)
        except Refused as refused:
            return self._stopped(record, exc, refused)

    def _stopped(self, record: TaskRecord, exc: BaseException, refused: Refused) -> timedelta | None:
        """End an attempt that was cancelled, where another was to follow. Raise `refused` if it was not."""
        current = refused.current or {}
        if current.get("cancelled") and current.get("token") == self.token:
            return self._fail(record, exc, ended=Cancelled())
        raise refused

    def _succeed(self, record: TaskRecord, text: str) -> Ending:
        try:
            kept = self._keep(record, text)
        except ResultTooLarge as exc:
            return at_once(self._fail(record, exc))
        now = self.place.clock()
        change = succeed(
            fence=record.fence,
            token=self.token,
            now=now,
            result_ttl=result_ttl(self.enqueued, self.options),
            kept=kept,
        )
        written = self._begin_write(change)

        def ending() -> None:
            written()
            # Whatever else came to the record meanwhile, a result does not tell.
            announce(successful(record, self.enqueued.arguments, self.task, now, text), finished=True)

        return ending

    def _keep(self, record: TaskRecord, text: str) -> dict[str, Value]:
        """Keep a return value where its size belongs, and return what the record says of that."""
        if len(text) <= INLINE_RESULT_BYTES:
            return {"result": text}
        part = f"result#{record.fence:04d}"
        if len(text) <= PART_BYTES:
            self._put(part, text)
            return {"result_part": part}
        payloads = payloads_of(self.options)
        if payloads is None:
            raise ResultTooLarge(len(text), PART_BYTES)
        reference = payloads.keep(f"payloads/{self.enqueued.id}/result-{record.fence:04d}", text)
        return {"result_part": part, "result_reference": dump(asdict(reference))}

    def _fail(
        self, record: TaskRecord, exc: BaseException, *, ended: OffloadError | None = None
    ) -> timedelta | None:
        """Store the failure; `ended` says what ended the task where that was not `exc`."""
        part, text = self._put_error(record, exc)
        change = fail(
            fence=record.fence,
            token=self.token,
            now=self.place.clock(),
            result_ttl=result_ttl(self.enqueued, self.options),
            error={**error_of(ended), "ended": True} if ended else error_of(exc),
            part=part,
        )
        try:
            raise exc
        except BaseException:  # noqa: BLE001, Django's log shows the exception that is being handled
            after = read_record(self._begin_write(change)())
            announce(result_of(after, {**self._arguments(), part: text}, self.task), finished=True)
        return None

    def _backoff(self, exc: BaseException, record: TaskRecord) -> timedelta | None:
        """Return how long to wait for the next attempt, None where none follows."""
        if not self.policy.retries(exc, record.attempts):
            return None
        try:
            delay = self.policy.delay(record.attempts)
            _ = self.place.clock() + delay + RECORD_LIFE
        except Exception:  # A callable of the project: what it raises must not repeat the task.
            logger.exception(
                "Task id=%s name=%s ends: its backoff failed", self.enqueued.id, self.enqueued.name
            )
            return None
        return delay

    def _release(self, record: TaskRecord, exc: BaseException, delay: timedelta) -> timedelta | None:
        part, _ = self._put_error(record, exc)
        not_before = self.place.clock() + delay
        transport = self.place.transport
        returns = bool(transport.longest_return) and delay <= transport.longest_return
        # What does not come again by itself, the sweeper sends as soon as a message can wait that long.
        lead = max(transport.longest_delay - SWEEP_EVERY, timedelta(0))
        write = self._begin_write(
            release(
                self.enqueued.id,
                fence=record.fence,
                token=self.token,
                not_before=not_before,
                due_at=not_before + DUE_AFTER if returns else not_before - lead,
                error=truncate(error_of(exc), free_bytes(self.claimed)),
                part=part,
            )
        )
        write()
        logger.warning(
            "Task id=%s name=%s attempt=%s of %s failed with %s; again in %.1f s",
            self.enqueued.id,
            self.enqueued.name,
            record.attempts,
            self.policy.max_attempts,
            type(exc).__qualname__,
            delay.total_seconds(),
        )
        return delay if returns else None

    def _put_error(self, record: TaskRecord, exc: BaseException) -> tuple[str, str]:
        part, text = error_part(record.fence), error_text(exc, self.place.clock())
        self._put(part, text)
        return part, text

    def _put(self, part: str, text: str) -> None:
        """Keep a text beside the record; named by its fence, so a late worker overwrites nothing."""
        self.place.store.put_part(self.enqueued.id, part, text, self._ttl())

    def _ttl(self) -> int:
        """Return until when what stands beside the record is kept, in seconds since 1970."""
        ttl = self.place.clock() + RECORD_LIFE + result_ttl(self.enqueued, self.options)
        return int(ttl.timestamp())

    def _arguments(self) -> dict[str, str]:
        return {ARGUMENTS_PART: self.enqueued.arguments}

    def _context(self, record: TaskRecord, result: AnyResult) -> OffloadContext:
        invocation = self.place.invocation
        ends = max(invocation.left() - self._seconds(), 0.0)
        reporter = StoreReporter(
            self.place.store, self.enqueued.id, record.fence, self.token, invocation, ends, self.claimed
        )
        return OffloadContext(
            task_result=result,
            reporter=reporter,
            journal=StoreJournal(self.place.store, self.enqueued.id, self.enqueued.alias, self._ttl),
            depth=self.enqueued.depth,
            traceparent=self.enqueued.traceparent,
        )

    def _seconds(self) -> float:
        usable = self.place.invocation.usable()
        return min(usable, self.timeout) if self.timeout else usable
