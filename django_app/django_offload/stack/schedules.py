"""EventBridge Scheduler, where TASKS declares recurring tasks: a schedule for each starts the sweeper."""

import json
from typing import TYPE_CHECKING

from .names import FAILED, SCHEDULER, SWEEPER, alias_id, logical, role_id
from .parameters import KMS_KEY, ON_AWS, if_running, with_own_key
from .plan import Plan
from .statements import allow, arn, from_source, own_key, policy

if TYPE_CHECKING:
    from troposphere import Template

GROUP = "ScheduleGroup"
# Of what Scheduler cannot hand over: it tries again for a day, then the event is kept.
MOST_TRIES, LONGEST_SECONDS = 185, 86_400
# Scheduler puts the time in its place.
AT = "<aws.scheduler.scheduled-time>"


def add_schedules(template: "Template", plan: Plan) -> None:
    from troposphere import GetAtt, Ref, scheduler

    if not plan.schedules:
        return
    template.add_resource(scheduler.ScheduleGroup(GROUP, Name=plan.stack, Condition=ON_AWS))
    _add_role(template, plan)
    for (alias, name), recurrence in plan.schedules.items():
        template.add_resource(
            scheduler.Schedule(
                f"{logical(f'{alias}-{name}')}Schedule",
                Name=name,
                GroupName=Ref(GROUP),
                Description=f"Enqueues {recurrence.task}.",
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
                        MaximumRetryAttempts=MOST_TRIES, MaximumEventAgeInSeconds=LONGEST_SECONDS
                    ),
                    DeadLetterConfig=scheduler.DeadLetterConfig(Arn=GetAtt(FAILED, "Arn")),
                ),
                Condition=ON_AWS,
            )
        )


def event_text(alias: str, name: str) -> str:
    """Return the event that tells the sweeper which schedule strikes."""
    return json.dumps({"schedule": name, "alias": alias, "at": AT})


def _add_role(template: "Template", plan: Plan) -> None:
    from troposphere import Ref, Sub, iam

    group = Sub(
        f"arn:${{AWS::Partition}}:scheduler:${{AWS::Region}}:${{AWS::AccountId}}:schedule-group/{plan.stack}"
    )
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        "Condition": from_source(group),
    }
    works = [
        allow(["lambda:InvokeFunction"], [Ref(alias_id(SWEEPER))]),
        allow(["sqs:SendMessage"], [arn(FAILED)]),
    ]
    template.add_resource(
        iam.Role(
            role_id(SCHEDULER),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[policy("works", works), with_own_key(policy("uses-own-key", [own_key()]))],
            Condition=ON_AWS,
        )
    )
