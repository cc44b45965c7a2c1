"""
What each transition is made of, taken away one at a time: its conditions, and what it writes.

Nobody lists them. Every function of transitions.py that returns a ConditionalWrite is called with sample
arguments, so that a new transition, or a new condition of an old one, makes its mutants by itself.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any
from unittest import mock

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Condition, ConditionalWrite
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import TaskRecord, initial_item, read_record
from django_offload.protocol.shards import Band
from django_offload.protocol.transitions import CANCELLED
from tests.simulation.clock import START

ID = "0" * 32
SOON, TTL = START + timedelta(minutes=5), timedelta(days=14)
ENQUEUED = EnqueuedTask(id=ID, alias="default", name="sim.plain", queue="default", enqueued_at=START)
ITEM = initial_item(ENQUEUED)
CLAIMED = {**ITEM, "status": "RUNNING", "fence": 2, "token": "t", "workers": ["w"], "lease_until": 0}


def _record(**changes: Any) -> TaskRecord:
    return read_record({**ITEM, **changes})


# Every sensible value of every parameter, by its name.
SAMPLES: dict[str, tuple[Any, ...]] = {
    "attributes": ({}, ITEM),
    "band": (Band.RESCUE, Band.DEFERRED),
    "before": (None, {}, {**ITEM, "workers": ["w"], "started_at": 1, "attempted_at": 1, "error": "{}"}),
    "count": (2,),
    "counts": (True, False),
    "due_at": (SOON,),
    "due_was": (START,),
    "enqueued": (ENQUEUED, None),
    "error": ({"class": "X", "message": ""}, {"class": CANCELLED, "message": ""}),
    "fence": (2,),
    "item": (ITEM,),
    "lease_until": (SOON,),
    "limit": (3,),
    "listed": (False, True),
    "max_attempts": (3,),
    "not_before": (START,),
    "now": (START,),
    "part": ("error#0002", None),
    "progress": ({"done": 1},),
    "record": (_record(), read_record(CLAIMED), _record(fence=2, sent_at=1, sends=1)),
    "result_ttl": (TTL,),
    "seen": (None, _record(), read_record(CLAIMED), _record(fence=2, sent_at=1)),
    "shards": (2, 32),
    "stored": ({"result": "1"},),
    "swept": (True, False),
    "task_id": (ID,),
    "token": ("t",),
    "ttl": (1,),
    "worker_id": ("w",),
    "workers": ([], ["w"]),
}
# What a write sets, other than the new record, which protocol/record.py makes.
EFFECTS = ("put", "append", "increment", "set_if_absent", "remove")


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing that one transition does without."""

    write: str  # The name of the transition.
    part: str  # "conditions", "alternative", or the field of ConditionalWrite that loses an entry.
    what: str  # The condition, or the attribute that is not written.
    among: str = ""  # Of a condition: the first one of its alternative.

    @property
    def name(self) -> str:
        within = f" of '{self.among}'" if self.among not in {"", self.what} else ""
        words = {"conditions": f"without '{self.what}'{within}", "alternative": f"never where '{self.what}'"}
        return f"{self.write}: {words.get(self.part, f'{self.part} without {self.what}')}"

    def build(self, **fields: Any) -> ConditionalWrite:
        """Stand in for ConditionalWrite where the transitions make one."""
        made = ConditionalWrite(**fields)
        return self.taken_from(made) if made.name == self.write else made

    def taken_from(self, made: ConditionalWrite) -> ConditionalWrite:
        """Return a write of this transition as the mutant makes it."""
        if self.part == "conditions":
            return replace(made, conditions=tuple(map(self._weakened, made.conditions)))
        if self.part == "alternative":
            left = (tests for tests in made.conditions if described(tests[0]) != self.what)
            return replace(made, conditions=tuple(left))
        if self.part == "remove":
            return replace(made, remove=made.remove - {self.what})
        kept = {name: value for name, value in getattr(made, self.part).items() if name != self.what}
        return replace(made, **{self.part: kept})

    def _weakened(self, tests: tuple[Condition, ...]) -> tuple[Condition, ...]:
        if described(tests[0]) != self.among:
            return tests
        return tuple(test for test in tests if described(test) != self.what)

    def planted(self) -> AbstractContextManager[Any]:
        """Have every transition made so, whoever makes it."""
        return mock.patch.object(transitions, "ConditionalWrite", self.build)


def described(condition: Condition) -> str:
    """Return a condition in words that are the same for every record."""
    operand = f" {condition.operand}" if condition.name == "status" else ""
    return f"{condition.name} {condition.operator.value}{operand}"


def functions() -> Iterator[Callable[..., ConditionalWrite]]:
    """Yield every transition."""
    for _, function in inspect.getmembers(transitions, inspect.isfunction):
        if inspect.signature(function).return_annotation is ConditionalWrite:
            yield function


def writes() -> Iterator[ConditionalWrite]:
    """Yield the writes of every transition, with every combination of sample arguments."""
    for function in functions():
        names = inspect.signature(function).parameters
        unknown = names.keys() - SAMPLES.keys()
        assert not unknown, f"Add samples for the parameters {sorted(unknown)} of {function.__name__}()"
        for values in product(*(SAMPLES[name] for name in names)):
            call = inspect.signature(function).bind_partial()
            call.arguments.update(zip(names, values, strict=True))
            yield function(*call.args, **call.kwargs)


@cache
def removals() -> tuple[Removal, ...]:
    """Return everything that can be taken from a transition, in a stable order."""
    found: dict[Removal, None] = {}
    for made in writes():
        for tests in made.conditions:
            among = described(tests[0])
            found.update((Removal(made.name, "conditions", described(test), among), None) for test in tests)
            if len(made.conditions) > 1:
                found[Removal(made.name, "alternative", among)] = None
        for part in EFFECTS:
            new = ITEM.keys() if part == "set_if_absent" else ()
            found.update(
                (Removal(made.name, part, name), None)
                for name in sorted(getattr(made, part))
                if name not in new
            )
    return tuple(found)


def conditions() -> tuple[Removal, ...]:
    """Return every condition of every transition, taken away."""
    return tuple(removal for removal in removals() if removal.part == "conditions")


# What can be taken away without a change that anybody could notice, and why.
ONLY_RUNNING = "only a RUNNING record has a lease"
LEFT_BY_CLAIM = "the claim that is undone left it as it must be"
# tests/contract/test_unique.py redrives a duplicate.
WITHOUT_DUPLICATES = "no task of a walk has a unique key"
EQUIVALENT = {
    ("claim", "conditions", "status = RUNNING"): ONLY_RUNNING,
    ("abandon", "conditions", "status = RUNNING"): ONLY_RUNNING,
    ("cancel", "remove", "lease_until"): ONLY_RUNNING,
    ("unclaim", "put", "started_at"): LEFT_BY_CLAIM,
    ("unclaim", "remove", "error"): LEFT_BY_CLAIM,
    ("redrive", "remove", "duplicate_of"): WITHOUT_DUPLICATES,
}


def mutants() -> tuple[Removal, ...]:
    """Return every removal that changes what the protocol does."""
    return tuple(
        removal for removal in removals() if (removal.write, removal.part, removal.what) not in EQUIVALENT
    )
