"""Defects of shards and bands, and releases in an order that leaves records where no sweeper reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.shards import Band
from django_offload.protocol.transitions import postpone, send_again
from django_offload.worker.sweeping import decision, due_pages, sweeper
from tests.simulation import deploys
from tests.simulation.deploys import FIRST, MANY
from tests.simulation.mutants.mutant import Mutant

STUCK = "stuck"
TURNS = due_pages.turns


def _in_its_shard(change: Callable[..., ConditionalWrite]) -> Callable[..., ConditionalWrite]:
    """Return a transition whose condition names the shard, as up to 0.1.0."""

    def made(*args: Any, **options: Any) -> ConditionalWrite:
        write = change(*args, **options)
        own = equals("due_shard", write.put["due_shard"])
        return replace(write, conditions=tuple((*tests, own) for tests in write.conditions))

    return made


def _only(*bands: Band | None) -> Callable[..., Any]:
    """Return turns() of a sweeper that reads these bands. None stands for the partitions of 0.1.0."""

    def turns(*args: Any) -> Any:
        read = TURNS(*args)
        return [read[due_pages.TURNS.index(band)] for band in bands]

    return turns


def _deferred_first(self: Any) -> Any:
    for turn in (1, 0, 2):
        while page := self.draw(turn):
            yield page


SHARDING: tuple[Mutant, ...] = (
    Mutant(
        "a sweeper reads two shards",
        sweeper,
        "turns",
        lambda read_shards, *numbers: TURNS(min(read_shards, 2), *numbers),
        STUCK,
    ),
    Mutant(
        "a sweeper forgets the shards of 0.1.0", sweeper, "turns", _only(Band.RESCUE, Band.DEFERRED), STUCK
    ),
    Mutant("a sweeper forgets the deferred", sweeper, "turns", _only(Band.RESCUE, None), STUCK),
    Mutant(
        "a send expects the record in its shard", decision, "send_again", _in_its_shard(send_again), STUCK
    ),
    Mutant("a postponement expects the record in its shard", decision, "postpone", _in_its_shard(postpone)),
    Mutant("a backlog of deferred tasks comes first", due_pages.DuePages, "pages", _deferred_first),
    Mutant(
        "writers have 32 shards while a sweeper reads two",
        deploys,
        "ROLLOUT",
        (FIRST, replace(MANY, reads=0)),
        STUCK,
    ),
    Mutant("a rollback below the release that reads 64", deploys, "ROLLOUT", (MANY, FIRST), STUCK),
)
