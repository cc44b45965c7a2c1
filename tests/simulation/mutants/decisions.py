"""Defects in what the protocol decides: when, how often, and in which state of a record."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django_offload.conf import Options
from django_offload.definition import retry_policy
from django_offload.definition.retry_policy import RetryPolicy, attempts_allowed
from django_offload.operations import cancel as cancelling
from django_offload.operations import fail, redrive, runnable
from django_offload.outbox import drain
from django_offload.protocol import record, transitions
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import EPOCH, MICROSECOND
from django_offload.protocol.record import MESSAGE_LIFE, read_record
from django_offload.sending import enqueue, unsent
from django_offload.worker import attempt, dead_letter, delivery, effect_cleanup, sweep, undo_claim
from django_offload.worker.attempt import Attempt
from django_offload.worker.delivery import Worker
from django_offload.worker.step_results import StepResults
from django_offload.worker.sweeping import Sweeper, decision, sweeper
from django_offload.worker.sweeping.due_pages import Shard
from tests.simulation.mutants.mutant import Mutant

NOTHING, HOUR = timedelta(0), timedelta(hours=1)
SEND, MOVE, REASON, DEPTH, LOOK = (
    decision.send,
    decision.move,
    decision.reason_to_end,
    Sweeper.depth,
    Sweeper.look,
)
GOES_ON, REFUSED, RELEASE, FAIL = dead_letter.goes_on, Worker.refused, Attempt.release, Worker.fail
RETRIES, DELAY = RetryPolicy.retries, RetryPolicy.delay
SEND_ENTRIES, SEND_GROUP, NEXT_PAGE = drain.send_entries, drain.send_group, drain.next_page


def _sent(**changes: Any) -> Callable[..., Any]:
    """Return a sweeper's send() that takes other counts or delays than it is given."""

    def send(record: Any, situation: Any, delay: Any, *, counts: bool) -> Any:
        given = {"delay": delay, "counts": counts, **changes}
        return SEND(record, situation, given["delay"], counts=given["counts"])

    return send


def _without_doubling(record: Any, situation: Any, delay: Any, *, counts: bool) -> Any:
    return SEND(replace(record, sends=0), situation, delay, counts=counts)


def _moved(by: timedelta, status: str) -> Callable[..., Any]:
    """Return a sweeper's move() that is late by so much for records with this status."""

    def move(record: Any, situation: Any, due_at: Any, *band: Any) -> Any:
        return MOVE(record, situation, due_at + by if record.status == status else due_at, *band)

    return move


def _empty_at_last(self: Sweeper, record: Any) -> int | None:
    return 0 if record.sends >= decision.MOST_SENDS else DEPTH(self, record)


def _not_cancelled(record: Any, situation: Any) -> Any:
    return REASON(replace(record, cancelled=False), situation)


def _never_expired(record: Any, situation: Any) -> Any:
    return None if record.status == "READY" else REASON(record, situation)


def _one_more(enqueued: Any, options: Any) -> int | None:
    allowed = attempts_allowed(enqueued, options)
    return allowed and allowed + 1


def _lagging(self: Sweeper, partition: int, entry: Any, attributes: Any) -> Any:
    """Decide on whatever the index shows."""
    now = read_record(attributes).due_at or entry.due_at
    return LOOK(self, partition, replace(entry, due_at=now), attributes)


def _one_page(self: Shard, page: Any, until: Any) -> None:
    ADD(self, page, until)
    self.has_more = False


def _stopping(self: Sweeper, entry: Any, record: Any, exc: Any) -> None:
    raise RuntimeError


ADD = Shard.add


def _unrecognised(store: Any, task_id: str, change: Any) -> Any:
    return change.apply(store.change(task_id, change))


def _begun_unrecognised(store: Any, task_id: str, change: Any) -> Any:
    return lambda: _unrecognised(store, task_id, change)


def _expiring(enqueued: Any, options: Any, expires_at: Any) -> str:
    return enqueue.message_text(enqueued, options, expires_at - MESSAGE_LIFE)


def _seen(**changes: Any) -> Callable[..., bool]:
    """Return a goes_on() of dead letters that sees something else of the record."""
    return lambda record, *args: GOES_ON(replace(record, **changes), *args)


def _without_attempts(record: Any, *args: Any) -> bool:
    return GOES_ON(record if record.status != "READY" else replace(record, worker_ids=[]), *args)


def _nothing_done(*args: Any, **options: Any) -> Any:
    return None


def _never_acknowledged(self: Worker, attempt: Any, refused: Any) -> Any:
    ended = refused.current is not None and read_record(refused.current).ended
    return delivery.SOON if ended else REFUSED(self, attempt, refused)


