"""Sweep the due records of one stack, page by page: read, decide, write and send, each together."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ...aws import begun, is_throttled, made_in_turn, throttled_once
from ...conf import Options, options_for
from ...definition.registry import mask_of_arguments
from ...definition.retry_policy import attempts_allowed
from ...exceptions import PayloadLost, UnreadableRecord
from ...operations.fail import announce_end, leaves_nothing_to_end
from ...operations.find import begin_complete, complete
from ...operations.pages import OutgoingMessage, Write, begin_write, send_together, write_together
from ...protocol.conditional_write import Attributes, Refused
from ...protocol.json_codec import load
from ...protocol.record import MESSAGE_LIFE, RUNNING, TaskRecord, read_record
from ...protocol.transitions import set_aside
from ...sending.enqueue import message_text
from ...stores import DueEntry, Store
from ...transports import transport_of
from ...transports.batches import MOST_ENTRIES
from ..deadline import RESERVE_SECONDS
from ..events import log_exception
from .decision import ENDED, SENT, Plan, Situation, decide, decide_overdue, end, undo_send
from .due_pages import DuePages, turns
from .pace import Pace

if TYPE_CHECKING:
    from ...definition.masking import Mask

logger = logging.getLogger("django_offload")

# A record that another writer made unreadable is looked at this often.
UNREADABLE_AFTER = timedelta(hours=1)
# So many ends are written together. Receivers of task_finished run after each, and may be slow.
ENDS_TOGETHER = 10


class NotBegun(Exception):
    """A call was not begun, because the time is over or its shard was stopped."""


@dataclass(slots=True, kw_only=True)
class Look:
    """A due record, and what the sweeper does with it."""

    entry: DueEntry
    partition: int  # Of the index, where its entry was read.
    attributes: Attributes
    record: TaskRecord
    plan: Plan
    text: str = ""  # Of the message.


def may_be_written(exc: Exception) -> bool:
    """Return True if a write without an answer may have been made."""
    return not isinstance(exc, NotBegun | Refused) and not is_throttled(exc)


@dataclass(slots=True, kw_only=True)
class Sweeper:
    """
    Goes through the due records of one stack; safe to run twice at once.

    begin() reads the first page of each shard. `backlog` names the shards that hold more, and keep() leaves
    shards to other sweepers. run() sweeps the others.
    """

    options: Options
    store: Store
    clock: Callable[[], datetime]
    left: Callable[[], float]  # Seconds it may still take.
    shards: Collection[int] | None = None  # The numbers of the shards to sweep, in all bands; None: all.
    pace: Pace | None = None
    # Of queues, by alias and name, as first seen in this run; None if AWS didn't say.
    depths: dict[tuple[str, str], int | None] = field(default_factory=dict)
    # For how long each running attempt has been running.
    running: list[timedelta] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _due: DuePages | None = None
    _aside: list[Write] = field(default_factory=list)  # Of the page, by put_off().

    def begin(self) -> DuePages:
        """Read the first page of each shard, if they aren't read yet."""
        if self._due is None:
            self._due = DuePages(
                stack=self.options.stack,
                store=self.store,
                clock=self.clock,
                pace=self.pace or Pace(units_per_second=self.store.index_units_per_second),
                shards=self.store.shards(self.options),
                turns=turns(self.store.read_shards, self.shards),
            )
            self._due.begin()
        return self._due

    @property
    def backlog(self) -> list[int]:
        """The numbers of the shards in which a full page is due, and perhaps more."""
        return sorted(self.begin().full)

    def keep(self, shards: Collection[int]) -> None:
        """Sweep only these of the shards, because other sweepers have the others."""
        self.begin().keep(shards)

    def run(self) -> Counter[str]:
        """Return how many records were "sent", "moved" or "ended"; "stopped" is 1 if time ran out."""
        due = self.begin()
        for page in due.pages():
            if self.is_over():
                break
            if page:
                self.sweep_page(page)
        self.done["failed"] += due.failed
        return +self.done

    def is_over(self) -> bool:
        """Return True, and count it, if too little time is left to begin another write."""
        if not self.done["stopped"] and self.left() < RESERVE_SECONDS:
            self.done["stopped"] = 1
        return bool(self.done["stopped"])

    def sweep_page(self, page: Sequence[tuple[int, DueEntry]]) -> None:
        """Sweep a page of entries, each with its partition. A record that fails stops no other."""
        looks = [look for look in self.looks(page) if look is not None]
        looks = [look for look in self.with_messages(looks) if look is not None]
        self.write_and_send([look for look in looks if look.plan.outcome != ENDED])
        self.end([look for look in looks if look.plan.outcome == ENDED])
        for _ in write_together(self.store, self._aside):
            pass  # One that fails is due again with the next sweep.
        self._aside.clear()

    # Reading and deciding.

    def looks(self, page: Sequence[tuple[int, DueEntry]]) -> Iterator[Look | None]:
        """Read the records of a page together, and decide on each."""
        records = self.read([entry.id for _, entry in page])
        for partition, entry in page:
            attributes = records[entry.id]
            if isinstance(attributes, Exception):
                if not isinstance(attributes, NotBegun):
                    self.failed(entry, None, attributes)
            # The index lags behind: if the record itself isn't due then, somebody else has dealt with it.
            elif attributes is None or "due_at" not in attributes:
                self.done["stale"] += 1
            else:
                yield self.look(partition, entry, attributes)

    def read(self, ids: Sequence[str]) -> Mapping[str, Attributes | Exception | None]:
        """Return the records with these ids, or why one can't be read, or None if there is none."""
        together = begun(partial(self.store.begin_get_many, ids))()
        if isinstance(together, Exception):
            logger.warning("%s records are read one by one, because AWS refused: %s", len(ids), together)
            together = {}
        records: dict[str, Attributes | Exception | None] = {}
        is_busy = False
        for task_id in ids:
            # A busy table leaves records out. The index may also show one that is gone.
            records[task_id] = found = together.get(task_id) or self.read_alone(task_id, skips=is_busy)
            is_busy = is_busy or (isinstance(found, Exception) and is_throttled(found))
        return records

    def read_alone(self, task_id: str, *, skips: bool) -> Attributes | Exception | None:
        """Return one record, or why it can't be read: NotBegun if the table is busy or the time is over."""
        if skips or self.is_over():
            return NotBegun()
        return begun(partial(partial, self.store.get, task_id))()

    def look(self, partition: int, entry: DueEntry, attributes: Attributes) -> Look | None:
        """Decide on one record, or return None if there is nothing to do."""
        record = None
        try:
            record = read_record(attributes)
            if record.due_at != entry.due_at:
                self.done["stale"] += 1
                return None
            plan = self.decide(record, self.clock())
        except UnreadableRecord as exc:
            self.put_off(entry, attributes, exc)
        except Exception as exc:  # noqa: BLE001, one record must not keep the others from being swept
            self.failed(entry, record, exc)
        else:
            return Look(entry=entry, partition=partition, attributes=attributes, record=record, plan=plan)
        return None

    def decide(self, record: TaskRecord, now: datetime) -> Plan:
        if record.status == RUNNING and record.attempted_at is not None:
            self.running.append(now - record.attempted_at)
        situation = self.situation(record, now)
        return decide(record, situation) or decide_overdue(record, situation, self.depth(record))

    def situation(self, record: TaskRecord, now: datetime) -> Situation:
        options = options_for(record.enqueued.alias, self.options)
        return Situation(
            now=now,
            options=options,
            longest_delay=transport_of(options).longest_delay,
            attempts_allowed=attempts_allowed(record.enqueued, options),
            shards=self.store.shards(options),
        )

    def depth(self, record: TaskRecord) -> int | None:
        """Return about how many messages a record's queue holds, or None if AWS doesn't say."""
        options = options_for(record.enqueued.alias, self.options)
        key = (options.alias, record.enqueued.queue)
        if key not in self.depths:
            try:
                self.depths[key] = transport_of(options).depth(record.enqueued.queue)
            except Exception as exc:  # noqa: BLE001, a queue that is gone or silent must not hold up the rest
                logger.warning("The depth of queue '%s' is unknown: %s", record.enqueued.queue, exc)
                self.depths[key] = None
        return self.depths[key]

    def with_messages(self, looks: Sequence[Look]) -> Iterator[Look | None]:
        """Add the texts of messages. Arguments that are stored beside their records are read together."""
        sends = [look for look in looks if look.plan.outcome == SENT]
        completed = made_in_turn(partial(begin_complete, self.store, look.record) for look in sends)
        yield from (look for look in looks if look.plan.outcome != SENT)
        for look, enqueued in zip(sends, completed, strict=True):
            try:
                if isinstance(enqueued, Exception):
                    raise enqueued
                assert look.plan.start is not None
                look.text = message_text(enqueued, look.plan.options, look.plan.start + MESSAGE_LIFE)
            except PayloadLost as exc:
                look.plan = end(look.record, self.situation(look.record, self.clock()), exc)
            except UnreadableRecord as exc:
                self.put_off(look.entry, look.attributes, exc)
                continue
            except Exception as exc:  # noqa: BLE001, one record must not keep the others from being swept
                self.failed(look.entry, look.record, exc)
                continue
            yield look

    # Writing and sending.

    def write_and_send(self, looks: Sequence[Look]) -> None:
        """Make the writes together. Send ten messages as soon as their writes are answered."""
        tens: dict[tuple[str, str], list[Look]] = {}
        sends, unknown = [], []
        for look, outcome in zip(looks, made_in_turn(self.writes(looks)), strict=True):
            if isinstance(outcome, Exception):
                self.not_written(look, outcome)
                if look.plan.outcome == SENT and may_be_written(outcome):
                    unknown.append(look)
            elif look.plan.outcome != SENT:
                self.done[look.plan.outcome] += 1
            else:
                queue = (look.plan.options.alias, look.record.enqueued.queue)
                ten = tens.setdefault(queue, [])
                ten.append(look)
                if len(ten) == MOST_ENTRIES:
                    sends.append(self.begin_send(tens.pop(queue)))
        sends += [self.begin_send(ten) for ten in tens.values()]
        not_accepted = [look for finish in sends for look in finish()]
        self.take_back(not_accepted if self.is_over() else not_accepted + unknown)

    def writes(self, looks: Sequence[Look]) -> Iterator[Callable[[], Callable[[], Attributes]]]:
        """Yield what begins the write of each plan."""
        for look in looks:
            yield partial(self.begin_write, look)

    def begin_write(self, look: Look) -> Callable[[], Attributes]:
        """Begin a write. Raise NotBegun if the time is over, or if the shard has been throttled."""
        if self.is_over() or look.partition in self.begin().stopped:
            raise NotBegun
        with throttled_once():
            wait = begin_write(self.store, look.entry.id, look.plan.change)

        def written() -> Attributes:
            with throttled_once():
                return wait()

        return written

    def not_written(self, look: Look, exc: Exception) -> None:
        if isinstance(exc, NotBegun):
            return
        if isinstance(exc, Refused):
            self.done["stale"] += 1  # A worker or another sweeper was faster.
            return
        if is_throttled(exc):
            self.begin().stop(look.partition)
        self.failed(look.entry, look.record, exc)

    def begin_send(self, looks: Sequence[Look]) -> Callable[[], list[Look]]:
        """Begin to send messages of one queue. Return what waits, and returns those that weren't accepted."""
        now = self.clock()
        wait = send_together(
            [
                OutgoingMessage(
                    options=look.plan.options,
                    queue=look.record.enqueued.queue,
                    text=look.text,
                    # Since the decision, time has passed.
                    delay=max((look.plan.start or now) - now, timedelta(0)),
                    group=look.record.enqueued.group,
                )
                for look in looks
            ]
        )

        def not_accepted() -> list[Look]:
            failures = wait()
            for look, failure in zip(looks, failures, strict=True):
                enqueued = look.record.enqueued
                if failure is None:
                    self.done[SENT] += 1
                    logger.info("Task id=%s name=%s sent again", enqueued.id, enqueued.name)
                else:
                    self.failed(look.entry, look.record, failure)
            return [look for look, failure in zip(looks, failures, strict=True) if failure is not None]

        return not_accepted

    def take_back(self, looks: Sequence[Look]) -> None:
        """
        Undo the sends that failed: they use up no sends and extend no life.

        So a task goes on when an outage of AWS ends. Of a write without an answer, nobody knows if there is
        anything to undo.
        """
        writes = [
            (look.entry.id, undo_send(look.plan, self.store.shards(look.plan.options))) for look in looks
        ]
        for (task_id, _), outcome in zip(writes, write_together(self.store, writes), strict=True):
            # Refused: claimed in the meantime, by another message of it, or it never was written.
            if isinstance(outcome, Exception) and not isinstance(outcome, Refused):
                logger.warning("Task id=%s counts a send that failed: %s", task_id, outcome)

    def end(self, looks: Sequence[Look]) -> None:
        """End records, and send task_finished for each."""
        for look, outcome in zip(looks, made_in_turn(self.writes(looks), ENDS_TOGETHER), strict=True):
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                announce_end(self.store, look.record.enqueued, look.plan.options, outcome)
            except Refused as refused:
                assert look.plan.error is not None
                if not leaves_nothing_to_end(refused, look.record.enqueued, look.plan.error):
                    self.not_written(look, refused)
                    continue
            except Exception as exc:  # noqa: BLE001, one record must not keep the others from being swept
                self.not_written(look, exc)
                continue
            self.done[ENDED] += 1

    # What goes wrong.

    def failed(self, entry: DueEntry, record: TaskRecord | None, exc: Exception) -> None:
        """Count and log that a record could not be swept."""
        self.done["failed"] += 1
        mask = self.mask_of(record) if record is not None else None
        log_exception(exc, mask, "Task id=%s could not be swept; it is due again", entry.id)

    def put_off(self, entry: DueEntry, attributes: Attributes, reason: UnreadableRecord) -> None:
        """Look at a record that can't be read again later, so that many of them take no time from others."""
        self.done["failed"] += 1
        logger.error("Task id=%s could not be swept; it is due again in an hour: %s", entry.id, reason)
        now = self.clock()
        due_at, shards = now + UNREADABLE_AFTER, self.store.shards(self.options)
        change = set_aside(entry.id, attributes, now=now, due_at=due_at, shards=shards)
        self._aside.append((entry.id, change))

    def mask_of(self, record: TaskRecord) -> "Mask | None":
        """Return what hides the sensitive arguments of a record, which may be beside it; or its messages."""
        try:
            return mask_of_arguments(
                record.enqueued.name, lambda: load(complete(self.store, record).arguments)
            )
        except Exception:  # noqa: BLE001, AWS doesn't answer, which is what this record's error is about
            from ...definition.masking import Mask

            return Mask([0])  # Too short to be found, so that no message is shown.
