"""An occurrence of a schedule makes one task, or none while the schedule is paused, whatever is repeated."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.exceptions import EnqueueFailed
from django_offload.local.aws.schedule import Rule, make_event
from django_offload.operations import schedules
from django_offload.operations.schedules import UnknownSchedule, occurrence_id
from django_offload.protocol.conditional_write import ConditionalWrite, absent
from django_offload.protocol.schedule_state import state_id
from django_offload.sending import enqueue as sending
from django_offload.stack.schedules import event_text
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.worker.sweep import handler
from tests.contract import scheduled_tasks as tasks
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)

MODULES = ["tests.contract.scheduled_tasks"]
WEEKLY = {"task": "tests.contract.scheduled_tasks.nightly", "when": "rate(7 days)", "kwargs": {"number": 8}}
AT = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "lean"])
def offload(request, settings):
    tasks.ran.clear()
    client = {} if request.param == "memory" else {"client": request.param}
    settings.TASKS = tasks_setting(modules=MODULES, schedules={"weekly": WEEKLY}, **client)
    # A decorated task has its schedule on its own alias alone.
    del settings.TASKS["other"]
    return request.getfixturevalue("offload" if request.param == "memory" else "offload_aws")


def options():
    return configured()["default"]


def tell(name="nightly", at=AT):
    """Tell the sweeper's function an occurrence, as Scheduler does."""
    rule = Rule(arn="", period=timedelta(days=1), function_arn="", input=event_text("default", name))
    return handler(json.loads(make_event(rule, at)), Invocation("contract-sweeper"), lambda: AT)


def state(name="nightly"):
    (found,) = [one for one in schedules.schedule_states(AT) if one.name == name]
    return found


def test_schedules_of_tasks_and_of_options_enqueue_their_tasks(offload):
    assert [tell(name) for name in ("nightly", "weekly", "sync")] == [{"enqueued": 1}] * 3

    assert offload.run() == 3
    assert sorted(map(str, tasks.ran)) == ["7", "8", "sync"]


def test_an_occurrence_told_50_times_is_one_task(offload):
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda number: tell(), range(48)))
    told += [tell(), tell()]
    offload.run()
    told.append(tell())  # Also after its task has ended.
    offload.run()

    assert told == [{"enqueued": 1}] * 51
    assert tasks.ran == [7]


def test_the_state_leads_to_the_task_of_the_last_occurrence(offload):
    tell(at=AT - HOUR)
    tell()
    tell(at=AT - HOUR)

    assert (state().last_at, state().last_id) == (AT, occurrence_id(options(), "nightly", AT))
    offload.run()
    assert tasks.ran == [7, 7]


def test_a_paused_schedule_enqueues_nothing_until_it_is_resumed(offload, caplog):
    caplog.set_level("INFO")
    assert schedules.pause(options(), "nightly", AT - HOUR)
    assert not schedules.pause(options(), "nightly", AT)
    assert [tell(), tell()] == [{"paused": 1}] * 2
    assert "enqueued nothing, because it is paused" in caplog.text
    assert state().paused_at == AT - HOUR
    assert tell("weekly") == {"enqueued": 1}

    assert schedules.resume(options(), "nightly", AT + HOUR)
    assert not schedules.resume(options(), "nightly", AT + HOUR)
    assert state().paused_at is None
    # An occurrence of the pause stays left out, and those before and after it are told late.
    assert tell() == {"paused": 1}
    assert tell(at=AT - 2 * HOUR) == {"enqueued": 1}
    assert tell(at=AT + HOUR) == {"enqueued": 1}
    offload.run()
    assert tasks.ran.count(7) == 2


def test_a_pause_between_two_tellings_neither_loses_nor_doubles_a_task(offload):
    tell()
    schedules.pause(options(), "nightly", AT + HOUR)

    assert tell() == {"enqueued": 1}
    assert tell(at=AT + HOUR) == {"paused": 1}
    offload.run()
    assert tasks.ran == [7]


