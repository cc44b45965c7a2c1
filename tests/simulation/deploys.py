"""Releases: what a deploy renames, changes and does not know yet, and where it writes in the index."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

from django_offload import task
from django_offload.definition.registry import Registry, registry
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.shards import READ_SHARDS

# Writes whose condition, up to 0.1.0, says in which shard the record is.
OF_THE_SWEEPER = {"postpone", "send again", "not sent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of the library with an OPTIONS["shards"]: what it does with the sweeper's index."""

    name: str
    shards: int  # Over how many it writes.
    reads: int = READ_SHARDS  # How many shards of each band it asks, beside the two that 0.1.0 knew.

    def write(self, task_id: str, change: ConditionalWrite) -> ConditionalWrite:
        """Return a write as this release makes it."""
        if self.reads or change.name not in OF_THE_SWEEPER:
            return change
        own = equals("due_shard", int(task_id[-4:], 16) % 2)
        conditions = tuple(
            (*(condition for condition in tests if condition.name != "finished_at"), own)
            for tests in change.conditions
        )
        return replace(change, conditions=conditions)


# The release before: it reads and writes two shards, which have no bands.
FIRST = Release(name="0.1.0", shards=2, reads=0)
READING = Release(name="2 shards", shards=2)
MANY = Release(name="32 shards", shards=32)
FEWER = Release(name="8 shards", shards=8)
# What is live, one after the other. Nothing that reads two shards follows once records are in others.
ROLLOUT = (FIRST, READING, FIRST, READING, MANY, FEWER, READING, MANY)
ROLES = ("web", "worker", "dead letters", "sweeper")


def renamed_since(value: int) -> int:
    return value


def resized(value: int, other: int) -> int:
    return value + other


@cache
def next_release() -> Registry:
    """Return the tasks as another release has them: one renamed, one with other arguments, one unknown."""
    module = ModuleType("tests.simulation.next_release")
    for name, known in registry().tasks.items():
        setattr(module, name.replace(".", "_"), known)
    del module.sim_renamed_before, module.sim_fresh
    module.sim_resized = task(name="sim.resized")(resized)
    module.renamed_since = task(name="sim.renamed", aliases="sim.renamed.before")(renamed_since)
    return Registry([module])


def deploy(release: Registry | None) -> None:
    """Have every process know the tasks of another release, or (None) those of this one again."""
    known = registry()
    known._tasks = (release or Registry(_modules()))._tasks


def _modules() -> list[ModuleType]:
    from tests.simulation import tasks

    return [tasks]


@contextmanager
def released(release: Registry) -> Iterator[None]:
    """Deploy for a while."""
    deploy(release)
    try:
        yield
    finally:
        deploy(None)
