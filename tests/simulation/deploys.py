"""Releases of the tasks: what a deploy renames, changes and does not know yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

from django_offload import task
from django_offload.definition.registry import Registry, registry


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
