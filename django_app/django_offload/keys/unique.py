"""
Who gets a unique key: one task at a time, whatever dies or stalls in between.

    take ──▶ mine: send
      │ refused
      ▼
    the holder's record ── lives ────────▶ the call is a duplicate: nothing is sent
                        ── has ended ────▶ take the key over, on condition that the holder still has it
                        ── is missing ───▶ wait a moment; then send the task under the holder's id
                        ── waits too long▶ write my record, end the holder, take the key over

A process may die or stall after each step. Then the key has a holder that has ended, or one without a record,
and the next call goes on from there.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any

from ..aws import begin_together
from ..conf import Options
from ..definition.registry import registry, result_ttl
from ..definition.unique_option import QUEUED
from ..exceptions import OutOfTime, UnknownTask
from ..protocol.conditional_write import Attributes, Refused, Value
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import to_micros
from ..protocol.record import FAILED, READY, RECORD_LIFE, SUCCESSFUL, initial_item
from ..protocol.unique_key import (
    KeyHolder,
    duplicate_item,
    end_as_duplicate,
    item_id,
    read_holder,
    renew,
    take,
)
from ..stores import Store
from ..stores.arguments import keep_arguments

logger = logging.getLogger("django_offload")

# How long to wait for the record of a task that another process is about to send, before each look.
PAUSES = (0.05, 0.1, 0.2)
# A process that took a key and wrote no record within this time will not, or its record is deleted already.
LONGEST_SEND = timedelta(days=1)
NO_ARGUMENTS = "[[],{}]"
ENDED = (SUCCESSFUL, FAILED)  # No set, because another writer's status may be a list.
# Each round has a new reason. More of them than this means that many calls take the same key.
MOST_ROUNDS = 20


class Standing(Enum):
    """What the record of a holder says about its key."""

    LIVES = "lives"
    FREE = "free"
    MISSING = "missing"
    OVERDUE = "overdue"  # It waits for longer than `unique_for`.


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The task whose work a duplicate asked for again."""

    task_id: str
    record: Attributes | None  # As it was read.
    # Its process may have died before it sent the task, so the duplicate's process sends it under this id.
    to_send: bool = False
    run_after: datetime | None = None  # Of a task to send.


# Of a task that asked for a key: None, because it has it, or else who has it.
type Answer = Holder | None


