"""What the protocol promises about the sweeper: what it does with each record, when, and how often."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django_offload.compat import SIGNALS
from django_offload.conf import configured, signing_keys
from django_offload.exceptions import DeadLettered
from django_offload.operations.fail import fail_record
from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import EPOCH
from django_offload.protocol.message import Keyring, TaskMessage, decode
from django_offload.protocol.record import DUE_AFTER, LONGEST_DELAY, MESSAGE_LIFE, SWEEP_EVERY
from django_offload.stores import DueEntry
from django_offload.stores.memory import MemoryStore
from django_offload.transports.memory import MemoryTransport
from django_offload.worker.sweeping.decision import DEEP, LONGEST_WAIT, MOST_SENDS
from django_offload.worker.sweeping.due_pages import PAGE
from tests.contract.records import create_record

from .clock import START
from .faults import InternalServerError
from .repeated import ENQUEUED, ID, LEASE, MINUTE, Lone, is_lost, released

SECOND = timedelta(seconds=1)


class Queue(MemoryTransport):
    """A queue that holds as many messages as a test says; None: AWS doesn't say how many."""

    held: int | None = 0

    def depth(self, queue: str) -> int:
        if self.held is None:
            raise InternalServerError
        return self.held


def behind(held: int | None, lone: Lone | None = None) -> Lone:
    """Return a record whose queue holds so many messages."""
    lone = lone or Lone()
    queue = Queue(lone.clock)
    queue.prepare("default")
    queue.held, lone.transport = held, queue
    return lone


def deferred(after: timedelta) -> Lone:
    """Return the record of a task that starts that long after the start."""
    lone = Lone()
    lone.store.records.clear()
    create_record(
        lone.store,
        EnqueuedTask(
            id=ID,
            alias="default",
            name="sim.plain",
            queue="default",
            enqueued_at=START,
            run_after=START + after,
        ),
    )
    return lone


