"""The sweeper: look at every record that is due, and send a task again if its message is lost."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.apps import apps

from ..aws import within
from ..conf import ENV_STACK, OUTBOX, Options, options_for, stacks
from ..definition.registry import mask_of_arguments
from ..definition.retry_policy import attempts_allowed
from ..exceptions import (
    Cancelled,
    DeadLettered,
    Expired,
    OffloadError,
    PayloadLost,
    UnreadableRecord,
    WorkerLost,
)
from ..operations.due_entries import entries
from ..operations.fail import change_or_recognise, fail_record, with_jitter
from ..operations.find import complete
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.json_codec import load
from ..protocol.record import (
    DUE_AFTER,
    MESSAGE_LIFE,
    READY,
    RUNNING,
    SWEEP_EVERY,
    TaskRecord,
    read_record,
)
from ..protocol.shards import Band, partitions
from ..protocol.transitions import not_sent, postpone, send_again, set_aside
from ..sending.enqueue import message_text
from ..stores import DueEntry, Store, store_of
from ..transports import transport_of
from .connections import living_connections
from .deadline import RESERVE_SECONDS
from .effect_cleanup import remove_old_markers
from .enqueue_scheduled import enqueue_scheduled, options_of
from .events import LambdaContext, log_exception, seconds_left, utc_now
from .metrics import print_longest_running
from .step_results import EFFECTS
from .sweep_event import read_event

if TYPE_CHECKING:
    from ..definition.masking import Mask

logger = logging.getLogger("django_offload")

PAGE = 100
MOST_SENDS = 5
# If a queue holds more messages than this, waiting or hidden by a worker, the message of a record that didn't
# start is most likely among them: another one would only make the queue longer …
DEEP = 10
# … but a record that has waited this long is sent all the same.
LONGEST_WAIT = timedelta(hours=12)
# A record that another writer made unreadable is looked at this often.
UNREADABLE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Goes through the due records of one stack; safe to run twice at once."""

    options: Options
    store: Store
    clock: Callable[[], datetime]
    left: Callable[[], float]  # Seconds it may still take.
    # Of queues, by alias and name, as first seen in this run; None if AWS didn't say.
    depths: dict[tuple[str, str], int | None] = field(default_factory=dict)
    # For how long each running attempt has been running.
    running: list[timedelta] = field(default_factory=list)

    def run(self) -> Counter[str]:
        """Return how many records were "sent", "moved" or "ended"; "stopped" is 1 if time ran out."""
        done: Counter[str] = Counter()
        until = self.clock()
        shards = partitions(Band.RESCUE, Band.DEFERRED, shards=self.store.read_shards)
        entries_by_shard = {shard: entries(self.store, shard, until) for shard in shards}
        while entries_by_shard:
            # A page of each shard in turn, so that a shard with a backlog keeps no other waiting.
            for shard, due in list(entries_by_shard.items()):
                count = self.sweep_page(shard, islice(due, PAGE), done)
                if done["stopped"]:
                    return +done
                if count < PAGE:
                    del entries_by_shard[shard]
        return +done

    def sweep_page(self, shard: int, page: Iterator[DueEntry], done: Counter[str]) -> int:
        """Sweep a page of one shard, and return its length. A record that fails stops no other."""
        count = 0
        try:
            for count, entry in enumerate(page, 1):
                if self.left() < RESERVE_SECONDS:
                    done["stopped"] = 1
                    return count
                done[self.sweep_entry(entry)] += 1
        except Exception:
            # If AWS refuses one shard, the others still have their turn.
            logger.exception("Shard %s of stack %s could not be swept", shard, self.options.stack)
            done["failed"] += 1
            return 0
        return count

    def sweep_entry(self, entry: DueEntry) -> str:
        """Look at one due record, and return what was done."""
        try:
            attributes = self.store.get(entry.id)
        except Exception:
            logger.exception("Task id=%s could not be read; it is due again", entry.id)
            return "failed"
        # The index lags behind: if the record itself isn't due then, somebody else has dealt with it.
        if attributes is None or "due_at" not in attributes:
            return "stale"
        record = None
        try:
            record = read_record(attributes)
            if record.due_at != entry.due_at:
                return "stale"
            try:
                return self.decide(record, self.clock())
            except PayloadLost as exc:
                return self.end(record, self.clock(), exc)
        except UnreadableRecord as exc:
            self.put_off(entry, attributes, exc)
            return "failed"
        except Refused:
            return "stale"  # A worker or another sweeper was faster.
        except Exception as exc:  # noqa: BLE001, one record must not keep the others from being swept
            mask = self.mask_of(record) if record is not None else None
            log_exception(exc, mask, "Task id=%s could not be swept; it is due again", entry.id)
            return "failed"

    def put_off(self, entry: DueEntry, attributes: Attributes, reason: UnreadableRecord) -> None:
        """Look at a record that can't be read again later, so that many of them take no time from others."""
        logger.error("Task id=%s could not be swept; it is due again in an hour: %s", entry.id, reason)
        now = self.clock()
        due_at, shards = now + UNREADABLE_AFTER, self.store.shards(self.options)
        change = set_aside(entry.id, attributes, now=now, due_at=due_at, shards=shards)
        with suppress(Exception):  # Then it is due again with the next sweep.
            self.store.change(entry.id, change)

    def mask_of(self, record: TaskRecord) -> "Mask | None":
        """Return what hides the sensitive arguments of a record, which may be beside it; or its messages."""
        try:
            return mask_of_arguments(
                record.enqueued.name, lambda: load(complete(self.store, record).arguments)
            )
        except Exception:  # noqa: BLE001, AWS doesn't answer, which is what this record's error is about
            from ..definition.masking import Mask

            return Mask([0])  # Too short to be found, so that no message is shown.

    def decide(self, record: TaskRecord, now: datetime) -> str:
        if record.status == RUNNING and record.attempted_at is not None:
            self.running.append(now - record.attempted_at)
        if record.status != READY and not record.lost(now):
            return self.postpone(record, record.lease_until or now + DUE_AFTER)
        error = self.reason_to_end(record, now)
        if error is not None:
            return self.end(record, now, error)
        transport = transport_of(self.options_of(record))
        ahead = max(record.not_before - now, timedelta(0)) if record.status == READY else timedelta(0)
        if ahead > transport.longest_delay:
            lead = max(transport.longest_delay - SWEEP_EVERY, timedelta(0))
            return self.postpone(record, record.not_before - lead, Band.DEFERRED)
        # A record that is due before it may start has had no message yet: none could wait that long.
        unsent = record.status == READY and record.due_at is not None and record.due_at < record.ready_at
        if ahead or unsent:
            return self.send(record, now, ahead, counts=False)
        return self.decide_overdue(record, now)

    def decide_overdue(self, record: TaskRecord, now: datetime) -> str:
        """Decide on a record that had a message, and whose task should be running by now."""
        waited, depth = now - self.deliverable_since(record), self.depth(record)
        in_vain = record.sends >= MOST_SENDS
        # A task whose worker died has long lost its message, so a backlog explains nothing there.
        if depth is not None and depth > DEEP and (in_vain or record.status == READY):
            if waited >= LONGEST_WAIT:
                return self.send(record, now, timedelta(0), counts=False)
        elif not in_vain:
            return self.send(record, now, timedelta(0), counts=True)
        elif depth == 0:
            cause = f"it was sent again {record.sends} times, and no worker took it"
            return self.end(record, now, DeadLettered(cause))
        elif waited > MESSAGE_LIFE:  # A READY record has ended before.
            return self.end(record, now, Expired(MESSAGE_LIFE.days))
        # One of its messages may still be there, hidden again and again by workers that crash.
        return self.postpone(record, now + max(DUE_AFTER, waited))

    def reason_to_end(self, record: TaskRecord, now: datetime) -> OffloadError | None:
        """Return why no delivery could help a record, or None if one could."""
        if record.status == READY:
            expired = now > self.deliverable_since(record) + MESSAGE_LIFE
            return Expired(MESSAGE_LIFE.days) if expired else None
        if record.cancelled:
            return Cancelled()
        allowed = attempts_allowed(record.enqueued, self.options_of(record))
        return WorkerLost(record.attempts) if allowed is not None and record.attempts >= allowed else None

    def deliverable_since(self, record: TaskRecord) -> datetime:
        """Return since when a message of this record could have been delivered."""
        return max(record.ready_at, record.sent_at or record.ready_at)

    def depth(self, record: TaskRecord) -> int | None:
        """Return about how many messages a record's queue holds, or None if AWS doesn't say."""
        options = self.options_of(record)
        key = (options.alias, record.enqueued.queue)
        if key not in self.depths:
            try:
                self.depths[key] = transport_of(options).depth(record.enqueued.queue)
            except Exception as exc:  # noqa: BLE001, a queue that is gone or silent must not hold up the rest
                logger.warning("The depth of queue '%s' is unknown: %s", record.enqueued.queue, exc)
                self.depths[key] = None
        return self.depths[key]

    def options_of(self, record: TaskRecord) -> Options:
        return options_for(record.enqueued.alias, self.options)

    def end(self, record: TaskRecord, now: datetime, error: OffloadError) -> str:
        fail_record(self.store, record.enqueued, self.options_of(record), now, error, record)
        return "ended"

    def postpone(self, record: TaskRecord, due_at: datetime, band: Band = Band.RESCUE) -> str:
        if record.due_at is not None:
            task_id, shards = record.enqueued.id, self.store.shards(self.options)
            change = postpone(task_id, due_was=record.due_at, due_at=due_at, band=band, shards=shards)
            self.store.change(task_id, change)
        return "moved"

    def send(self, record: TaskRecord, now: datetime, delay: timedelta, *, counts: bool) -> str:
        """Move `due_at`, then send: of two sweepers, one sends."""
        enqueued, options = complete(self.store, record), self.options_of(record)
        due_at = with_jitter(now + delay + DUE_AFTER * 2 ** min(record.sends, MOST_SENDS))
        if record.due_at is not None:
            change = send_again(
                enqueued.id,
                due_was=record.due_at,
                due_at=due_at,
                now=now + delay,
                counts=counts,
                shards=self.store.shards(options),
            )
            change_or_recognise(self.store, enqueued.id, change)
        text = message_text(enqueued, options, now + delay + MESSAGE_LIFE)
        try:
            transport_of(options).send(enqueued.queue, text, delay)
        except Exception:
            # An outage of AWS uses up no sends and extends no life, so the task goes on when it ends.
            with suppress(Refused):  # Claimed in the meantime, by another message of it.
                self.store.change(enqueued.id, not_sent(record, due_at=due_at, now=now + delay))
            raise
        logger.info("Task id=%s name=%s sent again", enqueued.id, enqueued.name)
        return "sent"


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, int]:
    """
    Sweep every stack of TASKS once, or enqueue the task of a schedule; count what was done.

    Raise UnknownEvent, with nothing done, if the event is neither of the stack's rule nor of its schedules.
    """
    # Before anything else, so that another event has no effect at all.
    occurrence = read_event(event, context, clock())
    options = options_of(occurrence) if occurrence is not None else None

    def left() -> float:
        return seconds_left(context)

    with living_connections(), within(left):
        if occurrence is None or options is None:
            return sweep(clock, left)
        enqueue_scheduled(occurrence, options, clock)
        return {"enqueued": 1}