def standing_of(
    record: Mapping[str, Any] | None, holder: KeyHolder, *, until_start: bool, now: datetime
) -> Standing:
    """Return what a holder's record says. With `until_start` a task that has started needs no key."""
    if record is None:
        return Standing.MISSING
    status = record.get("status")
    if status in ENDED or (until_start and status != READY):
        return Standing.FREE
    if status == READY and holder.until is not None and holder.until <= now:
        return Standing.OVERDUE
    return Standing.LIVES


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A task that asks for its key."""

    enqueued: EnqueuedTask
    until_start: bool
    until: datetime | None
    may_take: bool = True
    found: Attributes | None = None  # The item of the key when it was read.
    holder: KeyHolder | None = None  # Who had the key then.
    looks: int = 0  # In vain, for the record of the holder.
    record: Attributes | None = None  # That it wrote to replace the holder.
    was_sent: bool = False  # By an earlier call: it is enqueued once more.

    @property
    def key(self) -> str:
        return item_id(self.enqueued.unique or "")


class UniqueKeys:
    """The unique keys in the table of one stack."""

    def __init__(
        self,
        store: Store,
        options: Options,
        now: datetime,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store, self.options, self.now, self.pause = store, options, now, pause

    def take_all(self, enqueued_tasks: Sequence[EnqueuedTask]) -> dict[str, Answer | Exception]:
        """
        Take the keys of tasks that have one and are about to be sent; return the answer to each, by its id.

        Of several with one key, the first one's answer counts for the others.
        """
        first: dict[str, Candidate] = {}
        for enqueued in enqueued_tasks:
            if enqueued.unique is not None and enqueued.unique not in first:
                first[enqueued.unique] = self.candidate(enqueued)
        answers = self.settle(list(first.values()))
        for enqueued in enqueued_tasks:
            if enqueued.unique is not None and enqueued.id not in answers:
                leader = first[enqueued.unique].enqueued.id
                answer = answers[leader]
                answers[enqueued.id] = Holder(task_id=leader, record=None) if answer is None else answer
        return answers

    def candidate(self, enqueued: EnqueuedTask) -> Candidate:
        until_start, lasts = options_of(enqueued)
        until = enqueued.enqueued_at + lasts if lasts is not None else None
        return Candidate(enqueued=enqueued, until_start=until_start, until=until)

    def settle(self, candidates: Sequence[Candidate]) -> dict[str, Answer | Exception]:
        answers: dict[str, Answer | Exception] = {}
        for _ in range(MOST_ROUNDS):
            open_ones = [one for one in candidates if one.enqueued.id not in answers]
            if not open_ones:
                break
            answers |= self.take_together([one for one in open_ones if one.may_take])
            answers |= self.look_together([one for one in open_ones if one.enqueued.id not in answers])
            looks = max((one.looks for one in open_ones if one.enqueued.id not in answers), default=0)
            if looks:
                self.pause(PAUSES[min(looks, len(PAUSES)) - 1])
        late = OutOfTime("Taking a unique key")
        return {one.enqueued.id: late for one in candidates} | answers

    def take_together(self, candidates: Sequence[Candidate]) -> dict[str, Answer | Exception]:
        """Try to take keys. A refused candidate knows the holder afterwards, and is not in the answer."""
        answers: dict[str, Answer | Exception] = {}
        results = begin_together(
            partial(
                self.store.begin_change,
                one.key,
                take(self.own(one.enqueued, one.until), ttl=self.ttl(one.enqueued), found=one.found),
            )
            for one in candidates
        )()
        for one, result in zip(candidates, results, strict=True):
            if isinstance(result, Refused):
                one.found, one.holder = result.current, read_holder(result.current)
                one.may_take, one.looks = one.holder is None, 0  # Nobody has it who could still start.
                if one.holder is None:
                    continue
                if one.holder.task_id == one.enqueued.id:
                    answers[one.enqueued.id] = None  # The reply was lost, or this is sent once more.
            else:
                answers[one.enqueued.id] = result if isinstance(result, Exception) else None
        return answers

    def look_together(self, candidates: Sequence[Candidate]) -> dict[str, Answer | Exception]:
        """Read the records of holders. Return an answer for each that needs no other look."""
        looking = [one for one in candidates if one.holder is not None and not one.may_take]
        results = begin_together(
            partial(self.store.begin_get, one.holder.task_id) for one in looking if one.holder
        )()
        answers: dict[str, Answer | Exception] = {}
        for one, record in zip(looking, results, strict=True):
            if isinstance(record, Exception):
                answers[one.enqueued.id] = record
                continue
            try:
                answer = self.judge(one, record)
            except Exception as exc:  # noqa: BLE001, whatever a seam raises
                answers[one.enqueued.id] = exc
            else:
                if answer is not None or one.was_sent:
                    answers[one.enqueued.id] = answer
        return answers

    def judge(self, one: Candidate, record: Attributes | None) -> Holder | None:
        """Return the holder if the call is a duplicate, or None if the candidate tries or looks again."""
        holder = one.holder
        assert holder is not None  # look_together() has chosen those that have one.
        standing = standing_of(record, holder, until_start=one.until_start, now=self.now)
        if standing is Standing.LIVES:
            self.give_up(one, holder.task_id)
            return Holder(task_id=holder.task_id, record=record)
        if standing is Standing.FREE:
            one.may_take = True
            return None
        is_new = self.now - holder.at <= LONGEST_SEND
        if standing is Standing.MISSING and (is_new or one.record is not None):
            one.looks += 1
            if one.looks <= len(PAUSES):
                return None
            # Under the holder's id, one owner's task could have the arguments of another's.
            if holder.owner == one.enqueued.owner:
                return self.help(one, holder.task_id)
            if one.record is not None:
                return None
        one.looks = 0
        if one.record is not None and record is not None:
            # A worker may have had the candidate's record since, and ended it because this holder lives.
            self.give_up(one, holder.task_id)
            return Holder(task_id=holder.task_id, record=record)
        if not self.keep_record(one, holder.task_id):
            one.was_sent = True
            return None
        if record is None:
            one.may_take = self.end_missing(one.enqueued, holder)
        else:
            one.may_take = self.end_waiting(one.enqueued, holder.task_id, record, one.enqueued.id)
        return None  # If it could not be ended, it has been claimed, or sent, in this moment.

    def help(self, one: Candidate, holder: str) -> Holder | None:
        """Write the record of a holder whose process may be dead. If there is one now, look at that."""
        # It starts when its own call said, however soon this one would.
        run_after = one.holder.run_after if one.holder is not None else None
        if self.create(self.item_of(replace(one.enqueued, id=holder, run_after=run_after))):
            return Holder(task_id=holder, record=None, to_send=True, run_after=run_after)
        one.looks = 0
        return None

    def item_of(self, enqueued: EnqueuedTask) -> dict[str, Value]:
        """Return the initial item of a task, with its arguments stored beside it if it can't contain them."""
        item = initial_item(enqueued, self.store.shards(self.options), listed=self.options.sharded_history)
        keep_arguments(self.store, enqueued, item, self.options)
        return item

    def create(self, item: Attributes) -> bool:
        """Create a record. Return False if there was one already."""
        if self.store.begin_create(item)():
            return True
        current = self.store.get(str(item["id"])) or {}
        # It shows exactly this item only if the reply to the first try was lost.
        return all(current.get(name) == value for name, value in item.items()) and "fence" not in current

    def keep_record(self, one: Candidate, supersedes: str) -> bool:
        """
        Write the record of a task before it replaces another, so that one of the two is always left.

        Return False if it has had a record before, because it is enqueued once more.
        """
        item = self.item_of(one.enqueued)
        # The worker that claims a record sent again looks at its key. Nobody has sent this one before.
        item |= {"sent_at": to_micros(self.now), "supersedes": supersedes}
        if not self.create(item):
            return False
        one.record = item
        return True

    def give_up(self, one: Candidate, holder: str) -> None:
        """End the record that a duplicate may have written. If a worker has it, that looks at its key."""
        if one.record is not None:
            self.end_waiting(one.enqueued, one.enqueued.id, one.record, holder)

    def end_missing(self, successor: EnqueuedTask, holder: KeyHolder) -> bool:
        """End a holder that has no record as its successor's duplicate. Return False if it has one now."""
        absent = replace(successor, id=holder.task_id, owner=holder.owner)
        if holder.owner != successor.owner:  # Nobody sees the arguments of another owner's task.
            absent = replace(absent, arguments=NO_ARGUMENTS, reference=None)
        item = duplicate_item(absent, successor.id, self.now, result_ttl(successor, self.options))
        return bool(self.store.begin_create(item)())

    def end_waiting(self, enqueued: EnqueuedTask, task_id: str, seen: Attributes, holder: str) -> bool:
        """
        End the record of a waiting task as a duplicate of `holder`.

        Return False if it doesn't wait any more as it was `seen`, but hasn't ended.
        """
        lasts = result_ttl(enqueued, self.options)
        try:
            self.store.change(task_id, end_as_duplicate(holder, seen, now=self.now, result_ttl=lasts))
        except Refused as refused:
            return refused.already_applied or (refused.current or {}).get("status") in ENDED
        logger.info("Task id=%s name=%s didn't run, as a duplicate of %s", task_id, enqueued.name, holder)
        return True

    def keep(
        self, enqueued: EnqueuedTask, supersedes: object = None, *, is_claimed: bool = True
    ) -> str | None:
        """
        Keep or take over the key of a task that was redriven or sent again, before its function runs.

        Return None if the task has it, or the id of the live task that has it. A waiting holder that the task
        `supersedes` is ended, because the process that wanted to may do so at any time.
        """
        until_start, _ = options_of(enqueued)
        key = item_id(enqueued.unique or "")
        for _ in range(MOST_ROUNDS):
            try:
                self.store.change(key, renew(self.own(enqueued), ttl=self.ttl(enqueued)))
                return None
            except Refused as refused:
                found, holder = refused.current, read_holder(refused.current)
            if holder is None:
                if self.takes_over(enqueued, found):
                    return None
                continue
            record = self.store.get(holder.task_id)
            standing = standing_of(record, holder, until_start=until_start, now=self.now)
            if standing in {Standing.LIVES, Standing.OVERDUE} and record is not None:
                if holder.task_id != supersedes or record.get("status") != READY:
                    return holder.task_id
                self.end_waiting(enqueued, holder.task_id, record, enqueued.id)
                continue
            if standing is Standing.MISSING:
                if not is_claimed:
                    return None  # The task may have ended meanwhile. Its worker looks again.
                if not self.end_missing(enqueued, holder):
                    continue
            if self.takes_over(enqueued, found):
                return None
        raise OutOfTime(f"Keeping the unique key of task {enqueued.id}")

    def takes_over(self, enqueued: EnqueuedTask, found: Attributes | None) -> bool:
        """Take a key whose item is as it was `found`. Return False if it isn't any more."""
        try:
            change = take(self.own(enqueued), ttl=self.ttl(enqueued), found=found)
            self.store.change(item_id(enqueued.unique or ""), change)
        except Refused:
            return False
        return True

    def other_holder(self, enqueued: EnqueuedTask) -> str | None:
        """Return the id of another live task that has the key, or None. Nothing is written."""
        holder = read_holder(self.store.get(item_id(enqueued.unique or "")))
        if holder is None or holder.task_id == enqueued.id:
            return None
        until_start, _ = options_of(enqueued)
        record = self.store.get(holder.task_id)
        standing = standing_of(record, holder, until_start=until_start, now=self.now)
        return holder.task_id if standing in {Standing.LIVES, Standing.OVERDUE} else None

    def own(self, enqueued: EnqueuedTask, until: datetime | None = None) -> KeyHolder:
        """Return what the item of a key says when the task has it."""
        return KeyHolder(
            task_id=enqueued.id,
            at=self.now,
            until=until,
            owner=enqueued.owner,
            run_after=enqueued.run_after,
        )

    def ttl(self, enqueued: EnqueuedTask) -> int:
        """Return until when the table keeps a key, in seconds since 1970: longer than any of its holders."""
        lives = max(self.options.ttl(queue) for queue in self.options.queues)
        return int((max(enqueued.start_at, self.now) + 2 * RECORD_LIFE + lives).timestamp())


def options_of(enqueued: EnqueuedTask) -> tuple[bool, timedelta | None]:
    """Return whether a task needs its key until it starts alone, and how long it may wait with it."""
    try:
        task = registry().resolve(enqueued.name)
    except UnknownTask:
        return False, None
    return getattr(task, "unique", None) == QUEUED, getattr(task, "unique_for", None)
