"""The sweeper: whatever is due is looked at; what has no message any more is sent again."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.apps import apps

from ..aws import within
from ..conf import ENV_STACK, OUTBOX, Options, options_for, stacks
from ..definition.retry_policy import attempts_allowed
from ..exceptions import Cancelled, DeadLettered, Expired, OffloadError, PayloadLost, WorkerLost
from ..operations.due_entries import entries
from ..operations.fail import change_or_recognise, fail_record, with_jitter
from ..protocol.conditional_write import Refused
from ..protocol.record import (
    DUE_AFTER,
    DUE_SHARDS,
    MESSAGE_LIFE,
    READY,
    RUNNING,
    SWEEP_EVERY,
    TaskRecord,
    read_record,
)
from ..protocol.transitions import not_sent, postpone, send_again
from ..sending.enqueue import complete, message_text
from ..stores import Due, Store, store_of
from ..transports import transport_of
from .connections import living_connections
from .deadline import RESERVE_SECONDS
from .effect_cleanup import remove_old_markers
from .enqueue_scheduled import enqueue_scheduled
from .events import LambdaContext, utc_now
from .metrics import tell_longest_running
from .step_results import EFFECTS

logger = logging.getLogger("django_offload")

PAGE = 100
MOST_SENDS = 5
# With more messages in its queue than this, waiting or hidden by a worker that took them, a record that did
# not start has its message there, most likely: sending another would only make the queue longer …
DEEP = 10
# … but a record that waited this long is sent all the same, lost or not.
LONGEST_WAIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Goes through what is due in one stack; safe to run twice at once."""

    options: Options
    store: Store
    clock: Callable[[], datetime]
    left: Callable[[], float]  # Seconds it may still take.
    depths: dict[tuple[str, str], int | None] = field(
        default_factory=dict
    )  # Of queues, as first seen in this run.
    running: list[timedelta] = field(default_factory=list)  # For how long, of the attempts that were met.

    def run(self) -> Counter[str]:
        """Return how many records were "sent", "moved" or "ended"; "stopped" is 1 where time ran out."""
        done: Counter[str] = Counter()
        until = self.clock()
        shards = {shard: entries(self.store, shard, until) for shard in range(DUE_SHARDS)}
        while shards:
            # A page of each in turn: a shard with a backlog keeps no other waiting.
            for shard, due in list(shards.items()):
                count = self._go_through(shard, islice(due, PAGE), done)
                if done["stopped"]:
                    return +done
                if count < PAGE:
                    del shards[shard]
        return +done

    def _go_through(self, shard: int, page: Iterator[Due], done: Counter[str]) -> int:
        """Look at a page of one shard and return how many that were; what fails stops no other record."""
        count = 0
        try:
            for count, entry in enumerate(page, 1):
                if self.left() < RESERVE_SECONDS:
                    done["stopped"] = 1
                    return count
                done[self._look(entry)] += 1
        except Exception:
            # Whatever AWS refuses for one shard, the others have their turn.
            logger.exception("Shard %s of stack %s could not be swept", shard, self.options.stack)
            done["failed"] += 1
            return 0
        return count

    def _look(self, entry: Due) -> str:
        """Do what is due for one record, and return what was done."""
        try:
            attributes = self.store.get(entry.id)
        except Exception:
            logger.exception("Task id=%s could not be read; it is due again", entry.id)
            return "failed"
        # The index lags behind: what is not due in the record itself was done already.
        if attributes is None or "due_at" not in attributes:
            return "stale"
        try:
            record = read_record(attributes)
            if record.due_at != entry.due_at:
                return "stale"
            return self._settle(record)
        except Refused:
            return "stale"  # A worker or another sweeper was faster.
        except Exception:
            logger.exception("Task id=%s could not be swept; it is due again", entry.id)
            return "failed"

    def _settle(self, record: TaskRecord) -> str:
        try:
            return self._decide(record, self.clock())
        except PayloadLost as exc:
            return self._end(record, self.clock(), exc)

    def _decide(self, record: TaskRecord, now: datetime) -> str:
        if record.status == RUNNING and record.attempted_at is not None:
            self.running.append(now - record.attempted_at)
        if record.status != READY and not record.lost(now):
            return self._postpone(record, record.lease_until or now + DUE_AFTER)
        error = self._hopeless(record, now)
        if error is not None:
            return self._end(record, now, error)
        transport = transport_of(self._options(record))
        ahead = max(record.not_before - now, timedelta(0)) if record.status == READY else timedelta(0)
        if ahead > transport.longest_delay:
            lead = max(transport.longest_delay - SWEEP_EVERY, timedelta(0))
            return self._postpone(record, record.not_before - lead)
        if ahead or self._unsent(record):
            return self._send(record, now, ahead, counts=False)
        return self._overdue(record, now)

    def _overdue(self, record: TaskRecord, now: datetime) -> str:
        """Decide on a record that had a message, and whose task should run by now."""
        waited, depth = now - self._since(record), self._depth(record)
        in_vain = record.sends >= MOST_SENDS
        # What its worker's death interrupted lost its message for long: a backlog explains nothing there.
        if depth is not None and depth > DEEP and (in_vain or record.status == READY):
            if waited >= LONGEST_WAIT:
                return self._send(record, now, timedelta(0), counts=False)
        elif not in_vain:
            return self._send(record, now, timedelta(0), counts=True)
        elif depth == 0:
            cause = f"it was sent again {record.sends} times, and no worker took it"
            return self._end(record, now, DeadLettered(cause))
        elif waited > MESSAGE_LIFE:  # READY, it was ended before.
            return self._end(record, now, Expired(MESSAGE_LIFE.days))
        # One of its messages may still be there, hidden again and again by workers that crash.
        return self._postpone(record, now + max(DUE_AFTER, waited))

    def _end(self, record: TaskRecord, now: datetime, error: OffloadError) -> str:
        fail_record(self.store, record.enqueued, self._options(record), now, error, record)
        return "ended"

    def _unsent(self, record: TaskRecord) -> bool:
        """Tell whether what is due has had no message yet: a start, or a retry, that none could wait for."""
        return record.status == READY and record.due_at is not None and record.due_at < record.ready_at

    def _hopeless(self, record: TaskRecord, now: datetime) -> OffloadError | None:
        """Return why a record needs no other delivery, None where it does."""
        if record.status == READY:
            expired = now > self._since(record) + MESSAGE_LIFE
            return Expired(MESSAGE_LIFE.days) if expired else None
        if record.cancelled:
            return Cancelled()
        allowed = attempts_allowed(record.enqueued, self._options(record))
        return WorkerLost(record.attempts) if allowed is not None and record.attempts >= allowed else None

    def _since(self, record: TaskRecord) -> datetime:
        """Return since when a message of this record could have been delivered."""
        return max(record.ready_at, record.sent_at or record.ready_at)

    def _depth(self, record: TaskRecord) -> int | None:
        """Return about how many messages a record's queue holds; None where nobody says."""
        options = self._options(record)
        key = (options.alias, record.enqueued.queue)
        if key not in self.depths:
            try:
                self.depths[key] = transport_of(options).depth(record.enqueued.queue)
            except Exception as exc:  # noqa: BLE001, a queue that is gone or silent must not hold up the rest
                logger.warning("The depth of queue '%s' is unknown: %s", record.enqueued.queue, exc)
                self.depths[key] = None
        return self.depths[key]

    def _postpone(self, record: TaskRecord, due_at: datetime) -> str:
        if record.due_at is not None:
            self.store.change(
                record.enqueued.id, postpone(record.enqueued.id, due_was=record.due_at, due_at=due_at)
            )
        return "moved"

    def _send(self, record: TaskRecord, now: datetime, delay: timedelta, *, counts: bool) -> str:
        """Move `due_at`, then send: of two sweepers, one sends."""
        enqueued, options = complete(self.store, record), self._options(record)
        due_at = with_jitter(now + delay + DUE_AFTER * 2**record.sends)
        if record.due_at is not None:
            change = send_again(
                enqueued.id, due_was=record.due_at, due_at=due_at, now=now + delay, counts=counts
            )
            change_or_recognise(self.store, enqueued.id, change)
        text = message_text(enqueued, options, now + delay + MESSAGE_LIFE)
        try:
            transport_of(options).send(enqueued.queue, text, delay)
        except Exception:
            # An outage of AWS uses up no sends, and extends no life: when it ends, the task goes on.
            with suppress(Refused):  # Claimed meanwhile, by another message of it.
                self.store.change(enqueued.id, not_sent(record, due_at=due_at, now=now + delay))
            raise
        logger.info("Task id=%s name=%s sent again", enqueued.id, enqueued.name)
        return "sent"

    def _options(self, record: TaskRecord) -> Options:
        return options_for(record.enqueued.alias, self.options)


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, int]:
    """Sweep every stack of TASKS once, or enqueue what a schedule struck; return the sum of what was done."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    with living_connections(), within(left):
        if isinstance(event, Mapping) and "schedule" in event:
            enqueue_scheduled(event, clock)
            return {"enqueued": 1}
        return sweep(clock, left)


def sweep(clock: Callable[[], datetime], left: Callable[[], float]) -> dict[str, int]:
    """Sweep every stack of TASKS once, and the outbox and the markers of effects where they are installed."""
    done: Counter[str] = Counter()
    # Records come first, since a database that does not answer would take all the time there is; and half of
    # that is the outbox's, which no backlog of records may keep waiting.
    others = left() / 2 if apps.is_installed(OUTBOX) else 0.0
    # In AWS the sweeper of a stack has the rights to that stack alone.
    own = os.environ.get(ENV_STACK)
    for options in stacks():
        if own not in {None, options.stack}:
            continue
        sweeper = Sweeper(options=options, store=store_of(options), clock=clock, left=lambda: left() - others)
        done += sweeper.run()
        if own:
            tell_longest_running(own, sweeper.running, clock())
    if apps.is_installed(OUTBOX):
        done += _drain(clock(), left)
    if apps.is_installed(EFFECTS):
        done += remove_old_markers(clock(), left)
    logger.info("Swept: %s", dict(done) or "nothing was due")
    return dict(done)


def _drain(now: datetime, left: Callable[[], float]) -> Counter[str]:
    """Send what the outbox keeps; trouble with the database does not stop the sweep of records."""
    from ..outbox import drain as outbox

    try:
        return Counter(drained=outbox.drain(now, left))
    except Exception:
        logger.exception("The outbox could not be drained; the next sweep tries again")
        return Counter(failed=1)
