"""Interleaved rounds: each contender in turn, again and again, so that all meet the same machine."""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.driver import THREADS
from tests.benchmarks.processes import Driver, Stub

# Of calls in one round; the bounds hold where a call takes longer or shorter than expected.
FEWEST, MOST = 8, 4_000
QUICK_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure."""

    rounds: int = 7
    seconds: float = 0.25  # That a contender works in one round.
    python: str

    @property
    def full(self) -> bool:
        """Whether this is more than a quick look."""
        return self.rounds > QUICK_ROUNDS

    def calls(self, wall_of_one: float) -> int:
        """Return how many calls fill that time: a multiple of the threads that share them."""
        wanted = max(min(int(self.seconds / wall_of_one), MOST), FEWEST)
        return -(-wanted // THREADS) * THREADS


@dataclass(slots=True)
class Series:
    """What one contender's rounds gave, each by task."""

    label: str
    ours: bool
    rounds: list[Mapping[str, Any]] = field(default_factory=list)

    def median(self, name: str) -> float:
        return float(statistics.median(found[name] for found in self.rounds))

    def ratio(self, name: str, other: "Series") -> float:
        """Return the median of the ratios to another's, round by round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return float(statistics.median(mine[name] / theirs[name] for mine, theirs in pairs))

    @property
    def connections(self) -> int:
        """How many new connections all rounds made."""
        return sum(found["connections"] for found in self.rounds)

    @property
    def calls(self) -> Mapping[str, float]:
        """What a task calls."""
        calls: Mapping[str, float] = self.rounds[-1]["calls"]
        return calls


type Found = Mapping[str, Mapping[str, Series]]


def measure(kind: str, names: Sequence[str], ways: Sequence[str], stub: Stub, plan: Plan) -> Found:
    """Measure contenders in several ways; return a series for each way and contender that has it."""
    with ExitStack() as exits:
        drivers = {name: exits.enter_context(Driver(kind, name, stub, plan.python)) for name in names}
        found: dict[str, dict[str, Series]] = {way: {} for way in ways}
        calls: dict[tuple[str, str], int] = {}
        for name, driver in drivers.items():
            for way in ways:
                if driver.does(way):
                    found[way][name] = Series(driver.contender.label, driver.contender.ours)
                    driver.measure(FEWEST, way)
                    calls[name, way] = plan.calls(driver.measure(FEWEST, way)["wall"] * driver.tasks)
        for _ in range(plan.rounds):
            for name, driver in drivers.items():
                for way in ways:
                    if name in found[way]:
                        found[way][name].rounds.append(driver.measure(calls[name, way], way))
    return found
