"""Every planted defect is found, by a promise or by a simulation; the protocol as it is passes them all."""

from unittest import mock

import pytest

from tests.simulation.checker import check
from tests.simulation.faults import Faults
from tests.simulation.mutants.planted import MUTANTS, Mutant
from tests.simulation.promises import PROMISES
from tests.simulation.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

# Worlds of a hundred tasks, with more faults than usual.
WORLDS, TASKS, RATE = 8, 100, 2.5


def found_by() -> str | None:
    """Return what finds a defect in the protocol as it is now, None where nothing does."""
    for promise in PROMISES:
        try:
            promise()
        except Exception:  # noqa: BLE001, however a defect shows
            return promise.__name__
    for number in range(WORLDS):
        world = World(f"mutant:{number}", TASKS)
        world.faults = world.network.faults = Faults(world.rng, rate=RATE)
        world.run()
        report = check(world)
        if not report.sound:
            return f"world {number}: {dict(report.counts)} {dict(report.wrong)}"
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_defect_is_found(mutant: Mutant):
    with mock.patch.object(mutant.target, mutant.attribute, mutant.defect):
        assert found_by() is not None


def test_nothing_is_found_in_the_protocol_as_it_is():
    assert found_by() is None


def test_there_are_at_least_fifteen_of_them():
    assert len({mutant.name for mutant in MUTANTS}) >= 15
