"""What is enqueued: each kind of task with its arguments, and what it must give."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any

# In the simulation, what is larger than this does not fit beside a record; 300,000 B otherwise.
PART_BYTES = 3_000
# Stands for the number of the attempt that succeeded, 400 times over.
ATTEMPT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One task to enqueue."""

    name: str
    args: list[Any]
    value: Any = None  # What it must return …
    error: str | None = None  # … or the class of its error.
    options: dict[str, Any] = field(default_factory=dict)
    later: float = 0.0  # Seconds from now to its run_after.
    oversize: bool = False


def _plain(rng: Random) -> Order:
    a, b = rng.randrange(1000), rng.randrange(1000)
    return Order(name="sim.plain", args=[a, b], value=a * b)


def _add(rng: Random) -> Order:
    a, b = rng.randrange(1000), rng.randrange(1000)
    return Order(name="sim.add", args=[a, b], value=a + b)


def _later(rng: Random) -> Order:
    a = rng.randrange(1000)
    seconds = rng.choice((30.0, 600.0, 3600.0, 7200.0))
    return Order(name="sim.add", args=[a, 1], value=a + 1, later=seconds)


def _flaky(rng: Random) -> Order:
    failures = rng.choice((1, 1, 1, 2, 5))
    error = "OSError" if failures == 5 else None
    return Order(name="sim.flaky", args=[failures], value=failures, error=error)


def _patient(rng: Random) -> Order:
    return Order(name="sim.patient", args=[1], value=1)


def _broken(rng: Random) -> Order:
    return Order(name="sim.broken", args=[], error="ValueError")


def _leaves(rng: Random) -> Order:
    return Order(name="sim.leaves", args=[], error="SystemExit")


def _large(rng: Random) -> Order:
    size = rng.choice((PART_BYTES - 3, PART_BYTES, PART_BYTES * 2))
    return Order(name="sim.large", args=[size], value="x" * size, oversize=True)


def _measure(rng: Random) -> Order:
    size = rng.choice((PART_BYTES - 10, PART_BYTES, PART_BYTES * 2))
    return Order(name="sim.measure", args=["y" * size], value=size, oversize=True)


def _beside(rng: Random) -> Order:
    return Order(name="sim.measure", args=["y" * 500], value=500)


def _attempted(rng: Random) -> Order:
    return Order(name="sim.attempted", args=[], value=ATTEMPT)


def _steps(rng: Random) -> Order:
    return Order(name="sim.steps", args=[2], value=[0, 1])


def _watched(rng: Random) -> Order:
    return Order(name="sim.watched", args=[3], value=3)


def _slow(rng: Random) -> Order:
    seconds = rng.choice((5, 40, 200))
    return Order(name="sim.slow", args=[seconds], value=seconds)


def _too_slow(rng: Random) -> Order:
    return Order(name="sim.slow", args=[20], error="DeadlineExceeded", options={"timeout": 10})


def _removed(rng: Random) -> Order:
    return Order(name="sim.removed", args=[], error="UnknownTask")


def _renamed(rng: Random) -> Order:
    a = rng.randrange(1000)
    return Order(name=rng.choice(("sim.renamed.before", "sim.resized", "sim.fresh")), args=[a], value=a)


type Make = Callable[[Random], Order]
MIX: dict[Make, int] = {
    _plain: 340,
    _add: 440,
    _later: 20,
    _flaky: 40,
    _patient: 10,
    _broken: 10,
    _leaves: 10,
    _beside: 20,
    _attempted: 20,
    _steps: 20,
    _watched: 20,
    _slow: 20,
    _too_slow: 10,
    _renamed: 40,
    _removed: 1,
}
KINDS, SHARES = list(MIX), list(accumulate(MIX.values()))
LARGE: tuple[Make, ...] = (_large, _measure)


def root_of(task_id: str) -> str | None:
    """Return the root of a task. Some tasks have one, so their messages and rows have another version."""
    return "f" * 32 if task_id.startswith("0") else None


def tenant_of(task_id: str) -> str | None:
    """Return the tenant of a task: half of the tasks have one, and one tenant has more than the others."""
    digit = task_id[1]
    return None if digit < "8" else "noisy" if digit < "d" else f"quiet-{digit}"


def order(rng: Random, *, oversize: bool) -> Order:
    """Return the next task to enqueue."""
    make = rng.choice(LARGE) if oversize else rng.choices(KINDS, cum_weights=SHARES)[0]
    return make(rng)
