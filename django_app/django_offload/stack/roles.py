"""
The roles: one for each function, which may do exactly what the function's code does.

The policy "works" allows the calls of the code. The policy "runs" allows what Lambda itself does
with the role.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..operations.unverified_bodies import UNVERIFIED_PREFIX
from ..worker.sweep_event import SHARDS_ALIAS
from .names import (
    BUCKET,
    DEAD_LETTER,
    FAILED,
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
    managed_policies,
)
from .spec import StackSpec
from .statements import (
    PAYLOADS,
    RECEIVE,
    Statement,
    allow,
    allow_objects,
    allow_own_key,
    allow_secrets,
    allow_sending,
    allow_table,
    allow_vpc,
    arn,
    condition_on_lambda,
    inline_policy,
)
from .versions import invocation_arn

if TYPE_CHECKING:
    from troposphere import Template

NO_PROPERTIES: Mapping[str, object] = MappingProxyType({})


def add_roles(template: "Template", spec: StackSpec) -> None:
    keep_failed_events = allow(["sqs:SendMessage"], [arn(FAILED)])
    for name in spec.queues:
        runs = [
            allow(RECEIVE, [arn(queue_id(name))]),
            *([keep_failed_events] if spec.sends_by_lambda else []),
        ]
        properties = managed_policies(HAS_WORKER_POLICIES, WORKER_POLICIES)
        # Allows a worker what the library's code does for its queue, and what WorkerPolicies allow.
        add_role(template, spec, worker(name), worker_statements(spec, name), runs, properties)
    receive = allow(RECEIVE, [arn(dead_letter_queue_id(name)) for name in spec.queues])
    # Allows the dead-letter function what its code does.
    add_role(template, spec, DEAD_LETTER, dead_letter_statements(spec), [receive])
    # Allows the sweeper what its code does.
    add_role(template, spec, SWEEPER, sweeper_statements(spec), [keep_failed_events])
    properties = managed_policies(HAS_WEB_POLICIES, WEB_POLICIES)
    # Allows the web function to enqueue, read and cancel tasks, and what WebPolicies allow.
    add_role(template, spec, WEB, web_statements(spec), [], properties)
    # Allows migrations nothing in AWS, because they use only the database.
    add_role(template, spec, MIGRATE, [], [])
    add_board_policy(template, spec)


def web_statements(spec: StackSpec) -> list[Statement]:
    return [
        *allow_sending(spec),
        # The web creates records, reads their status and cancels them. Step results are items of their own.
        allow_table("GetItem", "PutItem", "UpdateItem"),
        *allow_objects(spec, ["GetObject", "PutObject"], PAYLOADS),
    ]


def worker_statements(spec: StackSpec, queue_name: str) -> list[Statement]:
    # SQS redelivers a retry when its backoff ends. Without a queue, the sweeper sends the retry.
    hide = [allow(["sqs:ChangeMessageVisibility"], [arn(queue_id(queue_name))])] if spec.sends_by_sqs else []
    return [
        *hide,
        # Tasks may enqueue tasks on any queue, and read their results.
        *allow_sending(spec),
        allow_table("GetItem", "UpdateItem"),
        *allow_objects(spec, ["GetObject", "PutObject"], PAYLOADS),
    ]


def dead_letter_statements(spec: StackSpec) -> list[Statement]:
    return [
        # The function reads a record and ends it, or creates it if every earlier write failed.
        allow_table("GetItem", "UpdateItem"),
        # A body whose signature is wrong belongs to no record, so it is stored as an object.
        *allow_objects(spec, ["PutObject"], "dead/*"),
        # The signal task_finished has the arguments of the task, large ones too.
        *allow_objects(spec, ["GetObject"], PAYLOADS),
    ]


def sweeper_statements(spec: StackSpec) -> list[Statement]:
    from troposphere import Sub

    return [
        allow(["dynamodb:Query"], [Sub(f"${{{TABLE}.Arn}}/index/{INDEX}")]),
        allow_table("GetItem", "BatchGetItem", "UpdateItem"),
        # The sweeper shares out a backlog, by the one alias at which it accepts nothing but a share.
        allow(["lambda:InvokeFunction"], [invocation_arn(spec.options.function(SWEEPER), SHARDS_ALIAS)]),
        # The sweeper reads the depth of a queue before it sends again.
        *allow_sending(spec, "sqs:GetQueueAttributes"),
        # The signal task_finished has the arguments of the task, large ones too. Those of a message in the
        # outbox aren't in the bucket yet.
        *allow_objects(spec, ["GetObject", *(["PutObject"] if spec.outbox else [])], PAYLOADS),
    ]


def add_role(
    template: "Template",
    spec: StackSpec,
    role: str,
    works: list[Statement],
    runs: list[Statement],
    properties: Mapping[str, object] = NO_PROPERTIES,
) -> None:
    """Add a role whose code may do what `works` allows, and with which Lambda may do what `runs` allows."""
    from troposphere import If, NoValue, Ref, iam

    code_statements = [*works, *allow_secrets(spec)]
    # The ARN of a log group ends in ":*", which means its streams.
    logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], [arn(log_group_id(role))])
    # Keys belong to this policy, because a function that is created with its role may start before
    # CloudFormation attaches a policy of its own.
    keys = [
        If(OWN_KEY, allow_own_key(), NoValue),
        If(SECRETS_OWN_KEY, allow(["kms:Decrypt"], [Ref(SECRETS_KEY)]), NoValue),
    ]
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Condition": condition_on_lambda(),
    }
    template.add_resource(
        iam.Role(
            role_id(role),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[
                *([inline_policy("works", code_statements)] if code_statements else []),
                inline_policy("runs", [logs, *runs, *keys, *allow_vpc(spec, role)]),
            ],
            **properties,
        )
    )


def add_board_policy(template: "Template", spec: StackSpec) -> None:
    """Add what the board needs besides the web's own policy, if the stage enables it."""
    from troposphere import Ref, Sub, iam

    queues = [
        arn(logical_id(name)) for name in spec.queues for logical_id in (queue_id, dead_letter_queue_id)
    ]
    indexes = [Sub(f"${{{TABLE}.Arn}}/index/{index}") for index in spec.indexes]
    statements = [
        allow(["dynamodb:Query"], [arn(TABLE), *indexes]),
        allow_table("BatchGetItem"),
        # Metrics aren't resources, so AWS requires "*" here.
        allow(["cloudwatch:GetMetricData"], ["*"]),
        allow(["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], queues),
        *allow_objects(spec, ["GetObject", "DeleteObject"], "dead/*"),
    ]
    if spec.options.bucket is not None:
        # Only messages that didn't verify are listed, never the arguments and results of tasks.
        only_unverified = {"StringEquals": {"s3:prefix": UNVERIFIED_PREFIX}}
        statements.append({**allow(["s3:ListBucket"], [arn(BUCKET)]), "Condition": only_unverified})
    # Allows the web function what the board does, if BoardEnabled is true.
    template.add_resource(
        iam.PolicyType(
            "BoardPolicy",
            PolicyName="BoardPolicy",
            PolicyDocument={"Version": "2012-10-17", "Statement": statements},
            Roles=[Ref(role_id(WEB))],
            Condition=HAS_BOARD,
        )
    )
