"""
A role per function, and one for the web's: each may do what its code does, and nothing else.

What its code calls stands in the policy "works"; what Lambda itself does as the role, in "runs".
"""

from collections.abc import Mapping
from types import MappingProxyType
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
from .parameters import (
    HAS_BOARD,
    HAS_WEB_POLICIES,
    HAS_WORKER_POLICIES,
    OWN_KEY,
    SECRETS_KEY,
    SECRETS_OWN_KEY,
    WEB_POLICIES,
    WORKER_POLICIES,
    attached,
)
from .plan import Plan
from .stage_policies import network, secrets
from .statements import PAYLOADS, RECEIVE, Statement, allow, arn, objects, own_key, policy, sending, table

if TYPE_CHECKING:
    from troposphere import Template

NOTHING: Mapping[str, object] = MappingProxyType({})


def add_roles(template: "Template", plan: Plan) -> None:
    for name in plan.queues:
        more = attached(HAS_WORKER_POLICIES, WORKER_POLICIES)
        _add_role(template, plan, worker(name), _worker(plan, name), _fed(plan, name), more)
    dead = [allow(RECEIVE, [arn(dead_letter_queue_id(name)) for name in plan.queues])]
    _add_role(template, plan, DEAD_LETTER, _dead_letter(plan), dead)
    _add_role(template, plan, SWEEPER, _sweeper(plan), [allow(["sqs:SendMessage"], [arn(FAILED)])])
    _add_role(template, plan, WEB, _web(plan), [], attached(HAS_WEB_POLICIES, WEB_POLICIES))
    # Migrations know the database alone.
    _add_role(template, plan, MIGRATE, [], [])
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
        *([allow(waiting, [arn(queue_id(name))])] if waiting else []),
        # Tasks may enqueue tasks, on any queue, and ask how they ended.
        *sending(plan),
        table("GetItem", "UpdateItem"),
        *objects(plan, ["GetObject", "PutObject"], PAYLOADS),
    ]


def _fed(plan: Plan, name: str) -> list[Statement]:
    """Allow Lambda to feed the function from its queue, and to keep an event that it gave up."""
    kept = [allow(["sqs:SendMessage"], [arn(FAILED)])] if plan.invoking else []
    return [allow(RECEIVE, [arn(queue_id(name))]), *kept]


def _dead_letter(plan: Plan) -> list[Statement]:
    return [
        # It looks at a record, ends it, and creates it where every write so far failed.
        table("GetItem", "UpdateItem"),
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
        # Large arguments of what an outbox keeps are not in the bucket yet.
        *(objects(plan, ["PutObject"], PAYLOADS) if plan.outbox else []),
    ]


def _add_role(
    template: "Template",
    plan: Plan,
    role: str,
    works: list[Statement],
    runs: list[Statement],
    more: Mapping[str, object] = NOTHING,
) -> None:
    """Add a role whose code does what `works` says, and for which Lambda does what `runs` says."""
    from troposphere import Ref, iam

    called = [*works, *secrets(plan)]
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
            Policies=[
                *([policy("works", called)] if called else []),
                policy("runs", [logs, *runs, *_keys(), *network(plan, role)]),
            ],
            **more,
        )
    )


def _keys() -> list[object]:
    """
    Allow what the customer's keys are needed for, where there are any.

    Here, not in a policy of its own: a function that is made with its role may start before that is attached.
    """
    from troposphere import If, NoValue, Ref

    secrets_key = allow(["kms:Decrypt"], [Ref(SECRETS_KEY)])
    return [If(OWN_KEY, own_key(), NoValue), If(SECRETS_OWN_KEY, secrets_key, NoValue)]


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
