"""Defects that the handling of unique keys could have, each planted into the real code by a patch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django_offload.keys import unique
from django_offload.keys.unique import Answer, Holder, UniqueKeys
from django_offload.protocol import transitions, unique_key
from django_offload.protocol.conditional_write import ConditionalWrite
from django_offload.worker import unique_check
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.unique_events import KILLED, REFUSED, Script


def _without(change: Callable[..., ConditionalWrite], *names: str) -> Callable[..., ConditionalWrite]:
    """Return a write that does not test some attributes."""

    def mutated(*args: Any, **options: Any) -> ConditionalWrite:
        made = change(*args, **options)
        conditions = tuple(
            tuple(test for test in tests if test.name not in names) for tests in made.conditions
        )
        return replace(made, conditions=conditions)

    return mutated


def _reads(self: UniqueKeys, enqueued: Any, supersedes: object = None, **options: Any) -> str | None:
    """Look at the key before the run, and leave it as it is."""
    return self.other_holder(enqueued)


def _unrecorded(self: UniqueKeys, one: Any, supersedes: str) -> bool:
    """End the holder without a record of the task that replaces it."""
    one.record = {"supersedes": supersedes}
    return True


def _recorded_as_unsent(self: UniqueKeys, item: Any) -> bool:
    return CREATE(self, {name: value for name, value in item.items() if name != "sent_at"})


def _recorded_without_whom(
    self: UniqueKeys, enqueued: Any, supersedes: object = None, **options: Any
) -> str | None:
    return KEEP(self, enqueued, **options)


def _unhelpful(self: UniqueKeys, one: Any, holder: str) -> Holder:
    return Holder(task_id=holder, record=None)


def _all_mine(self: UniqueKeys, enqueued_tasks: Sequence[Any]) -> dict[str, Answer | Exception]:
    """Take a refusal by the key of another task of the same call for a lost reply."""
    answers = TAKE_ALL(self, enqueued_tasks)
    ids = {enqueued.id for enqueued in enqueued_tasks}
    return {
        task_id: None if isinstance(answer, Holder) and answer.task_id in ids else answer
        for task_id, answer in answers.items()
    }


def _redriven_as_unsent(*args: Any, **options: Any) -> ConditionalWrite:
    made = REDRIVE(*args, **options)
    put = {name: value for name, value in made.put.items() if name != "sent_at"}
    return replace(made, put=put, remove=made.remove | {"sent_at"})


KEEP, CREATE, TAKE_ALL = UniqueKeys.keep, UniqueKeys.create, UniqueKeys.take_all
REDRIVE, TAKE, END = transitions.redrive, unique_key.take, unique_key.end_as_duplicate

# Each with the story and the script that show it, or the seed of the small world that does.
type Shown = tuple[str, Script] | int
UNIQUENESS: dict[Mutant, Shown] = {
    Mutant("take over from any holder", unique, "take", _without(TAKE, "holder")): 0,
    Mutant("take over whatever happened to the key", unique, "take", _without(TAKE, "at")): (
        "redriven",
        {("redrives", 3): (KILLED, True), ("second", 2): (400.0, True)},
    ),
    Mutant("run without a look at the key", unique_check, "ends_as_duplicate", lambda *args: False): (
        "redriven",
        {("redrives", 4): (REFUSED, False)},
    ),
    Mutant("a look at the key that only reads", UniqueKeys, "keep", _reads): (
        "redriven",
        {("redrives", 3): (KILLED, True), ("second", 2): (400.0, True)},
    ),
    Mutant("take over without an end of the holder", UniqueKeys, "end_waiting", lambda *args: True): (
        "overdue",
        {},
    ),
    Mutant("the holder ends before its successor has a record", UniqueKeys, "keep_record", _unrecorded): 59,
    Mutant("a successor's record that looks at no key", UniqueKeys, "create", _recorded_as_unsent): (
        "overdue",
        {("second", 3): (KILLED, True), ("sweeper", 5): (REFUSED, True)},
    ),
    Mutant("a successor's record that doesn't say whose", UniqueKeys, "keep", _recorded_without_whom): (
        "postponed",
        {("second", 3): (420.0, True)},
    ),
    Mutant("an end on a stale read", unique, "end_as_duplicate", _without(END, "fence", "sent_at")): (
        "retried",
        {("second", 3): (342.0, True)},
    ),
    Mutant("no help for a dead process", UniqueKeys, "help", _unhelpful): 3,
    Mutant("two of one call, both sent", UniqueKeys, "take_all", _all_mine): 9,
    Mutant("redriven without a trace", transitions, "redrive", _redriven_as_unsent): (
        "redriven",
        {("redrives", 4): (REFUSED, False), ("second", 2): (1.0, True)},
    ),
}
