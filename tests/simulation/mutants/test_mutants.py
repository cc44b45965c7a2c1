"""Every planted defect is found, by a promise or by a simulation; the protocol as it is passes them all."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from unittest import mock

import pytest

from tests.simulation.checker import check
from tests.simulation.faults import Faults
from tests.simulation.mutants.planted import MUTANTS, Mutant
from tests.simulation.plan import Order
from tests.simulation.promises import PROMISES
from tests.simulation.scripted import Scripted
from tests.simulation.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

# Worlds of a hundred tasks, with more faults than usual.
WORLDS, TASKS, RATE = 8, 100, 2.5
# How a patch shows that fits the code no longer: it proves nothing.
ROTTEN = (AttributeError, TypeError, NameError)


def promises_broken() -> Iterator[str]:
    """Yield the promises that the protocol as it is now does not keep."""
    for promise in PROMISES:
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
    found = chain(promises_broken(), found_in_worlds())
    return next((text for text in found if shows in text), None)


@pytest.fixture
def swallowed(monkeypatch):
    """Return the exceptions that the protocol logs and goes on after."""
    found = []
    logger = logging.getLogger("django_offload")
    monkeypatch.setattr(logger, "exception", lambda *args: found.append(sys.exception()))
    return found


def without_a_fault(alias: str) -> Counter[str]:
    """Return what became of a task that nothing strikes."""
    world = World("no fault", 0, faults=Scripted({}, applied=False))
    world.plan(Order(name="sim.add", args=[1, 2], value=3), alias)
    world.run()
    return check(world).counts


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_defect_is_found(mutant: Mutant, swallowed: list[BaseException]):
    with mock.patch.object(mutant.target, mutant.attribute, mutant.defect):
        assert [without_a_fault(alias)["ok"] for alias in ("default", "direct")] == [1, 1]
        assert found_by(mutant.shows) is not None

    assert not [exc for exc in swallowed if isinstance(exc, ROTTEN)], "the patch fits the code no longer"


def test_nothing_is_found_in_the_protocol_as_it_is():
    assert found_by() is None


def test_there_are_at_least_fifteen_of_them():
    assert len({mutant.name for mutant in MUTANTS}) >= 15