def sweep(clock: Callable[[], datetime], left: Callable[[], float]) -> dict[str, int]:
    """Sweep every stack of TASKS once, and the outbox and the markers of effects if they are installed."""
    done: Counter[str] = Counter()
    # Records come first, because a database that doesn't answer would take all the time there is. The outbox
    # has half of the time, which no backlog of records may take.
    outbox_seconds = left() / 2 if apps.is_installed(OUTBOX) else 0.0
    # In AWS the sweeper of a stack has the rights to that stack alone.
    own_stack = os.environ.get(ENV_STACK)
    for options in stacks():
        if own_stack not in {None, options.stack}:
            continue
        sweeper = Sweeper(
            options=options,
            store=store_of(options),
            clock=clock,
            left=lambda: left() - outbox_seconds,
        )
        done += sweeper.run()
        if own_stack:
            print_longest_running(own_stack, sweeper.running, clock())
    if apps.is_installed(OUTBOX):
        done += drain_outbox(clock(), left)
    if apps.is_installed(EFFECTS):
        done += remove_old_markers(clock(), left)
    # A line every minute would only say that the sweeper runs.
    logger.log(logging.INFO if done else logging.DEBUG, "Swept: %s", dict(done) or "nothing was due")
    return dict(done)


def drain_outbox(now: datetime, left: Callable[[], float]) -> Counter[str]:
    """Send what the outbox holds. An error of the database doesn't stop the sweep of records."""
    from ..outbox import drain as outbox

    try:
        return Counter(drained=outbox.drain(now, left))
    except Exception:
        logger.exception("The outbox could not be drained; the next sweep tries again")
        return Counter(failed=1)
