"""Defects that a protocol like this one could have, each planted into the real code by a patch."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from django_offload.effects import marker
from django_offload.effects.models import Effect
from django_offload.operations import fail
from django_offload.protocol import message, record, transitions
from django_offload.protocol.conditional_write import ConditionalWrite
from django_offload.protocol.transitions import (
    abandon,
    cancel,
    claim,
    holds_claim,
    redrive,
    report,
    send_again,
)
from django_offload.stores.base import Store
from django_offload.worker import attempt, batch, delivery, progress_writer, step_results
from django_offload.worker.sweeping import Sweeper, decision, sweeper
from tests.simulation.mutants.decisions import DECISIONS
from tests.simulation.mutants.generated import Removal
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.sharding import SHARDING


def _without(change: Callable[..., ConditionalWrite], name: str) -> Callable[..., ConditionalWrite]:
    """Return a transition that does not test an attribute."""

    def mutated(*args: Any, **options: Any) -> ConditionalWrite:
        made = change(*args, **options)
        conditions = tuple(tuple(test for test in tests if test.name != name) for tests in made.conditions)
        return replace(made, conditions=conditions)

    return mutated


def _unconditional(change: Callable[..., ConditionalWrite]) -> Callable[..., ConditionalWrite]:
    return lambda *args, **options: replace(change(*args, **options), conditions=((),))


def _acknowledged_all(event: Any, context: Any, clock: Any = batch.utc_now) -> dict[str, Any] | None:
    try:
        HANDLER(event, context, clock)
    except Exception:  # noqa: BLE001, the defect itself
        return {}
    return {}


def _acknowledged_on_error(item: Any, step: Any) -> None:
    SETTLE(item, step)
    item.acknowledged = item.pending is None


HANDLER, SETTLE = batch.handler, batch.BatchItem.settle


def _bulk(store: Store, item: Any) -> Any:
    """Write as BatchWriteItem does: whatever was there is gone."""
    gone = frozenset({"fence", "token", "workers", "lease_until", "started_at", "attempted_at", "errors"})
    write = ConditionalWrite(name="create", conditions=((),), put=item, remove=gone)

    def create() -> bool:
        store.change(item["id"], write)
        return True

    return create


def _restarting(*args: Any, **options: Any) -> ConditionalWrite:
    made = redrive(*args, **options)
    return replace(made, put={**made.put, "fence": 0})


WORK = delivery.Worker.work


def _remembering(self: Any, message: Any, options: Any, receives: int) -> Any:
    late = replace(message, expires_at=message.expires_at + timedelta(days=365))
    return WORK(self, late, options, receives)


def _sends_first(self: Any, look: Any) -> Any:
    if look.text:
        delay = max(look.plan.start - self.clock(), timedelta(0))
        transport = sweeper.transport_of(look.plan.options)
        transport.send(look.record.enqueued.queue, look.text, delay)
    return BEGIN_WRITE(self, look)


BEGIN_WRITE, LOOK = Sweeper.begin_write, Sweeper.look


def _blind_to_the_lost(self: Any, partition: int, entry: Any, attributes: Any) -> Any:
    lost = record.read_record(attributes).lost(self.clock())
    return None if lost else LOOK(self, partition, entry, attributes)


def _blind_to_the_waiting(self: Any, partition: int, entry: Any, attributes: Any) -> Any:
    return None if attributes["status"] == "READY" else LOOK(self, partition, entry, attributes)


def _deaf_to_own_outcome(self: Any, change: ConditionalWrite, wait: Any) -> Any:
    return change.apply(wait())


def _one_part(self: Any, task_record: Any, text: str) -> Any:
    return KEEP(self, replace(task_record, fence=0), text)


KEEP = attempt.Attempt.store_result


def _believing(body: Any, keyring: Any) -> Any:
    _, fields = message.parse_body(body)
    return message.message_of({name: value for name, value in fields.items() if name != "sig"})


def _acknowledged_unwritten(items: Sequence[Any]) -> None:
    """Answer for each message before its last write is known."""
    for item in items:
        item.work()
        item.complete()
        item.acknowledged = True


def _unwaited(self: Any) -> None:
    """Take an outcome for stored, whatever becomes of its write."""
    with suppress(Exception):
        COMPLETE(self)


COMPLETE = attempt.PendingOutcome.complete


def _marked_afterwards(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """Write the marker once the effect is committed."""
    found = Effect.objects.filter(id=f"{task_id}:{key}").first()
    if found is None:
        found = Effect(id=f"{task_id}:{key}", result=run())
        found.save(force_insert=True)
    return found.result


def _unmarked(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    with transaction.atomic():
        return run()


def _removed(name: str, write: str, part: str, what: str, among: str = "") -> Mutant:
    """Return a mutant that lacks one condition, or one effect, of one transition."""
    return Mutant(name, transitions, "ConditionalWrite", Removal(write, part, what, among).build)


def _unwritten(*args: Any, **options: Any) -> ConditionalWrite:
    return replace(transitions.not_sent(*args, **options), conditions=())


def _as_if_unread(*args: Any, seen: object = None, **options: Any) -> ConditionalWrite:
    return abandon(*args, **options)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("neither fence nor token", transitions, "holds_claim", lambda fence, token: ()),
    Mutant(
        "no fence", transitions, "holds_claim", lambda fence, token: tuple(holds_claim(fence, token)[::2])
    ),
    Mutant("no token", transitions, "holds_claim", lambda fence, token: holds_claim(fence, token)[:2]),
    Mutant("acknowledged on error", batch.BatchItem, "settle", _acknowledged_on_error),
    Mutant("{} on error", batch, "handler", _acknowledged_all),
    Mutant("lease never checked", attempt, "claim", _without(claim, "lease_until")),
    Mutant("not_before ignored", attempt, "claim", _without(claim, "not_before")),
    Mutant("attempts not counted", attempt, "claim", _without(claim, "workers")),
    Mutant("cancelled task claimed", attempt, "claim", _without(claim, "cancelled")),
    Mutant("claim without condition", attempt, "claim", _unconditional(claim)),
    Mutant("bulk write over a claimed record", Store, "begin_create", _bulk),
    Mutant("sweeper sends before it moves due_at", Sweeper, "begin_write", _sends_first),
    Mutant("sweeper sends though another moved due_at", decision, "send_again", _unconditional(send_again)),
    Mutant("sweeper blind to lost workers", Sweeper, "look", _blind_to_the_lost),
    Mutant("sweeper blind to lost messages", Sweeper, "look", _blind_to_the_waiting),
    Mutant("redrive restarts the fence", transitions, "redrive", _restarting),
    Mutant("result part without fence", attempt.Attempt, "store_result", _one_part),
    Mutant("expired message creates a record", delivery.Worker, "work", _remembering),
    Mutant("cancel ignores that it runs", transitions, "cancel", _unconditional(cancel)),
    Mutant("dead letter ends a live lease", fail, "abandon", _without(abandon, "lease_until")),
    Mutant("progress without condition", progress_writer, "report", _unconditional(report)),
    Mutant("steps forgotten", step_results.StepResults, "load", lambda self, key: None),
    Mutant("lost reply taken for a refusal", attempt.Attempt, "wait_for", _deaf_to_own_outcome),
    Mutant("signature not verified", delivery, "decode", _believing, "forged"),
    Mutant("acknowledged before commit", batch, "work_one_by_one", _acknowledged_unwritten),
    Mutant("outcome's write not waited for", attempt.PendingOutcome, "complete", _unwaited),
    Mutant("marker written after the effect", marker, "once", _marked_afterwards, "duplicated"),
    Mutant("no marker", marker, "once", _unmarked, "duplicated"),
    Mutant("release without condition", attempt, "release", _unconditional(transitions.release)),
    Mutant("success without condition", attempt, "succeed", _unconditional(transitions.succeed)),
    # What judges of single attempts do not find: when, how often, and on which read.
    _removed("a claim that keeps `sends`", "claim", "remove", "sends"),
    Mutant("a decision on whatever was read", fail, "abandon", _as_if_unread),
    _removed("release forgets not_before", "release", "put", "not_before"),
    _removed("release forgets due_at", "release", "put", "due_at"),
    _removed("release of a cancelled task", "release", "conditions", "cancelled absent", "status = RUNNING"),
    Mutant("an outage uses up sends", decision, "not_sent", _unwritten),
    _removed("redrive keeps `sends`", "redrive", "remove", "sends"),
    _removed("an undone claim counts", "unclaim", "remove", "workers"),
    *DECISIONS,
    *SHARDING,
)
