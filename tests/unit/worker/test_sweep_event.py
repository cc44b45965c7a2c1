"""What the sweeper is invoked with: its own rule, its own schedules, and nothing else at any time."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from django_offload.exceptions import UnknownEvent
from django_offload.local.aws.schedule import Rule, make_event
from django_offload.protocol.shards import READ_SHARDS
from django_offload.stack import limits, schedules
from django_offload.testing import Invocation, sweep_event
from django_offload.worker import enqueue_scheduled, sweep
from django_offload.worker.sweep_event import (
    GROUP_LIFE,
    GROUPS,
    LONGEST_DISTANCE,
    SHARDS_ALIAS,
    Occurrence,
    ShardGroup,
    read_event,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SWEEPER = Invocation("contract-sweeper")
RULE = sweep_event("contract-sweeper", NOW)
GROUP = ShardGroup(stack="contract", number=1, groups=4, at=NOW).event()
SCHEDULE = {"schedule": "nightly", "alias": "default", "at": "2026-11-22T12:00:00Z"}
ARN = "arn:aws:events:us-east-1:123456789012:rule/contract-sweeper"
ODD = (None, True, 0, 10**400, float("nan"), float("inf"), "", "\ud800", [], {}, ["x"], {"x": 1})


class Mapped(dict):
    """A dictionary that isn't JSON's."""


def is_group_0(event):
    """Return True for the one of these events that a sweeper does send."""
    return type(event["group"]) is int and event == {**GROUP, "group": 0}


def changed(event, name, *values):
    return [{**event, name: value} for value in values]


FOREIGN = [
    *(
        None,
        True,
        False,
        0,
        1,
        10**400,
        -1.5,
        float("nan"),
        float("inf"),
        "",
        "sweep",
        "{}",
        "\ud800",
        [],
        [{}],
    ),
    *([SCHEDULE], (), b"", set(), Mapped(RULE), Mapped(SCHEDULE), json.dumps(SCHEDULE), object()),
    *({}, {"": ""}, {"sweep": True}, {"do": "migrate"}, {"command": "sweep"}, {"source": "aws.events"}),
    {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "x"}}}]},
    {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]},
    {"httpMethod": "GET", "path": "/", "requestContext": {"stage": "dev"}},
    {"version": "2.0", "routeKey": "$default", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}},
    {"v": 1, "kid": "0" * 8, "sig": "0" * 64},
    # Of the rule: a field that is missing, another one, or one with another value.
    *[{key: value for key, value in RULE.items() if key != name} for name in RULE],
    *[{**RULE, name: 1} for name in ("extra", "schedule", "Records", "body", "trace-header")],
    *[event for name in RULE for event in changed(RULE, name, *ODD) if event != RULE],
    *changed(RULE, "version", "1", "0 "),
    *changed(
        RULE, "detail-type", "scheduled event", "Scheduled Event ", "EC2 Instance State-change Notification"
    ),
    *changed(RULE, "source", "aws.ec2", "AWS.EVENTS", "my.app"),
    *changed(RULE, "account", "123456789013", 0),
    *changed(RULE, "region", "us-east-2", "US-EAST-1"),
    *changed(RULE, "detail", {"instance-id": "i-1"}, [], None),
    *changed(
        RULE,
        "resources",
        ARN,
        (ARN,),
        [ARN, ARN],
        [f"{ARN}x"],
        [f"{ARN} "],
        [ARN.replace("contract", "other")],
        [ARN.replace("rule/", "rule/default/")],
        [ARN.replace("us-east-1", "us-east-2")],
        [ARN.replace("123456789012", "123456789013")],
        [ARN.replace("arn:aws:", "arn:aws-cn:")],
        [ARN.replace(":events:", ":scheduler:")],
    ),
    # Of a schedule: the same.
    *[{key: value for key, value in SCHEDULE.items() if key != name} for name in SCHEDULE],
    *[{**SCHEDULE, name: 1} for name in ("task", "args", "kwargs", "queue", "sig", "extra")],
    *[event for name in SCHEDULE for event in changed(SCHEDULE, name, *ODD)],
    # Of a group of shards: the same.
    *[{key: value for key, value in GROUP.items() if key != name} for name in GROUP],
    *[{**GROUP, name: 1} for name in ("shards", "partitions", "schedule", "alias", "task", "extra")],
    *[event for name in GROUP for event in changed(GROUP, name, *ODD) if not is_group_0(event)],
    *changed(GROUP, "group", -1, 4, 64, 1.0, True, "1"),
    *changed(GROUP, "of", 1, 3, 5, 6, 7, 16, 64, 4.0, "4"),
    *changed(GROUP, "sweep", "other", "Contract", "contract ", "contract-sweeper"),
    *changed(SCHEDULE, "schedule", "hourly", "NIGHTLY", "nightly ", "os.system", b"nightly"),
    *changed(SCHEDULE, "alias", "elsewhere", "Default", b"default"),
]
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
INSTANTS = [
    *(
        "at night",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-11-22 12:00:00Z",
        "20261122T120000Z",
        "2026-W47-7",
    ),
    *(
        "2026-11-22T12:00Z",
        "2026-11-22T12:00:00z",
        "2026-11-22T12:00:00Z ",
        "\n2026-11-22T12:00:00Z",
        "12:00:00Z",
    ),
    *("2026-11-31T12:00:00Z", "2026-11-22T25:00:00Z", "2026-13-22T12:00:00Z", "2026-11-22T12:00:60Z"),
    *("2026-11-22T12:00:00+24:00", "2026-11-22T12:00:00+99:99", "2026-11-22T12:00:00+01:00:00.000001"),
    *(
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
    ),
    *(
        "+2026-11-22T12:00:00Z",
        "-2026-11-22T12:00:00Z",
        "1795348800",
        "9" * 5_000,
        "2026-11-22T12:00:00." + "0" * 99,
    ),
    *(
        "٢٠٢٦-١١-٢٢T١٢:٠٠:٠٠Z",
        "2026-11-22T12:00:00\ud800",
        "<aws.scheduler.scheduled-time>",
        "now",
        "1970-01-01T00:00:00Z",
    ),
    *(f"{NOW + step:%Y-%m-%dT%H:%M:%SZ}" for step in (DAY + SECOND, -DAY - SECOND, 2 * DAY, -30 * DAY)),
]


@pytest.fixture
def untouched(ours, monkeypatch):
    """Fail the test if a sweep or an enqueue begins, or if a module is imported."""

    def refuse(*arguments):
        raise AssertionError("an event that was refused had an effect")

    for name in ("sweep", "living_connections"):
        monkeypatch.setattr(sweep, name, refuse)
    monkeypatch.setattr(enqueue_scheduled, "enqueue_scheduled", refuse)
    modules = set(sys.modules)
    yield
    assert set(sys.modules) == modules


def refused(event, context=SWEEPER):
    with pytest.raises(UnknownEvent, match=r"^The sweeper handler accepts only the events of its own rule"):
        sweep.handler(event, context, lambda: NOW)
    return True


def test_no_other_event_starts_anything(untouched):
    assert len(FOREIGN) > 200
    assert all(refused(event) for event in FOREIGN if not names_a_schedule(event))


def names_a_schedule(event):
    """Return True for the shape of a schedule, which TASKS may or may not have."""
    return (
        type(event) is dict
        and event.keys() == SCHEDULE.keys()
        and all(type(x) is str for x in event.values())
    )


@pytest.mark.parametrize("name", ["at", "time"])
def test_no_instant_far_from_now_starts_anything(untouched, name):
    event = SCHEDULE if name == "at" else RULE

    assert all(refused({**event, name: text}) for text in INSTANTS)


def test_a_schedule_that_tasks_does_not_have_starts_nothing(untouched):
    assert all(refused(event) for event in FOREIGN if names_a_schedule(event))


@pytest.mark.parametrize("step", [-DAY, -DAY + SECOND, timedelta(0), DAY])
def test_the_stacks_own_events_are_accepted_within_a_day(ours, step):
    at = NOW + step

    assert read_event(sweep_event("contract-sweeper", at), SWEEPER, NOW) is None
    assert read_event({**SCHEDULE, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}, SWEEPER, NOW) == Occurrence(
        schedule="nightly", alias="default", at=at
    )


@pytest.mark.parametrize("text", ["2026-11-22T12:00:00.000Z", "2026-11-22T13:00:00+01:00"])
def test_one_instant_is_one_occurrence_however_it_is_written(text):
    occurrence = read_event({**SCHEDULE, "at": text}, SWEEPER, NOW)

    assert occurrence == Occurrence(
        schedule="nightly", alias="default", at=datetime(2026, 11, 22, 12, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_the_rule_is_the_stacks_own_in_every_partition(partition, region):
    function = f"arn:{partition}:lambda:{region}:210987654321:function:contract-sweeper:live"
    rule = f"arn:{partition}:events:{region}:210987654321:rule/contract-sweeper"
    event = {**RULE, "account": "210987654321", "region": region, "resources": [rule]}

    assert read_event(event, Invocation("contract-sweeper", invoked_function_arn=function), NOW) is None
    assert refused(event)
    assert refused(RULE, Invocation("contract-sweeper", invoked_function_arn=function))


def test_what_released_versions_and_this_machine_send_is_accepted(ours):
    released = [
        # The rule has no Input, so EventBridge sends its own event.
        RULE,
        {"schedule": "nightly", "alias": "default", "at": "2026-11-22T12:00:00Z"},
    ]
    rule = Rule(arn=ARN, period=DAY, function_arn="", input=schedules.event_text("default", "nightly"))
    local = [json.loads(make_event(each, NOW)) for each in (rule, Rule(arn=ARN, period=DAY, function_arn=""))]

    read = [read_event(event, SWEEPER, NOW) for event in (*released, *local)]

    assert [type(one) for one in read] == [type(None), Occurrence, Occurrence, type(None)]


def test_no_event_of_the_stack_is_too_late_for_the_sweeper():
    """Scheduler keeps an event, then Lambda does. What both give up is in the queue of failed events."""
    latest = timedelta(seconds=schedules.LONGEST_SECONDS) + limits.EVENT_AGE + limits.SERVICE_TIMEOUT

    assert latest < LONGEST_DISTANCE


def by_alias(alias, name="contract-sweeper"):
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:{alias}"
    return Invocation(name, invoked_function_arn=arn)


@pytest.mark.parametrize("groups", GROUPS)
def test_each_shard_is_in_exactly_one_of_the_groups_that_a_sweeper_sends(ours, groups):
    sent = [ShardGroup(stack="contract", number=number, groups=groups, at=NOW) for number in range(groups)]

    read = [read_event(json.loads(json.dumps(one.event())), by_alias(SHARDS_ALIAS), NOW) for one in sent]

    assert read == sent
    assert sorted(shard for one in read for shard in one.shards) == list(range(READ_SHARDS))


@pytest.mark.parametrize("step", [-GROUP_LIFE, timedelta(0), GROUP_LIFE])
def test_a_group_is_accepted_within_a_minute(ours, step):
    event = ShardGroup(stack="contract", number=0, groups=2, at=NOW + step).event()

    assert read_event(event, by_alias(SHARDS_ALIAS), NOW).at == NOW + step
    assert read_event(event, SWEEPER, NOW).at == NOW + step  # In local AWS, functions have no alias.


@pytest.mark.parametrize("step", [-GROUP_LIFE - SECOND, GROUP_LIFE + SECOND, -DAY, DAY])
def test_a_group_of_another_minute_is_refused(ours, untouched, step):
    event = ShardGroup(stack="contract", number=0, groups=2, at=NOW + step).event()

    assert refused(event, by_alias(SHARDS_ALIAS))


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-22T12:00:00Z", "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000000+00:00"),
        *("2026-11-22T13:00:00.000000+01:00", "2026-11-22T12:00:00.000000z"),
    ],
)
def test_the_time_of_a_group_has_one_spelling(ours, untouched, text):
    assert refused({**GROUP, "at": text}, by_alias(SHARDS_ALIAS))


@pytest.mark.parametrize("function", ["contract-dead-letter", "other-sweeper", "contract-default-worker"])
def test_a_group_belongs_to_the_sweeper_of_its_own_stack(settings, ours, untouched, function):
    other = ours["default"]["OPTIONS"] | {"stack": "other"}
    settings.TASKS = {**ours, "third": {**ours["default"], "OPTIONS": other}}

    assert refused(GROUP, by_alias(SHARDS_ALIAS, function))
    assert read_event(GROUP, by_alias(SHARDS_ALIAS), NOW).stack == "contract"


def test_a_group_comes_only_by_the_alias_of_groups_and_nothing_else_does(ours, untouched):
    """So no group begins a sweep that shares out its shards again."""
    assert all(refused(GROUP, by_alias(alias)) for alias in ("live", "7", "$LATEST", "Shards", "shards:1"))
    assert all(refused(event, by_alias(SHARDS_ALIAS)) for event in (RULE, SCHEDULE, *FOREIGN))


def test_lambda_keeps_the_event_of_a_group_as_long_as_the_sweeper_accepts_it():
    assert limits.SWEEP_AGE <= GROUP_LIFE