def _left_to_others(self: Worker, enqueued: Any, options: Any, error: Any, seen: Any = None) -> Any:
    return self.until_claimable(seen) if seen else FAIL(self, enqueued, options, error)


def _returned_at_once(self: Attempt, record: Any, exc: Any, delay: Any) -> Any:
    return None if RELEASE(self, record, exc, delay) is None else NOTHING


def _refused_raised(self: Attempt, record: Any, exc: Any, refused: Any) -> None:
    raise refused


def _cancelled_unsaid(self: Attempt, record: Any, exc: Any, refused: Any) -> None:
    self.fail(record, exc)


def _without_undoing(attempt: Attempt, record: Any) -> timedelta:
    return NOTHING


def _undone(**changes: Any) -> Any:
    return lambda **options: transitions.unclaim(**{**options, **changes})


UNDO = undo_claim.undo_late_claim


def _with_its_worker(attempt: Attempt, record: Any) -> Any:
    return UNDO(attempt, replace(record, worker_ids=[*record.worker_ids, "w"]))


def _begun_at_once(task_id: str, *, now: Any, due_at: Any, not_before: Any = EPOCH, **rest: Any) -> Any:
    return REDRIVE(task_id, now=now, due_at=due_at, **rest)


REDRIVE = transitions.redrive


def _without_arguments(store: Any, record: Any) -> Any:
    return lambda: record.enqueued


def _unsent(store: Any, lives: Any) -> Any:
    return lambda: [(life.enqueued.id, "") for life, _ in lives]


def _deleted_first(entries: Any, left: Any) -> Any:
    drain.delete(*(entry.id for entry in entries))
    return SEND_ENTRIES(entries, left)


def _deleted_anyway(entries: Any, left: Any) -> Any:
    sent = SEND_ENTRIES(entries, left)
    drain.delete(*(entry.id for entry in entries))
    return sent


def _ended_by_one(enqueued_tasks: Any, options: Any) -> Any:
    sent = SEND_GROUP(enqueued_tasks, options)
    if len(sent) < len(enqueued_tasks):
        raise RuntimeError
    return sent


def _first_alone(last: Any, until: Any) -> Any:
    return [] if last is not None else NEXT_PAGE(last, until)[:1]


def _fresh_too(last: Any, until: Any) -> Any:
    return NEXT_PAGE(last, until + HOUR)


def _overwritten(self: StepResults, key: str, text: str) -> str:
    self.store.put_part(self.task_id, f"step#{key}", text, self.ttl())
    return text


def _for_a_minute(clock: Callable[[], datetime], enqueued: EnqueuedTask, options: Options) -> int:
    return int((clock() + timedelta(minutes=1)).timestamp())


