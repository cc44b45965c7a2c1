"""EventBridge Scheduler: a schedule for each scheduled task in TASKS, which starts the sweeper."""

import json
from typing import TYPE_CHECKING

from ..conf import aws_limits
from .names import FAILED, SCHEDULER, SWEEPER, alias_id, role_id, schedule_id
from .parameters import KMS_KEY, ON_AWS, if_running, with_own_key
from .spec import StackSpec
from .statements import allow, allow_own_key, arn, condition_on_source, inline_policy

if TYPE_CHECKING:
    from troposphere import Template

GROUP = "ScheduleGroup"
# How long Scheduler retries an event that it can't deliver, before it sends it to the failed events. The
# sweeper accepts an event within a day of its time, and Lambda may keep and retry the event too.
MOST_RETRIES, LONGEST_SECONDS = 185, 22 * 3_600
# Scheduler replaces this text by the scheduled time.
AT = "<aws.scheduler.scheduled-time>"


def add_schedules(template: "Template", spec: StackSpec) -> None:
    from troposphere import GetAtt, Ref, scheduler

    if not spec.schedules:
        return
    # Holds the schedules of the stack.
    template.add_resource(scheduler.ScheduleGroup(GROUP, Name=spec.stack, Condition=ON_AWS))
    add_scheduler_role(template, spec)
    for (alias, name), recurrence in spec.schedules.items():
        # Starts the sweeper when a schedule's task is due.
        template.add_resource(
            scheduler.Schedule(
                schedule_id(alias, name),
                Name=name,
                GroupName=Ref(GROUP),
                Description=f"Enqueues {recurrence.task}."[: aws_limits.SCHEDULE_DESCRIPTION],
                ScheduleExpression=recurrence.when,
                ScheduleExpressionTimezone=recurrence.timezone,
                FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
                State=if_running("ENABLED", "DISABLED"),
                KmsKeyArn=with_own_key(Ref(KMS_KEY)),
                Target=scheduler.Target(
                    Arn=Ref(alias_id(SWEEPER)),
                    RoleArn=GetAtt(role_id(SCHEDULER), "Arn"),
                    Input=event_text(alias, name),
                    RetryPolicy=scheduler.RetryPolicy(
                        MaximumRetryAttempts=MOST_RETRIES, MaximumEventAgeInSeconds=LONGEST_SECONDS
                    ),
                    DeadLetterConfig=scheduler.DeadLetterConfig(Arn=GetAtt(FAILED, "Arn")),
                ),
                Condition=ON_AWS,
            )
        )


def event_text(alias: str, name: str) -> str:
    """Return the event that names a schedule and its time to the sweeper."""
    return json.dumps({"schedule": name, "alias": alias, "at": AT})


def add_scheduler_role(template: "Template", spec: StackSpec) -> None:
    from troposphere import Ref, Sub, iam

    group = Sub(
        f"arn:${{AWS::Partition}}:scheduler:${{AWS::Region}}:${{AWS::AccountId}}:schedule-group/{spec.stack}"
    )
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        "Condition": condition_on_source(group),
    }
    works = [
        allow(["lambda:InvokeFunction"], [Ref(alias_id(SWEEPER))]),
        allow(["sqs:SendMessage"], [arn(FAILED)]),
    ]
    # Allows the schedules to start the sweeper, and to keep events that could not be delivered.
    template.add_resource(
        iam.Role(
            role_id(SCHEDULER),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[
                inline_policy("works", works),
                with_own_key(inline_policy("uses-own-key", [allow_own_key()])),
            ],
            Condition=ON_AWS,
        )
    )
