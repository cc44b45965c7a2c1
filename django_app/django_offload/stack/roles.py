"""A role per function, and one for the web's: each may do what its code does, and nothing else."""

from typing import TYPE_CHECKING

from .names import (
    BUCKET,
    DEAD_LETTER,
    FAILED,
    HISTORY,
    INDEX,
    MIGRATE,
    SWEEPER,
    TABLE,
    WEB,
    dead_letter_queue_id,
    log_group_id,
    queue_id,
    role_id,
    worker,
)
from .parameters import HAS_BOARD, OWN_KEY
from .plan import Plan
from .stage_policies import stage_statements
from .statements import (
    PAYLOADS,
    RECEIVE,
    Statement,
    allow,
    arn,
    objects,
    own_key,
    policy,
    sending,
    table,
)

if TYPE_CHECKING:
    from troposphere import Template


def add_roles(template: "Template", plan: Plan) -> None:
    for name in plan.queues:
        _add_role(template, plan, worker(name), _worker(plan, name))
    _add_role(template, plan, DEAD_LETTER, _dead_letter(plan))
    _add_role(template, plan, SWEEPER, _sweeper(plan))
    _add_role(template, plan, WEB, _web(plan))
    # Migrations know the database alone.
    _add_role(template, plan, MIGRATE, [])
    roles = [*(worker(name) for name in plan.queues), DEAD_LETTER, SWEEPER, WEB, MIGRATE]
    _add_policy(template, "OwnKeyPolicy", OWN_KEY, own_key(), roles)
    _add_policy(template, "BoardPolicy", HAS_BOARD, _board(plan), [WEB])


def _web(plan: Plan) -> list[Statement]:
    return [
        *sending(plan),
        # A record is made, read for its status, and changed by a cancel; parts stand beside it.
        table("GetItem", "PutItem", "UpdateItem"),
        *objects(plan, ["GetObject", "PutObject"], PAYLOADS),
    ]


def _board(plan: Plan) -> list[Statement]:
    """
    What the board adds to the web's own policy.

    Metrics are no resources: here AWS wants "*".
    """
    from troposphere import Sub

    queues = [arn(named(name)) for name in plan.queues for named in (queue_id, dead_letter_queue_id)]
    indexes = [INDEX, *([HISTORY] if plan.history else [])]
    listed = [Sub(f"${{{TABLE}.Arn}}/index/{index}") for index in indexes]
    statements = [
        allow(["dynamodb:Query"], [arn(TABLE), *listed]),
        table("BatchGetItem"),
        allow(["cloudwatch:GetMetricData"], ["*"]),
        allow(["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], queues),
        *objects(plan, ["GetObject", "DeleteObject"], "dead/*"),
    ]
    if plan.options.bucket is not None:
        statements.append(allow(["s3:ListBucket"], [arn(BUCKET)]))
    return statements


def _worker(plan: Plan, name: str) -> list[Statement]:
    # A retry is made visible again at the end of its backoff; what was invoked, the sweeper sends again.
    waiting = ["sqs:ChangeMessageVisibility"] if plan.queueing else []
    return [
        allow([*RECEIVE, *waiting], [arn(queue_id(name))]),
        # Tasks may enqueue tasks, on any queue, and ask how they ended.
        *sending(plan),
        *_given_up(plan),
        table("GetItem", "PutItem", "UpdateItem"),
        *objects(plan, ["GetObject", "PutObject"], PAYLOADS),
    ]


def _given_up(plan: Plan) -> list[Statement]:
    """Allow Lambda to keep an event that it gave up: it does so as the function's role."""
    return [allow(["sqs:SendMessage"], [arn(FAILED)])] if plan.invoking else []


def _dead_letter(plan: Plan) -> list[Statement]:
    return [
        allow(RECEIVE, [arn(dead_letter_queue_id(name)) for name in plan.queues]),
        # It looks at a record, ends it, and creates it where every write so far failed.
        table("GetItem", "PutItem", "UpdateItem"),
        # A body that does not verify touches no record.
        *objects(plan, ["PutObject"], "dead/*"),
    ]


def _sweeper(plan: Plan) -> list[Statement]:
    from troposphere import Sub

    return [
        allow(["dynamodb:Query"], [Sub(f"${{{TABLE}.Arn}}/index/{INDEX}")]),
        table("GetItem", "UpdateItem"),
        # It asks how deep a queue is before it sends again.
        *sending(plan, "sqs:GetQueueAttributes"),
        allow(["sqs:SendMessage"], [arn(FAILED)]),
        *_births(plan),
    ]


def _births(plan: Plan) -> list[Statement]:
    """Allow what a first send does beyond another one: the record, and large arguments, are not there yet."""
    births = [table("PutItem")] if plan.outbox or plan.schedules else []
    return [*births, *(objects(plan, ["PutObject"], PAYLOADS) if plan.outbox else [])]


def _add_role(template: "Template", plan: Plan, role: str, statements: list[Statement]) -> None:
    from troposphere import Ref, iam

    # The ARN of a log group ends in ":*", which means its streams.
    logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], [arn(log_group_id(role))])
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    }
    template.add_resource(
        iam.Role(
            role_id(role),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[policy("works", [logs, *statements, *stage_statements(plan, role)])],
        )
    )


def _add_policy(
    template: "Template", logical_id: str, condition: str, statements: list[Statement], roles: list[str]
) -> None:
    """Add what roles may do where a condition holds."""
    from troposphere import Ref, iam

    template.add_resource(
        iam.PolicyType(
            logical_id,
            PolicyName=logical_id,
            PolicyDocument={"Version": "2012-10-17", "Statement": statements},
            Roles=[Ref(role_id(role)) for role in roles],
            Condition=condition,
        )
    )
