"""Every planted defect is found, by a promise or by a simulation; the protocol as it is passes them all."""

import logging
import sys
from collections import Counter
from unittest import mock

import pytest

from tests.simulation.checker import check
from tests.simulation.mutants.judges import ROTTEN, found_by
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.planted import MUTANTS
from tests.simulation.plan import Order
from tests.simulation.scripted import Scripted
from tests.simulation.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]


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
