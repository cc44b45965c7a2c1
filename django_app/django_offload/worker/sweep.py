"""The sweeper: whatever is due is looked at; what has no message any more is sent again."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..change import Refused
from ..conf import Options, secrets, stacks
from ..definition import RetryPolicy
from ..exceptions import Cancelled, DeadLettered, OffloadError, UnknownTask, WorkerLost
from ..message import Keyring, TaskMessage, encode
from ..record import ARGUMENTS_PART, DUE_AFTER, DUE_SHARDS, MESSAGE_LIFE, READY, TaskRecord, read
from ..registry import registry
from ..stores import Due, Store, store_of
from ..transitions import postpone
from ..transports import transport_of
from .batch import utc_now
from .deadline import RESERVE_SECONDS
from .ending import end, options_for
from .events import LambdaContext

logger = logging.getLogger("django_offload")

PAGE = 100
MOST_SENDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Goes through what is due in one stack; safe to run twice at once."""

    options: Options
    store: Store
    clock: Callable[[], datetime]
    left: Callable[[], float]  # Seconds it may still take.

    def run(self) -> Counter[str]:
        """Return how many records were "sent", "moved" or "ended"; "stopped" is 1 where time ran out."""
        done: Counter[str] = Counter()
        for shard in range(DUE_SHARDS):
            until = self.clock()
            while page := self.store.due(shard, until, PAGE):
                for entry in page:
                    if self.left() < RESERVE_SECONDS:
                        done["stopped"] = 1
                        return done
                    done[self._look(entry)] += 1
                if len(page) < PAGE:
                    break
        return +done

    def _look(self, entry: Due) -> str:
        """Do what is due for one record, and return what was done."""
        attributes = self.store.get(entry.id)
        # The index lags behind: what is not due in the record itself was done already.
        if attributes is None or "due_at" not in attributes:
            return "stale"
        record = read(attributes)
        if record.due_at != entry.due_at:
            return "stale"
        try:
            return self._decide(record, self.clock())
        except Refused:
            return "stale"  # A worker or another sweeper was faster.
        except Exception:
            logger.exception("Task id=%s could not be swept; it is due again", record.birth.id)
            return "failed"

    def _decide(self, record: TaskRecord, now: datetime) -> str:
        until = record.not_before if record.status == READY else record.lease_until
        if until is not None and until > now:
            later = until if self._options(record).transport == "lambda" else until + DUE_AFTER
            return self._postpone(record, later if record.status == READY else until, sent=False)
        error = self._hopeless(record)
        if error is not None:
            end(self.store, record.birth, self._options(record), now, error)
            return "ended"
        self._postpone(record, now + DUE_AFTER * 2**record.sends, sent=True)
        self._send(record, now)
        return "sent"

    def _hopeless(self, record: TaskRecord) -> OffloadError | None:
        """Return why a record needs no other delivery, None where it does."""
        if record.status != READY:
            if record.cancelled:
                return Cancelled()
            if record.attempts >= self._max_attempts(record):
                return WorkerLost(record.attempts)
        if record.sends >= MOST_SENDS:
            return DeadLettered(f"it was sent again {record.sends} times, and no worker took it")
        return None

    def _max_attempts(self, record: TaskRecord) -> int:
        queue = self._options(record).queues.get(record.birth.queue)
        try:
            task = registry().resolve(record.birth.name)
        except UnknownTask:
            return record.attempts + 1  # For the dead letters to decide.
        own = queue.max_attempts if queue else 1
        return RetryPolicy.of(task, max_attempts=own, changed=record.birth.options).max_attempts

    def _postpone(self, record: TaskRecord, due_at: datetime, *, sent: bool) -> str:
        if record.due_at is not None:
            change = postpone(record.birth.id, due_was=record.due_at, due_at=due_at, sent=sent)
            self.store.change(record.birth.id, change)
        return "moved"

    def _send(self, record: TaskRecord, now: datetime) -> None:
        birth = record.birth
        if not record.inline:
            arguments = self.store.get_part(birth.id, ARGUMENTS_PART)
            if arguments is None:
                raise LookupError(f"The arguments of task id={birth.id} are gone")
            birth = replace(birth, arguments=arguments)
        options = self._options(record)
        message = TaskMessage(birth=birth, expires_at=now + MESSAGE_LIFE)
        text = encode(message, Keyring(secrets(), options.scope(birth.queue)))
        transport_of(options).send(birth.queue, text, timedelta(0))
        logger.info("Task id=%s name=%s sent again", birth.id, birth.name)

    def _options(self, record: TaskRecord) -> Options:
        return options_for(record.birth, self.options)


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, int]:
    """Sweep every stack of TASKS once, whatever the event says; return the sum of what was done."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    return sweep(clock, left)


def sweep(clock: Callable[[], datetime], left: Callable[[], float]) -> dict[str, int]:
    """Sweep every stack of TASKS once."""
    done: Counter[str] = Counter()
    for options in stacks():
        done += Sweeper(options=options, store=store_of(options), clock=clock, left=left).run()
    logger.info("Swept: %s", dict(done) or "nothing was due")
    return dict(done)
