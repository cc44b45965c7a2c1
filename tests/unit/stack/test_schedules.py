"""EventBridge Scheduler: a schedule for each scheduled task of TASKS, which may only start the sweeper."""

import json

import pytest

from django_offload.conf import Options
from django_offload.conf.schedules import Recurrence
from django_offload.exceptions import ConfigurationError
from tests.unit.stack.examples import evaluated, options

NIGHTLY = Recurrence(task="shop.tasks.report", when="cron(0 3 * * ? *)", timezone="Europe/Zurich", args=(7,))
HOURLY = Recurrence(task="shop.tasks.rates", when="rate(1 hour)")


def declaring(alias: str = "default", **schedules: Recurrence) -> Options:
    return options(alias, schedules=schedules)


def test_without_a_schedule_the_template_has_nothing_of_scheduler() -> None:
    resources = evaluated().resources

    assert not [name for name, one in resources.items() if one["Type"].startswith("AWS::Scheduler")]
    assert "RoleScheduler" not in resources


def test_each_declared_task_has_a_schedule_that_starts_the_sweeper() -> None:
    found = evaluated(declaring(nightly=NIGHTLY, hourly=HOURLY)).of_type("Scheduler::Schedule")

    nightly = found["DefaultNightlySchedule"]
    assert set(found) == {"DefaultNightlySchedule", "DefaultHourlySchedule"}
    assert (nightly["Name"], nightly["GroupName"], nightly["State"]) == (
        "nightly",
        {"Ref": "ScheduleGroup"},
        "ENABLED",
    )
    assert (nightly["ScheduleExpression"], nightly["ScheduleExpressionTimezone"]) == (
        "cron(0 3 * * ? *)",
        "Europe/Zurich",
    )
    target = nightly["Target"]
    assert target["Arn"] == {"Ref": "AliasSweeper"}
    assert json.loads(target["Input"]) == {
        "schedule": "nightly",
        "alias": "default",
        "at": "<aws.scheduler.scheduled-time>",
    }
    assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["FailedEvents", "Arn"]}


def test_a_pause_stops_schedules() -> None:
    paused = evaluated(declaring(nightly=NIGHTLY), parameters={"Paused": "true"})

    assert paused.of_type("Scheduler::Schedule")["DefaultNightlySchedule"]["State"] == "DISABLED"


def test_a_schedule_may_start_the_sweeper_only_from_the_stacks_own_group() -> None:
    role = evaluated(declaring(nightly=NIGHTLY)).resources["RoleScheduler"]["Properties"]

    allowed = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert [(one["Action"], one["Resource"]) for one in allowed] == [
        (["lambda:InvokeFunction"], [{"Ref": "AliasSweeper"}]),
        (["sqs:SendMessage"], [{"Fn::GetAtt": ["FailedEvents", "Arn"]}]),
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    group = trust["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert group.endswith(":schedule-group/shop-dev")


def test_a_failed_occurrence_of_a_schedule_is_retried() -> None:
    limits = evaluated(declaring(nightly=NIGHTLY)).of_type("Lambda::EventInvokeConfig")

    assert limits["EventsSweeper"]["MaximumRetryAttempts"] == 2


def test_two_aliases_with_a_schedule_of_the_same_name_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="is called 'nightly', and so is one of another"):
        evaluated(declaring(nightly=NIGHTLY), declaring("other", nightly=HOURLY))
