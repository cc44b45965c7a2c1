"""What finds a defect that was planted into the protocol: a promise, or a world of tasks and faults."""

from collections.abc import Iterator
from itertools import chain

from tests.simulation.checker import check
from tests.simulation.faults import Faults
from tests.simulation.promises import PROMISES
from tests.simulation.world import World

# Worlds of a hundred tasks, with more faults than usual.
WORLDS, TASKS, RATE = 8, 100, 2.5
# How a patch shows that it fits the code no longer: it proves nothing.
ROTTEN = (AttributeError, TypeError, NameError)


def promises_broken(named: str = "") -> Iterator[str]:
    """Yield the promises, with this text in their names, that the protocol as it is now does not keep."""
    for promise in PROMISES:
        if named not in promise.__name__:
            continue
        try:
            promise()
        except ROTTEN:
            raise
        except Exception:  # noqa: BLE001, however a defect shows
            yield promise.__name__


def found_in_worlds() -> Iterator[str]:
    """Yield what is wrong with worlds, each of them in words; nothing where all is as it must be."""
    for number in range(WORLDS):
        world = World(f"mutant:{number}", TASKS)
        world.faults = world.network.faults = Faults(world.rng, rate=RATE)
        world.run()
        report = check(world)
        if not report.sound:
            yield f"world {number}: {dict(+report.counts)} {dict(report.wrong)}"


def found_by(shows: str = "") -> str | None:
    """Return what finds a defect in the protocol as it is now, and says so; None where nothing does."""
    found = chain(promises_broken(shows), found_in_worlds())
    return next((text for text in found if shows in text), None)
