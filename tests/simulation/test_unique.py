"""Unique tasks: never two running ones of one key, no key stays taken, and no call that returned is lost."""

from unittest import mock

import pytest

from django_offload.conf import configured
from django_offload.keys.unique import Candidate, UniqueKeys
from django_offload.protocol.record import READY

from .mutants.mutant import Mutant
from .mutants.uniqueness import UNIQUENESS, Shown
from .unique_events import Dice, Outcome
from .unique_scripts import STORIES, scripts, told
from .unique_worlds import busy, keys_of, slow, small
from .uniques import Uniques

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("simulated")]

# So many of all scripts with one strike are told here; `make unique` tells all, and many with two.
EVERY = 12


def shows(shown: Shown) -> Outcome:
    return (small(shown) if isinstance(shown, int) else told(*shown))[1]


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well_wherever_a_process_stalls_or_dies(name):
    for script in list(scripts(name, 1))[::EVERY]:
        _, outcome = told(name, script)

        assert not outcome.wrong, f"{script}: {outcome.examples}"


def test_f33_of_one_key_never_two_tasks_run_and_no_call_is_lost():
    """Processes that enqueue, work, redrive, cancel and sweep are killed, stall and get no replies."""
    world, outcome = busy("busy", 400, keys=20, threads=16)

    assert not outcome.wrong, outcome.examples
    assert {"SIGKILL", "stall", "reply lost", "throttle or 500"} <= set(world.faults)
    assert outcome.counts["duplicates"] > 50
    assert outcome.counts["renew key"]


def test_f34_a_key_whose_process_died_is_taken_over():
    """It died after it took the key, so there is no task; or its task waits for longer than `unique_for`."""
    _, outcome = slow("slow", 80)
    assert not outcome.wrong, outcome.examples

    for at in (1, 2):
        world, outcome = told("missing", {("first", at): (-1.0, True)})
        assert not outcome.wrong, outcome.examples
        assert world.faults["first"] == 1


def test_small_worlds_are_sound():
    for seed in range(30):
        _, outcome = small(f"small:{seed}")

        assert not outcome.wrong, f"{seed}: {outcome.examples}"


@pytest.mark.parametrize("mutant", UNIQUENESS, ids=lambda mutant: mutant.name)
def test_a_planted_defect_of_the_keys_is_found(mutant: Mutant):
    assert not shows(UNIQUENESS[mutant]).wrong

    with mock.patch.object(mutant.target, mutant.attribute, mutant.defect):
        assert shows(UNIQUENESS[mutant]).wrong


def test_f35_of_a_task_that_was_redriven_two_lives_never_run_beside_each_other():
    """The redrive dies before it keeps the key, and another task took it: the worker looks at the key."""
    script = {("redrives", 3): (-1.0, True), ("second", 2): (400.0, True)}
    world, outcome = told("redriven", script)

    assert not outcome.wrong, outcome.examples
    assert outcome.counts["renew key"] == 1
    assert world.outcome.counts["send again"]


def test_f36_a_task_is_replaced_by_another_that_has_a_record_and_never_the_other_way_round_too():
    """Both would end as duplicates of each other if an end didn't depend on the record that was read."""
    for name, stall in (("postponed", 420.0), ("retried", 342.0)):
        _, outcome = told(name, {("second", 3): (stall, True)})

        assert not outcome.wrong, outcome.examples


def test_a_look_at_an_old_record_would_lose_a_call():
    """An eventually consistent read costs half as much, and may show an ended task as running."""
    world, old = Uniques("stale", Dice()), {}
    key = keys_of(1)[0]
    look = world.table.get

    def get(task_id: str) -> object:
        record = look(task_id)
        return old.setdefault(task_id, record) if record else record

    with world.patched(), mock.patch.object(world.table, "get", get):
        world.enqueuing(lambda: world.enqueue(key))
        world.enqueuing(lambda: world.enqueue(key), 0.1)  # Its look is what the next one still sees.
        world.enqueuing(lambda: world.enqueue(key), 60)
        world.serve()
        world.turns.run()

    first, _, third = world.calls
    assert third.is_duplicate
    assert third.returned == first.enqueued.id
    assert world.check().wrong == {"no run after the call": 1}


def test_a_record_in_no_hands_keeps_no_key():
    """Where the sweeper's index has only tasks in trouble, it has the unique ones all the same."""
    world = Uniques("trouble", Dice())
    world.options = configured()["trouble"]
    with world.patched():
        world.enqueuing(lambda: world.enqueue(keys_of(1)[0]))
        world.turns.run()
    (record,) = (item for item in world.table.records.values() if "status" in item)

    assert record["status"] == READY
    assert "due_at" in record


def test_help_writes_the_record_first():
    """Whoever helps a task whose end was written meanwhile takes the key over."""
    world, ended = Uniques("help", Dice()), []
    key = keys_of(1)[0]
    helped = UniqueKeys.help

    def help_late(self: UniqueKeys, one: Candidate, holder: str) -> object:
        if not ended:  # The outbox has the same task in two processes, one of which finds a duplicate.
            ended.append(holder)
            assert self.end_missing(world.calls[0].enqueued, one.holder)
        return helped(self, one, holder)

    world.script = {("first", 1): (-1.0, True)}
    with world.patched(), mock.patch.object(UniqueKeys, "help", help_late):
        world.enqueuing(lambda: world.enqueue(key), role="first")
        world.enqueuing(lambda: world.enqueue(key), 1)
        world.serve(after=2)
        world.turns.run()

    assert world.calls[1].returned == world.calls[1].enqueued.id
    assert not world.check().wrong


def test_a_unique_task_costs_one_write_more_and_a_duplicate_one_write_and_one_read():
    world = Uniques("costs", Dice())
    key = keys_of(1)[0]
    with world.patched():
        world.enqueuing(lambda: world.enqueue(key))
        world.turns.run()
        first = dict(world.outcome.counts)
        world.enqueuing(lambda: world.enqueue(key))
        world.turns.run()

    assert first == {"take key": 1, "create": 1}
    assert world.outcome.counts == {"take key": 1, "create": 1, "read": 1}
    assert world.store.refused == {"take key": 1}
    assert world.transport.accepted == 1
