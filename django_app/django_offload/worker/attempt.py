"""One claimed execution: claim, run, finish or release."""

import logging
import secrets as randomness
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ..conf import DEFAULT_MAX_ATTEMPTS, Options
from ..definition.context import OffloadContext
from ..definition.offload_task import AnyResult, AnyTask
from ..definition.registry import mask_of, result_ttl
from ..definition.results import announce, result_of, successful
from ..definition.retry_policy import RetryPolicy, policy_as_defined
from ..exceptions import Cancelled, OffloadError, ResultTooLarge
from ..logs import guard_failures
from ..payloads import payloads_of
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import dump
from ..protocol.message import TaskMessage
from ..protocol.record import (
    ARGUMENTS_PART,
    DUE_AFTER,
    INLINE_RESULT_BYTES,
    PART_BYTES,
    SWEEP_EVERY,
    TaskRecord,
    error_of,
    error_part,
    read_record,
)
from ..protocol.record_size import free_bytes, truncate
from ..protocol.transitions import claim, fail, release, succeed
from ..stores import Store
from ..stores.arguments import keep_arguments, keeps_beside
from ..transports import Transport
from .deadline import LambdaInvocation
from .events import log_exception
from .execution import error_text, execute, free_locals, stored_error
from .progress_writer import ProgressWriter
from .step_results import StepResults, parts_ttl

if TYPE_CHECKING:
    from ..definition.masking import Mask

logger = logging.getLogger("django_offload")

# A lease ends this long after its worker must be dead, because clocks differ.
LEASE_MARGIN = timedelta(seconds=5)
# Once it is claimed, a task must have this share of its timeout left: less would fail it for a slow claim.
START_SHARE = 0.8