def test_a_process_that_dies_before_the_send_leaves_the_task_to_the_next_telling(offload, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(sending, "send_many", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tell()
    schedules.pause(options(), "nightly", AT + HOUR)

    assert state().last_at == AT
    assert tell() == {"enqueued": 1}
    assert offload.run() == 1


@pytest.mark.parametrize("change", ["occurrence", "pause", "resume"])
def test_a_write_whose_reply_was_lost_counts_once(offload, monkeypatch, change):
    store = type(store_of(options()))
    original = store.change

    def twice(self, task_id, write):
        """Make a write twice, as a client does that saw no reply to the first one."""
        if write.name == change:
            original(self, task_id, write)
        return original(self, task_id, write)

    if change == "resume":
        schedules.pause(options(), "nightly", AT - HOUR)
    monkeypatch.setattr(store, "change", twice)
    if change == "occurrence":
        assert tell() == {"enqueued": 1}
        assert offload.run() == 1
    elif change == "pause":
        assert schedules.pause(options(), "nightly", AT)
        assert state().paused_at == AT
    else:
        assert schedules.resume(options(), "nightly", AT)
        assert state().paused_at is None


def test_a_state_that_cannot_be_written_fails_the_event_so_that_it_comes_again(offload, monkeypatch):
    with monkeypatch.context() as outage:
        outage.setattr(type(store_of(options())), "change", lambda *change: 1 / 0)
        with pytest.raises(EnqueueFailed, match="couldn't be enqueued"):
            tell()
        # Nothing leaves without the state, because the schedule may be paused.
    assert offload.run() == 0
    assert tell() == {"enqueued": 1}


def test_run_now_enqueues_an_occurrence_of_its_own_also_while_paused(offload):
    tell()
    schedules.pause(options(), "nightly", AT)
    first = schedules.run_now(options(), "nightly", AT + HOUR)

    assert (state().last_id, state().last_at, state().paused_at) == (first, AT + HOUR, AT)
    assert schedules.run_now(options(), "nightly", AT + HOUR) == first
    # An item with a pause never expires.
    assert "ttl" not in store_of(options()).get(state_id("default", "nightly"))
    offload.run()
    assert tasks.ran == [7, 7]


def test_with_skip_an_occurrence_is_left_out_while_an_earlier_one_lives(offload):
    first = occurrence_id(options(), "sync", AT)
    assert tell("sync") == {"enqueued": 1}
    assert [tell("sync", AT + HOUR), tell("sync", AT + HOUR)] == [{"skipped": 1}] * 2
    assert (state("sync").last_skipped_at, state("sync").last_id) == (AT + HOUR, first)
    assert schedules.run_now(options(), "sync", AT + HOUR + HOUR / 2) == first
    assert tell("sync") == {"enqueued": 1}
    offload.run()
    assert tasks.ran == ["sync"]

    assert tell("sync", AT + 2 * HOUR) == {"enqueued": 1}
    offload.run()
    assert tasks.ran == ["sync", "sync"]


def test_a_skipped_occurrence_stays_left_out_when_it_is_told_again(offload):
    tell("sync")
    tell("sync", AT + HOUR)
    offload.run()

    assert tell("sync", AT + HOUR) == {"skipped": 1}
    assert offload.run() == 0


def test_with_queue_occurrences_wait_for_each_other_in_the_queue(offload):
    tell()
    tell(at=AT + HOUR)

    assert offload.run() == 2


def test_an_unknown_name_says_which_there_are(offload):
    with pytest.raises(UnknownSchedule, match=r"no schedule 'nigthly'. Did you mean nightly\?"):
        schedules.pause(options(), "nigthly")
    with pytest.raises(UnknownSchedule, match="The schedules are: weekly, nightly, sync"):
        schedules.run_now(options(), "zzz", AT)


def test_next_times_are_read_with_the_state(offload):
    assert state("sync").next_times == tuple(AT + timedelta(minutes=15) * number for number in (1, 2, 3))
    tell("sync", AT - timedelta(minutes=5))
    assert state("sync").next_times[0] == AT + timedelta(minutes=10)
    # What somebody asked for doesn't move the others.
    schedules.run_now(options(), "sync", AT)
    assert state("sync").next_times[0] == AT + timedelta(minutes=10)


def test_an_occurrence_costs_one_call_more_than_an_enqueue(offload, monkeypatch):
    from django_offload.stores.dynamodb import DynamoDBStore

    calls = []
    begin = DynamoDBStore._begin
    monkeypatch.setattr(
        DynamoDBStore,
        "_begin",
        lambda self, name, **fields: calls.append(name) or begin(self, name, **fields),
    )
    tell()
    with_schedule, calls[:] = list(calls), []
    tasks.nightly.enqueue(1)

    is_memory = type(store_of(options())) is not DynamoDBStore
    assert (with_schedule, calls) == (([], []) if is_memory else (["update_item", "put_item"], ["put_item"]))


def put(key, **values):
    """Write to an item that isn't there yet, as somebody with the rights to the table may."""
    change = ConditionalWrite(
        name="damage", conditions=((absent("by_hand"),),), put={**values, "by_hand": True}
    )
    store_of(options()).change(key, change)


@pytest.mark.parametrize("odd", ["yes", ["a"], True, 10**30, -(10**18)])
def test_whatever_pauses_a_schedule_is_shown_and_can_be_resumed(offload, odd):
    put(state_id("default", "nightly"), paused_at=odd)

    assert tell() == {"paused": 1}
    assert state().paused_at is not None
    assert not schedules.pause(options(), "nightly", AT)
    assert schedules.resume(options(), "nightly", AT)
    assert (state().paused_at, tell(at=AT + HOUR)) == (None, {"enqueued": 1})


@pytest.mark.parametrize("odd", ["", "x" * 3_000, "u:" + "5" * 32, ["x"], 5])
def test_a_last_task_without_an_id_is_none(offload, odd):
    put(state_id("default", "nightly"), last_id=odd)

    assert state().last_id is None
    assert tell() == {"enqueued": 1}
    assert state().last_id == occurrence_id(options(), "nightly", AT)