def sent(lone: Lone) -> list[tuple[TaskMessage, datetime]]:
    """Sweep, and return each message that was sent, and when it can be received."""
    found: list[tuple[TaskMessage, datetime]] = []
    keyring = Keyring(signing_keys(), configured()["default"].scope("default"))
    send = lone.transport.send

    def noted(queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        send(queue, text, delay)
        found.append((decode(text, keyring), lone.now + delay))

    lone.transport.send = noted  # type: ignore[method-assign]
    lone.sweep()
    return found


def the_time_to_the_next_look_doubles_with_each_send() -> None:
    lone = Lone()
    for sends in range(MOST_SENDS):
        lone.sweep()
        wait = (lone.record.due_at or EPOCH) - lone.now
        assert DUE_AFTER * 2**sends <= wait <= DUE_AFTER * 2**sends + SECOND, f"{wait} after {sends}"


def what_the_sweeper_sends_is_the_task_and_lives_for_seven_days() -> None:
    lone = Lone()
    lone.sweep()
    ((message, at),) = sent(lone)

    assert (message.enqueued, at) == (ENQUEUED, lone.now)
    assert message.expires_at == lone.now + MESSAGE_LIFE


def a_task_that_starts_later_is_sent_when_a_message_can_wait_and_not_counted() -> None:
    start = timedelta(hours=2)
    lone = deferred(start)
    ((message, at),) = sent(lone)

    assert lone.now == START + start - LONGEST_DELAY + SWEEP_EVERY
    assert (at, message.expires_at) == (START + start, START + start + MESSAGE_LIFE)
    assert (lone.record.sends, lone.record.sent_at) == (0, START + start)
    assert (lone.record.due_at or EPOCH) >= START + start + DUE_AFTER


def a_task_that_is_due_too_early_is_looked_at_when_a_message_can_wait() -> None:
    lone = Lone()
    claim, start = lone.claim(), START + timedelta(hours=3)
    lone.write(
        transitions.release(
            ID,
            **claim,
            not_before=start,
            due_at=START + MINUTE,
            error={"class": "X", "message": ""},
            part="error",
        )
    )

    assert lone.sweep() == {"moved": 1}
    assert lone.record.due_at == start - LONGEST_DELAY + SWEEP_EVERY
    assert lone.sweep() == {"sent": 1}


def a_task_of_which_no_message_was_taken_is_sent_and_not_counted() -> None:
    lone = behind(DEEP + 1)
    due = START - timedelta(microseconds=1)
    lone.write(transitions.postpone(ID, due_was=START + DUE_AFTER, due_at=due))

    assert lone.sweep() == {"sent": 1}
    assert lone.record.sends == 0


def a_running_task_is_looked_at_again_when_its_lease_ends() -> None:
    lone = Lone()
    lone.now += MINUTE
    lone.claim()

    assert lone.sweep() == {"moved": 1}
    assert lone.record.due_at == lone.record.lease_until


def a_cancelled_task_whose_worker_died_ends_as_cancelled() -> None:
    for attempts in (1, 3):
        lone = Lone()
        for _ in range(attempts):
            is_lost(lone)
        lone.write(transitions.ask_to_stop())

        assert lone.sweep() == {"ended": 1}
        assert error_class(lone) == "Cancelled"


def a_task_whose_last_worker_died_ends_at_once_and_none_before() -> None:
    lone = Lone()
    for _ in range(2):
        is_lost(lone)
        assert lone.sweep() == {"sent": 1}
    is_lost(lone)

    assert lone.sweep() == {"ended": 1}
    assert error_class(lone) == "WorkerLost"


def error_class(lone: Lone) -> str:
    return str((lone.record.error or {})["class"]).rpartition(".")[2]


def in_vain(lone: Lone, *, lost: bool) -> None:
    if lost:
        is_lost(lone)
    for _ in range(MOST_SENDS):
        assert lone.sweep() == {"sent": 1}


def a_task_whose_message_may_still_be_there_is_not_given_up() -> None:
    for lost in (False, True):
        for held in (None, 1, DEEP, DEEP + 1):
            lone = behind(0)
            in_vain(lone, lost=lost)
            behind(held, lone)
            for _ in range(2):
                assert lone.sweep() == {"moved": 1}, f"{held} messages, lost {lost}"
                assert (lone.record.due_at or EPOCH) >= lone.now + DUE_AFTER
        behind(0, lone)
        assert lone.sweep() == {"ended": 1}
        assert error_class(lone) == "DeadLettered"


def a_long_queue_gets_no_second_message_until_half_a_day_has_passed() -> None:
    lone, day = behind(DEEP + 1), []
    while lone.now < START + timedelta(days=1):
        if lone.sweep() == {"sent": 1}:
            day.append(lone.now - START)

    assert day, "Nothing was sent in a day."
    assert LONGEST_WAIT <= day[0] <= 2 * LONGEST_WAIT
    assert lone.record.sends == 0

    lost = behind(DEEP + 1)
    is_lost(lost)  # Its message is long gone.
    assert lost.sweep() == {"sent": 1}
    short = behind(DEEP)
    assert short.sweep() == {"sent": 1}


def a_task_expires_seven_days_after_its_last_message_and_not_before() -> None:
    lone = behind(1)
    lone.sweep()
    first = lone.now
    lone.write(transitions.postpone(ID, due_was=lone.record.due_at or EPOCH, due_at=first + MESSAGE_LIFE))
    lone.now = first + MESSAGE_LIFE
    assert lone.sweep() == {"sent": 1}
    second = lone.now
    lone.write(
        transitions.postpone(ID, due_was=lone.record.due_at or EPOCH, due_at=second + MESSAGE_LIFE + SECOND)
    )
    lone.now = second + MESSAGE_LIFE + SECOND

    assert lone.sweep() == {"ended": 1}
    assert error_class(lone) == "Expired"


def an_index_that_lags_behind_decides_nothing() -> None:
    class Lagging(MemoryStore):
        def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
            return [DueEntry(id=ID, due_at=START + DUE_AFTER)] if since == EPOCH and not shard else []

    for go_on in (None, Lone.claim, Lone.sweep):
        lone = Lone(Lagging())
        if go_on is not None:
            go_on(lone)
        lone.write(
            transitions.postpone(ID, due_was=lone.record.due_at or EPOCH, due_at=START + timedelta(hours=2))
        )
        before = dict(lone.store.records[ID])
        assert lone.sweep() == {"stale": 1}
        assert lone.store.records[ID] == before


class Repeating(MemoryStore):
    """The reply to each write is lost, and the client repeats it."""

    repeats = False

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        before = super().change(task_id, change)
        return super().change(task_id, change) if self.repeats else before


def a_write_of_the_sweeper_whose_reply_was_lost_was_made() -> None:
    store = Repeating()
    lone = Lone(store)
    store.repeats = True
    told: list[str] = []

    def tell(task_result: Any, **named: object) -> None:
        told.append(task_result.id)

    signals = [sys.modules[name].task_finished for name in SIGNALS if name in sys.modules]
    for signal in signals:
        signal.connect(tell)
    try:
        assert [lone.sweep() for _ in range(MOST_SENDS + 1)] == [{"sent": 1}] * MOST_SENDS + [{"ended": 1}]
    finally:
        for signal in signals:
            signal.disconnect(tell)
    assert (lone.record.sends, told) == (MOST_SENDS, [ID])


def an_end_whose_reply_was_lost_was_made() -> None:
    store = Repeating()
    lone = Lone(store)
    store.repeats = True

    ended = fail_record(store, ENQUEUED, configured()["default"], lone.now, DeadLettered("it was"))

    assert ended is not None
    assert ended == lone.record


def a_send_that_another_sweeper_is_at_is_left_to_it() -> None:
    class Outrun(MemoryStore):
        def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
            if change.name == "send again":
                raise Refused(change, self.get(task_id))
            return super().change(task_id, change)

    lone = Lone(Outrun())

    assert sent(lone) == []


def of_two_sweepers_at_one_instant_one_sends() -> None:
    class Together(MemoryStore):
        met = False

        def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
            if change.name == "send again" and not self.met:
                self.met = True
                lone.sweep()
            return super().change(task_id, change)

    lone = Lone(Together())

    assert len(sent(lone)) == 1


def records_that_cannot_be_read_stop_none_behind_them() -> None:
    class Unreadable(MemoryStore):
        def get(self, task_id: str) -> Attributes | None:
            if task_id != last:
                raise InternalServerError
            return super().get(task_id)

    last = f"{PAGE:028x}0000"  # All in one shard.
    lone = Lone(Unreadable())
    for number in range(PAGE):
        at = START + timedelta(microseconds=number)
        create_record(lone.store, replace(ENQUEUED, id=f"{number + 1:028x}0000", enqueued_at=at))
    lone.now += timedelta(hours=1)
    found = sent(lone)

    assert [message.enqueued.id for message, _ in found] == [last]


def an_outage_moves_what_is_due_and_takes_nothing_else() -> None:
    class Outage(MemoryTransport):
        def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> NoReturn:
            raise InternalServerError

    lone = Lone()
    lone.transport = Outage(lone.clock)
    lone.transport.prepare("default")
    before: dict[str, Any] = dict(lone.store.records[ID])
    lone.sweep()
    after: dict[str, Any] = dict(lone.store.records[ID])

    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {"due_at", "ttl"}
    assert lone.now < (lone.record.due_at or EPOCH) <= lone.now + DUE_AFTER + SECOND


def a_task_given_back_late_is_sent_when_its_backoff_is_over() -> None:
    lone = Lone()
    lone.write(released(lone.claim(), START + LEASE))
    ((_, at),) = sent(lone)

    assert at == START + LEASE


PROMISES: tuple[Callable[[], None], ...] = (
    the_time_to_the_next_look_doubles_with_each_send,
    what_the_sweeper_sends_is_the_task_and_lives_for_seven_days,
    a_task_that_starts_later_is_sent_when_a_message_can_wait_and_not_counted,
    a_task_that_is_due_too_early_is_looked_at_when_a_message_can_wait,
    a_task_of_which_no_message_was_taken_is_sent_and_not_counted,
    a_running_task_is_looked_at_again_when_its_lease_ends,
    a_cancelled_task_whose_worker_died_ends_as_cancelled,
    a_task_whose_last_worker_died_ends_at_once_and_none_before,
    a_task_whose_message_may_still_be_there_is_not_given_up,
    a_long_queue_gets_no_second_message_until_half_a_day_has_passed,
    a_task_expires_seven_days_after_its_last_message_and_not_before,
    an_index_that_lags_behind_decides_nothing,
    a_write_of_the_sweeper_whose_reply_was_lost_was_made,
    an_end_whose_reply_was_lost_was_made,
    a_send_that_another_sweeper_is_at_is_left_to_it,
    of_two_sweepers_at_one_instant_one_sends,
    records_that_cannot_be_read_stop_none_behind_them,
    an_outage_moves_what_is_due_and_takes_nothing_else,
    a_task_given_back_late_is_sent_when_its_backoff_is_over,
)
