"""Whatever is taken from a transition, a walk finds; a new condition is taken away without being listed."""

from dataclasses import replace
from unittest import mock

import pytest

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, absent
from tests.simulation.mutants.generated import EQUIVALENT, Removal, conditions, mutants, removals
from tests.simulation.walk import walks

WALKS = 400


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_what_is_taken_from_a_transition_is_found_by_a_walk(mutant: Removal):
    with mutant.planted():
        assert next(walks(WALKS), None) is not None


def test_every_walk_holds_for_the_protocol_as_it_is():
    assert list(walks(WALKS)) == []


def test_there_are_at_least_forty_conditions_and_each_mutant_has_a_name_of_its_own():
    assert len(conditions()) >= 40
    assert len({mutant.name for mutant in removals()}) == len(removals())


def test_what_nobody_could_notice_is_noticed_by_no_walk():
    unnoticed = [
        removal for removal in removals() if (removal.write, removal.part, removal.what) in EQUIVALENT
    ]
    assert len(unnoticed) == len(EQUIVALENT)
    for removal in unnoticed:
        with removal.planted():
            assert list(walks(WALKS // 5)) == [], f"{removal.name} is noticed: it belongs to the mutants"


def test_a_new_condition_makes_its_mutant_by_itself():
    def discard() -> ConditionalWrite:
        made = transitions.ConditionalWrite(name="discard", conditions=((absent("pinned"),),))
        return replace(made, remove=frozenset({"pin"}))

    discard.__module__ = transitions.__name__
    with mock.patch.object(transitions, "discard", discard):
        found = removals.__wrapped__()

    assert [removal.what for removal in found if removal.write == "discard"] == ["pinned absent", "pin"]
