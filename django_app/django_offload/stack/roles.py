"""A role per function: exact actions on exact resources, each used by the code that runs there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .names import (
    BUCKET,
    DEAD_LETTER,
    INDEX,
    SWEEPER,
    TABLE,
    dead_letter_queue_id,
    function_arn,
    log_group_id,
    queue_id,
    role_id,
    worker,
)
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

type Statement = dict[str, Any]

# What Lambda itself needs of a queue to feed a function from it.
_RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def add_roles(template: "Template", plan: Plan) -> None:
    for name in plan.queues:
        _add_role(template, worker(name), _worker(plan, name))
    _add_role(template, DEAD_LETTER, _dead_letter(plan))
    _add_role(template, SWEEPER, _sweeper(plan))


def _worker(plan: Plan, name: str) -> list[Statement]:
    own = [_arn(queue_id(name))]
    return [
        # A retry is made visible again at the end of its backoff.
        _allow([*_RECEIVE, "sqs:ChangeMessageVisibility"], own),
        # Tasks may enqueue tasks, on any queue.
        _allow(["sqs:SendMessage"], _queues(plan)),
        *_invoke(plan),
        # Query reads a result whole, for tasks that ask how another one ended.
        _allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"], [_arn(TABLE)]
        ),
        *_objects(plan, ["s3:GetObject", "s3:PutObject"], "*"),
        *_listing(plan),
    ]


def _dead_letter(plan: Plan) -> list[Statement]:
    return [
        _allow(_RECEIVE, [_arn(dead_letter_queue_id(name)) for name in plan.queues]),
        # It looks at a record, ends it, and creates it where every write so far failed.
        _allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [_arn(TABLE)]),
        # A body that does not verify touches no record.
        *_objects(plan, ["s3:PutObject"], "dead/*"),
    ]


def _sweeper(plan: Plan) -> list[Statement]:
    from troposphere import Sub

    return [
        _allow(["dynamodb:Query"], [Sub(f"${{{TABLE}.Arn}}/index/{INDEX}")]),
        _allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [_arn(TABLE)]),
        # It asks how deep a queue is before it sends again.
        _allow(["sqs:SendMessage", "sqs:GetQueueAttributes"], _queues(plan)),
        *_invoke(plan),
        *_outbox(plan),
    ]


def _outbox(plan: Plan) -> list[Statement]:
    """Allow what a first send does beyond another one: the record, and large arguments, are not there yet."""
    if not plan.outbox:
        return []
    return [
        _allow(["dynamodb:PutItem"], [_arn(TABLE)]),
        *_objects(plan, ["s3:PutObject"], "payloads/*"),
    ]


def _queues(plan: Plan) -> list[object]:
    return [_arn(queue_id(name)) for name in plan.queues]


def _invoke(plan: Plan) -> list[Statement]:
    if not plan.invoking:
        return []
    workers = [function_arn(plan.options.worker_function(name)) for name in plan.queues]
    return [_allow(["lambda:InvokeFunction"], workers)]


def _objects(plan: Plan, actions: Sequence[str], keys: str) -> list[Statement]:
    from troposphere import Sub

    if plan.options.bucket is None:
        return []
    return [_allow(actions, [Sub(f"${{{BUCKET}.Arn}}/{keys}")])]


def _listing(plan: Plan) -> list[Statement]:
    # Without it S3 says of a missing object that it is forbidden, and an expired payload looks like
    # a fault of the role: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    return [] if plan.options.bucket is None else [_allow(["s3:ListBucket"], [_arn(BUCKET)])]


def _arn(logical_id: str) -> object:
    from troposphere import GetAtt

    return GetAtt(logical_id, "Arn")


def _allow(actions: Sequence[str], resources: Sequence[object]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _add_role(template: "Template", role: str, statements: list[Statement]) -> None:
    from troposphere import iam

    # The ARN of a log group ends in ":*", which means its streams.
    logs = _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [_arn(log_group_id(role))])
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    template.add_resource(
        iam.Role(
            role_id(role),
            AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
            Policies=[
                iam.Policy(
                    PolicyName="works",
                    PolicyDocument={"Version": "2012-10-17", "Statement": [logs, *statements]},
                )
            ],
        )
    )