DECISIONS: tuple[Mutant, ...] = (
    # The sweeper.
    Mutant("a queue that isn't empty is taken for empty", Sweeper, "depth", _empty_at_last),
    Mutant("a first message counts as a send", decision, "send", _sent(counts=True)),
    Mutant("no send counts", decision, "send", _sent(counts=False)),
    Mutant("the sweeper sends at once what is for later", decision, "send", _sent(delay=NOTHING)),
    Mutant("sends do not double the wait", decision, "send", _without_doubling),
    Mutant("a lease is looked at an hour late", decision, "move", _moved(HOUR, "RUNNING")),
    Mutant("a lease is looked at early", decision, "move", _moved(-HOUR, "RUNNING")),
    Mutant("a start is looked at late", decision, "move", _moved(HOUR, "READY")),
    Mutant("a cancelled task ends as WorkerLost", decision, "reason_to_end", _not_cancelled),
    Mutant("no task expires", decision, "reason_to_end", _never_expired),
    Mutant("a lost task is sent once too often", sweeper, "attempts_allowed", _one_more),
    Mutant("expiry forgets when it was sent", decision, "deliverable_since", lambda record: record.ready_at),
    Mutant("a stale index decides", Sweeper, "look", _lagging),
    Mutant("a sweeper's lost reply is a refusal", sweeper, "begin_write", _begun_unrecognised),
    Mutant("an end's lost reply is a refusal", fail, "change_or_recognise", _unrecognised),
    Mutant("the sweeper's message has expired", sweeper, "message_text", _expiring),
    Mutant("two sweepers take one write for theirs", decision, "with_jitter", lambda due_at: due_at),
    Mutant("the outbox is never swept", sweep, "drain_outbox", lambda now, left: Counter()),
    Mutant("one page of a backlog is swept", Shard, "add", _one_page),
    Mutant("a record that fails stops its page", Sweeper, "failed", _stopping),
    # Dead letters.
    Mutant("a dead letter forgets later sends", dead_letter, "goes_on", _seen(sent_at=None)),
    Mutant("a dead letter forgets the backoff", dead_letter, "goes_on", _seen(not_before=EPOCH)),
    Mutant("a dead letter forgets attempts left", dead_letter, "goes_on", _without_attempts),
    Mutant("a dead letter never ends a task", dead_letter, "goes_on", lambda *args: True),
    Mutant("a dead letter makes no record", dead_letter, "ensure_record", _nothing_done),
    Mutant(
        "a dead letter forgets the cause", dead_letter, "cause_of_end", lambda record: fail.OffloadError()
    ),
    # Claims and retries.
    Mutant("a lease without its margin", attempt, "LEASE_MARGIN", NOTHING),
    Mutant("a lease of hours", attempt, "LEASE_MARGIN", 2 * HOUR),
    Mutant("every claim has one token", attempt, "randomness", SimpleNamespace(token_hex=lambda count: "t")),
    Mutant("a late claim runs all the same", attempt, "START_SHARE", 0.0),
    Mutant("a late claim is not undone", undo_claim, "undo_late_claim", _without_undoing),
    Mutant(
        "one retry too few", RetryPolicy, "retries", lambda self, exc, number: RETRIES(self, exc, number + 1)
    ),
    Mutant(
        "a backoff does not grow",
        RetryPolicy,
        "delay",
        lambda self, number, chance=None: DELAY(self, 1, chance),
    ),
    Mutant("a message comes back before its backoff", Attempt, "release", _returned_at_once),
    Mutant("what stays as it is is repeated", retry_policy, "NEVER_REPEATED", ()),
    Mutant("two errors under one name", attempt, "error_part", lambda fence: "error#0001"),
    Mutant("texts live for a minute", attempt, "parts_ttl", _for_a_minute),
    Mutant("the second result of a step counts", StepResults, "save", _overwritten),
    Mutant("an undone claim forgets the attempt before", undo_claim, "unclaim", _undone(before=None)),
    Mutant("an undone claim leaves its worker", undo_claim, "undo_late_claim", _with_its_worker),
    Mutant("a result is hidden at once", attempt, "result_ttl", lambda *args: NOTHING),
    Mutant("a record lives for a day", record, "_RECORD_LIFE", 24 * HOUR // MICROSECOND),
    # Deliveries and cancels.
    Mutant("a message of an ended task stays", Worker, "refused", _never_acknowledged),
    Mutant("a message under a lease is gone", Worker, "until_claimable", _nothing_done),
    Mutant(
        "a message under a lease is back at once", Worker, "until_claimable", lambda self, record: NOTHING
    ),
    Mutant("a message ends no lost task", Worker, "fail", _left_to_others),
    Mutant("an unknown task is asked for again at once", delivery, "patience", lambda receives: NOTHING),
    Mutant("a cancelled task that fails stays", Attempt, "end_if_cancelled", _refused_raised),
    Mutant("a cancelled task fails by itself", Attempt, "end_if_cancelled", _cancelled_unsaid),
    Mutant(
        "a cancel ends only what runs",
        cancelling.transitions,
        "cancel",
        lambda **options: transitions.discard(),
    ),
    # Redrives.
    Mutant("a redrive sends nothing", redrive, "begin_sends", _unsent),
    Mutant("a redrive forgets run_after", transitions, "redrive", _begun_at_once),
    Mutant("a redrive is swept days later", redrive, "with_jitter", lambda due_at: due_at + 48 * HOUR),
    Mutant("two redrives take one write for theirs", redrive, "with_jitter", lambda due_at: due_at),
    Mutant("a redrive forgets the arguments", runnable, "begin_complete", _without_arguments),
    Mutant(
        "a redrive leaves the bucket to its lifecycle",
        runnable,
        "payloads_of",
        lambda options: SimpleNamespace(put=_nothing_done),
    ),
    # What processes leave.
    Mutant("a message that wasn't taken is sent late", unsent, "have_swept_soon", lambda *args: {}),
    Mutant("a message is sent years ahead", enqueue, "is_deferred", lambda enqueued, transport: False),
    Mutant("a row is deleted before it is sent", drain, "send_entries", _deleted_first),
    Mutant("a row is deleted unsent", drain, "send_entries", _deleted_anyway),
    Mutant("a row that can't be sent ends the drain", drain, "send_group", _ended_by_one),
    Mutant("a row that was sent stays", drain, "forget_many", _nothing_done),
    Mutant("a drain sends one row", drain, "next_page", _first_alone),
    Mutant("a drain takes rows of others", drain, "next_page", _fresh_too),
    Mutant("a task grows old in the outbox", drain, "replace", lambda enqueued, **changes: enqueued),
    Mutant("markers live for a day", effect_cleanup, "marker_life", lambda: 24 * HOUR),
)