def nothing_pending() -> None:
    """Wait for no earlier task: the default outside a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnvironment:
    """What the deliveries of one stack within one invocation share."""

    options: Options  # Of a backend of the stack.
    store: Store
    transport: Transport  # By which the deliveries came.
    clock: Callable[[], datetime]
    invocation: LambdaInvocation
    # Waits for the pending outcome of the task before, while this one's claim is under way.
    complete_previous: Callable[[], None] = nothing_pending


class Attempt:
    """One claimed execution of one task."""

    def __init__(
        self,
        environment: DeliveryEnvironment,
        message: TaskMessage,
        task: AnyTask,
        options: Options,
        timeout: float | None,
    ) -> None:
        self.environment, self.message, self.task, self.options = environment, message, task, options
        self.timeout = timeout
        self.enqueued = message.enqueued
        # Fresh for every claim and shared with nothing, so that a write whose reply was lost is recognised.
        self.token = randomness.token_hex(8)
        self.claimed: Attributes = {}
        self.before: Attributes | None = None  # The record before the claim, if it is known.
        # Nothing that outlives the attempt refers to it, or it would wait for the garbage collector.
        self.parts_ttl = partial(parts_ttl, environment.clock, self.enqueued, options)
        # The texts beside the record that its results need: the arguments and the errors of each attempt.
        self.parts = {ARGUMENTS_PART: self.enqueued.arguments}
        # Is the record that a claim makes in the sweeper's index?
        self.swept = options.record_at_enqueue and options.is_indexed(self.enqueued.queue)
        queue = options.queues.get(self.enqueued.queue)
        max_attempts = queue.max_attempts if queue else DEFAULT_MAX_ATTEMPTS
        changed = self.enqueued.options
        self.policy = (
            RetryPolicy.of(task, max_attempts=max_attempts, changed=changed)
            if changed
            else policy_as_defined(task, max_attempts)
        )

    def run(self) -> "timedelta | PendingOutcome | None":
        """
        Claim the task, run it and store its outcome.

        Return how long the delivery must wait for the next attempt, or None to acknowledge it; if the task
        returned, its pending outcome. Raise Refused if the claim or the outcome found the record in other
        hands.
        """
        record = self.claim()
        if record.error_parts:
            from ..operations.find import earlier_errors  # Imported here, because only a retry reads any.

            self.parts |= earlier_errors(self.environment.store, record)
        result = result_of(record, self.parts, self.task)
        self.task = result.task  # As it was enqueued.
        self.running = self.context(record, result)
        if not self.environment.invocation.has_time_for(START_SHARE * (self.timeout or 0.0)):
            from .undo_claim import undo_late_claim  # Imported here, because few claims come too late.

            return undo_late_claim(self, record)
        if record.enqueued.unique is not None and record.sent_at is not None:
            from .unique_check import ends_as_duplicate  # Imported here, because few tasks are unique.

            if ends_as_duplicate(self, record):
                return None
        announce(result, self.running, finished=False)
        outer = sys.exception()
        outcome = execute(self.task, self.running, self.seconds())
        self.running.state.ended = True
        exception = outcome.exception
        if exception is None:
            try:
                stored = self.store_result(record, outcome.text)
                return self.begin_success(record, outcome.text, stored)
            except ResultTooLarge as exc:
                exception = exc
        try:
            return self.store_failure(record, exception)
        finally:
            free_locals(exception, outer)

    def claim(self) -> TaskRecord:
        """Return the claimed record, made from the message if there is none. Raise Refused if it is taken."""
        now = self.environment.clock()
        enqueued = self.enqueued if self.message.expires_at > now else None
        # The record is nearly always there, and a claim that can't make it is a third of the size.
        if enqueued and not self.options.record_at_enqueue and not keeps_beside(enqueued, self.options):
            return self.write_claim(enqueued, now)
        try:
            return self.write_claim(None, now)
        except Refused as refused:
            if enqueued is None or refused.current is not None:
                raise
        # A worker that dies between the two writes leaves arguments without a record, never the reverse.
        keep_arguments(self.environment.store, enqueued, None, self.options)
        return self.write_claim(enqueued, self.environment.clock())

    def write_claim(self, enqueued: EnqueuedTask | None, now: datetime) -> TaskRecord:
        """Claim the record. If there is none, make it from `enqueued` (None: there must be one)."""
        left = self.environment.invocation.left()  # Below 0 after a standstill: it then holds nobody up.
        change = claim(
            enqueued,
            token=self.token,
            worker_id=self.environment.invocation.worker_id,
            now=now,
            lease_until=now + timedelta(seconds=left) + LEASE_MARGIN,
            max_attempts=self.policy.max_attempts,
            swept=self.swept,
            shards=self.environment.store.shards(self.options),
            listed=self.options.sharded_history,
        )
        wait = self.environment.store.begin_change(self.enqueued.id, change)
        self.environment.complete_previous()
        self.claimed = self.wait_for(change, wait)
        return read_record(self.claimed)

    def change(self, change: ConditionalWrite) -> Attributes:
        """Write under this attempt's token; return the record after it. Raise Refused if it doesn't hold."""
        return self.wait_for(change, self.environment.store.begin_change(self.enqueued.id, change))

    def wait_for(self, change: ConditionalWrite, wait: Callable[[], Attributes | None]) -> Attributes:
        """
        Wait for a write, and return the record after it; of a write that returns nothing, what it sets.

        A refused write was made if the record shows it: only its reply was lost.
        """
        try:
            before = wait()
        except Refused as refused:
            if refused.already_applied and refused.current and refused.current.get("token") == self.token:
                return refused.current
            raise
        if not self.claimed:
            self.before = before
        return change.apply(before)

    def store_failure(self, record: TaskRecord, exc: BaseException) -> timedelta | None:
        """Store what the task raised: release the record for another attempt, or fail it."""
        from .next_attempt import pause_after  # Imported here, because most attempts succeed.

        delay = pause_after(self, exc, record)
        if delay is None:
            self.fail(record, exc)
            return None
        try:
            return self.release(record, exc, delay)
        except Refused as refused:
            self.end_if_cancelled(record, exc, refused)
            return None

    def end_if_cancelled(self, record: TaskRecord, exc: BaseException, refused: Refused) -> None:
        """End a cancelled task instead of another attempt. Raise `refused` if it wasn't cancelled."""
        current = refused.current or {}
        if current.get("cancelled") and current.get("token") == self.token:
            self.fail(record, exc, ended=Cancelled())
            return
        raise refused

    def begin_success(self, record: TaskRecord, text: str, stored: dict[str, Value]) -> "PendingOutcome":
        """Begin to store that the task returned `text`, JSON."""
        now = self.environment.clock()
        change = succeed(
            fence=record.fence,
            token=self.token,
            now=now,
            result_ttl=result_ttl(self.enqueued, self.options),
            stored=stored,
        )
        change = self.with_metadata(change)
        wait = self.environment.store.begin_change(self.enqueued.id, change)
        return PendingOutcome(self, record, change, wait, now, text)

    def store_result(self, record: TaskRecord, text: str) -> dict[str, Value]:
        """
        Write a large return value beside the record or into the bucket; return what the record says of it.

        Raise ResultTooLarge if it needs a bucket and there is none.
        """
        if len(text) <= INLINE_RESULT_BYTES:
            return {"result": text}
        part = f"result#{record.fence:04d}"
        if len(text) <= PART_BYTES:
            self.put_part(part, text)
            return {"result_part": part}
        payloads = payloads_of(self.options)
        if payloads is None:
            raise ResultTooLarge(len(text), PART_BYTES)
        reference = payloads.keep(f"payloads/{self.enqueued.id}/result-{record.fence:04d}", text)
        return {"result_part": part, "result_reference": dump(asdict(reference))}

    def fail(self, record: TaskRecord, exc: BaseException, *, ended: OffloadError | None = None) -> None:
        """Store that the task failed for good. `ended` is what ended it, if that was not `exc`."""
        part, text = self.put_error(record, exc)
        change = fail(
            fence=record.fence,
            token=self.token,
            now=self.environment.clock(),
            result_ttl=result_ttl(self.enqueued, self.options),
            error={**error_of(ended), "ended": True} if ended else stored_error(exc, self.mask),
            part=part,
            shards=self.environment.store.shards(self.options),
        )
        if self.mask is not None:
            # Nothing may handle the exception here: Django's log would show it, and so would a later error.
            self.announce_failure(change, part, text)
            log_exception(exc, self.mask, "Task id=%s name=%s failed", self.enqueued.id, self.enqueued.name)
            return
        guard_failures()
        try:
            raise exc
        except BaseException:  # noqa: BLE001, Django's log shows the exception that is being handled
            self.announce_failure(change, part, text)

    def announce_failure(self, change: ConditionalWrite, part: str, text: str) -> None:
        """Make the change that ends the task, and send task_finished."""
        after = read_record(self.change(self.with_metadata(change)))
        announce(result_of(after, {**self.parts, part: text}, self.task), self.running, finished=True)

    def release(self, record: TaskRecord, exc: BaseException, delay: timedelta) -> timedelta | None:
        """Give the record back as READY; return the delay if the message itself comes back after it."""
        part, _ = self.put_error(record, exc)
        not_before = self.environment.clock() + delay
        transport = self.environment.transport
        returns = bool(transport.longest_return) and delay <= transport.longest_return
        # If the message doesn't come back, the sweeper sends another, as soon as a message can wait so long.
        lead = max(transport.longest_delay - SWEEP_EVERY, timedelta(0))
        change = release(
            self.enqueued.id,
            fence=record.fence,
            token=self.token,
            not_before=not_before,
            due_at=not_before + DUE_AFTER if returns else not_before - lead,
            error=truncate(stored_error(exc, self.mask), free_bytes(self.claimed)),
            part=part,
            shards=self.environment.store.shards(self.options),
        )
        self.change(self.with_metadata(change))
        enqueued, count, most = self.enqueued, record.attempts, self.policy.max_attempts
        kind, seconds = type(exc).__qualname__, delay.total_seconds()
        text = "Task id=%s name=%s attempt=%s of %s failed with %s; again in %.1f s"
        logger.warning(text, enqueued.id, enqueued.name, count, most, kind, seconds)
        return delay if returns else None

    def with_metadata(self, change: ConditionalWrite) -> ConditionalWrite:
        """Return a write that also stores what the task did to its metadata."""
        if self.running.state.metadata is None:
            return change
        from .stored_metadata import with_metadata  # Imported here, because few tasks have metadata.

        return with_metadata(change, self.running)

    @cached_property
    def mask(self) -> "Mask | None":
        """What hides the task's sensitive arguments in texts, or None if it has none."""
        return mask_of(self.enqueued)

    def put_error(self, record: TaskRecord, exc: BaseException) -> tuple[str, str]:
        part, text = error_part(record.fence), error_text(exc, self.environment.clock(), self.mask)
        self.put_part(part, text)
        return part, text

    def put_part(self, part: str, text: str) -> None:
        """Write a text beside the record. Its name has the fence, so a late worker overwrites nothing."""
        self.environment.store.put_part(self.enqueued.id, part, text, self.parts_ttl())

    def context(self, record: TaskRecord, result: AnyResult) -> OffloadContext:
        environment, invocation = self.environment, self.environment.invocation
        beyond = invocation.left() - self.timeout if self.timeout else 0.0
        budget = None
        if self.options.enqueues_per_root is not None or record.enqueued.root is not None:
            from ..sending.root_budget import RootBudget  # Imported here, because most stacks count nothing.

            budget = RootBudget(environment.store, record.enqueued, self.options)
        return OffloadContext(
            task_result=result,
            reporter=ProgressWriter(
                store=environment.store,
                task_id=self.enqueued.id,
                fence=record.fence,
                token=self.token,
                invocation=invocation,
                reserve=max(beyond, invocation.reserve),
                claimed=self.claimed,
                mask=partial(mask_of, self.enqueued),
            ),
            journal=StepResults(environment.store, self.enqueued.id, self.enqueued.alias, self.parts_ttl),
            owner=self.enqueued.owner,
            tenant=self.enqueued.tenant,
            depth=self.enqueued.depth,
            traceparent=self.enqueued.traceparent,
            most_enqueues=self.options.enqueues_per_attempt,
            budget=budget,
        )

    def seconds(self) -> float:
        """Return how many seconds the task may take."""
        usable = self.environment.invocation.usable()
        return min(usable, self.timeout) if self.timeout else usable


@dataclass(frozen=True, slots=True)
class PendingOutcome:
    """
    The success of a task, whose write is under way.

    In a batch that is worked on one by one, it is completed while the next task is claimed:

        claim 1 ── run 1 ── finish 1 ╌╌╌╌┬╌ (complete) ── run 2 ── finish 2 ╌╌╌┬╌ …
                                 claim 2 ╌╌┘                         claim 3 ╌╌┘
    """

    attempt: Attempt
    record: TaskRecord
    change: ConditionalWrite
    wait: Callable[[], Attributes | None]
    finished_at: datetime
    text: str  # JSON of the return value.

    def complete(self) -> None:
        """Wait for the write, then send task_finished. Raise Refused if the record is in other hands."""
        attempt = self.attempt
        attempt.wait_for(self.change, self.wait)
        # A result shows nothing else that came to the record meanwhile.
        metadata: Any = self.change.put.get("metadata")
        result = successful(self.record, attempt.parts, attempt.task, self.finished_at, self.text, metadata)
        announce(result, attempt.running, finished=True)
