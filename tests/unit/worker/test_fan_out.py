"""When a sweeper shares out its shards, and what an invocation for a group of them does."""

from datetime import timedelta

import pytest

from django_offload.testing import Invocation, sweep_event
from django_offload.worker import fan_out, sweep
from django_offload.worker.fan_out import LEAST_SECONDS, SHARDS_OF_ONE, groups_for
from django_offload.worker.sweep_event import GROUP_LIFE, SHARDS_ALIAS, ShardGroup
from django_offload.worker.sweeping.due_pages import PAGE
from tests.contract.records import NOW
from tests.old_shards import DUE_SHARDS

pytestmark = pytest.mark.django_db  # Of the outbox and the markers of effects.

MINUTE = timedelta(minutes=1)
SWEEPER = "arn:aws:lambda:us-east-1:123456789012:function:contract-sweeper"


@pytest.fixture
def events(monkeypatch, settings):
    """Return what would be sent to Lambda, with the name of the function."""
    sent = []

    def begin(options, name, share):
        sent.append((name, share.event()))
        return lambda: None

    monkeypatch.setattr(fan_out, "begin_invoke", begin)
    return sent


def defer(stage, enqueued, each):
    """Let so many tasks of each shard start in ten minutes."""
    nine = NOW + timedelta(days=1)
    for number in range(each * DUE_SHARDS):
        stage.store.create(enqueued(number, run_after=nine))
    stage.now = nine - 10 * MINUTE


@pytest.mark.parametrize(
    ("shards", "groups"), [(0, 0), (1, 0), (6, 0), (7, 2), (12, 2), (13, 4), (24, 4), (25, 8), (64, 8)]
)
def test_there_are_as_many_groups_as_the_backlog_keeps_busy_and_at_most_eight(shards, groups):
    assert groups_for(shards, 60.0) == groups


def test_with_little_time_left_the_sweeper_goes_on_alone():
    assert groups_for(64, LEAST_SECONDS) == 8
    assert groups_for(64, LEAST_SECONDS - 0.1) == 0


def swept(stage, context):
    return sweep.handler(sweep_event("contract-sweeper", stage.now), context, stage.clock)


@pytest.mark.parametrize("each", [0, 1, PAGE - 1])
def test_without_a_backlog_nothing_is_invoked(stage, enqueued, events, monkeypatch, each):
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    defer(stage, enqueued, each)

    assert swept(stage, Invocation("contract-sweeper")).get("sent", 0) == each * DUE_SHARDS
    assert events == []


def test_a_backlog_is_left_to_the_function_itself(stage, enqueued, events, monkeypatch):
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    monkeypatch.setenv("OFFLOAD_ALIAS", "live")
    defer(stage, enqueued, PAGE)

    done = swept(stage, Invocation("contract-sweeper", invoked_function_arn=f"{SWEEPER}:live"))

    assert done == {"sent": PAGE}
    assert [name for name, _ in events] == [f"{SWEEPER}:{SHARDS_ALIAS}"]
    assert [(event["group"] in (0, 1), event["of"]) for _, event in events] == [(True, 2)]


def test_if_lambda_drops_the_groups_every_shard_still_has_its_turn(stage, enqueued, events, monkeypatch):
    """An account without room for more invocations takes their events, and drops them after a minute."""
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    defer(stage, enqueued, PAGE)

    first = swept(stage, Invocation("contract-sweeper"))
    stage.now += MINUTE
    second = swept(stage, Invocation("contract-sweeper"))

    assert first == second == {"sent": PAGE}
    assert len(events) == 1, "the second sweep found a backlog in one shard alone"


@pytest.mark.parametrize("groups", [2, 4, 8])
def test_in_as_many_minutes_as_there_are_groups_a_sweeper_keeps_each_once(stage, events, groups):
    minutes = [NOW + number * MINUTE for number in range(groups)]
    context = Invocation("contract-sweeper")
    kept = [fan_out.hand_over(stage.options, groups, context, minute) for minute in minutes]

    assert sorted(share.number for (share,) in kept) == list(range(groups))
    assert len(events) == groups * (groups - 1)


def test_few_shards_of_writers_take_no_more_sweepers(stage, enqueued, events):
    """All of these would move their entries to the same two partitions of the index."""
    assert stage.store.shards(stage.options) == DUE_SHARDS <= SHARDS_OF_ONE
    defer(stage, enqueued, PAGE)

    assert swept(stage, Invocation("contract-sweeper")) == {"sent": PAGE * DUE_SHARDS}
    assert events == []


def test_what_lambda_does_not_accept_the_sweep_does_itself(stage, enqueued, monkeypatch, caplog):
    def begin(options, name, share):
        def refuse():
            raise OSError("no room")

        return refuse

    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    monkeypatch.setattr(fan_out, "begin_invoke", begin)
    defer(stage, enqueued, PAGE)

    assert swept(stage, Invocation("contract-sweeper")) == {"sent": PAGE * DUE_SHARDS}
    assert (
        "of 2 of stack contract couldn't be handed over, so this sweep does its work: no room" in caplog.text
    )


def test_a_sweep_by_command_has_no_function_to_invoke(stage, enqueued, events, monkeypatch):
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    defer(stage, enqueued, PAGE)

    assert sweep.sweep(stage.clock, lambda: 60.0) == {"sent": PAGE * DUE_SHARDS}
    assert events == []


def group(stage, number, at=None):
    return ShardGroup(stack="contract", number=number, groups=2, at=at or stage.now)


def test_a_group_sweeps_its_shards_and_does_nothing_else(stage, enqueued, events, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a group does only the work of its shards")

    for name in ("share_out", "drain_outbox", "remove_old_markers", "sweep"):
        monkeypatch.setattr(sweep, name, refuse)
    monkeypatch.setattr(fan_out, "SHARDS_OF_ONE", 1)
    defer(stage, enqueued, 2 * PAGE)
    context = Invocation("contract-sweeper", invoked_function_arn=f"{SWEEPER}:{SHARDS_ALIAS}")

    done = [sweep.handler(group(stage, number).event(), context, stage.clock) for number in (0, 1, 0)]

    assert done == [{"sent": 2 * PAGE}, {"sent": 2 * PAGE}, {}]
    assert events == []


def test_a_group_ends_when_the_next_sweep_may_share_out_the_same_shards(stage, enqueued):
    defer(stage, enqueued, PAGE)
    event = group(stage, 0, at=stage.now - GROUP_LIFE).event()

    assert sweep.handler(event, Invocation("contract-sweeper"), stage.clock) == {"stopped": 1}


def test_the_alarm_of_tasks_that_run_too_long_sees_those_of_a_group(stage, monkeypatch, capsys):
    monkeypatch.setenv("OFFLOAD_STACK", "contract")

    sweep.handler(group(stage, 0).event(), Invocation("contract-sweeper"), stage.clock)

    assert '"OldestRunningSeconds": 0.0' in capsys.readouterr().out
