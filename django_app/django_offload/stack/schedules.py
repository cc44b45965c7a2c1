"""What schedules of recurring tasks need: a group that holds them, and a role that may send what they say."""

from typing import TYPE_CHECKING

from .names import SCHEDULER, queue_id, role_id
from .parameters import HAS_SCHEDULES, with_own_key
from .plan import Plan
from .statements import allow, arn, from_source, own_key, policy

if TYPE_CHECKING:
    from troposphere import Template

GROUP = "ScheduleGroup"


def add_schedules(template: "Template", plan: Plan) -> None:
    """Add group and role; the schedules themselves are made by whoever declares them."""
    from troposphere import Sub, iam, scheduler

    template.add_resource(scheduler.ScheduleGroup(GROUP, Name=plan.stack, Condition=HAS_SCHEDULES))
    group = Sub(
        f"arn:${{AWS::Partition}}:scheduler:${{AWS::Region}}:${{AWS::AccountId}}:schedule-group/{plan.stack}"
    )
    # A message in a queue is kept until a worker takes it: an invocation would be lost after some tries.
    sends = allow(["sqs:SendMessage"], [arn(queue_id(name)) for name in plan.queues])
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        "Condition": from_source(group),
    }
    template.add_resource(
        iam.Role(
            role_id(SCHEDULER),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[policy("works", [sends]), with_own_key(policy("uses-own-key", own_key()))],
            Condition=HAS_SCHEDULES,
        )
    )
