"""Statements of IAM policies: exact actions on exact resources, each used by the code that runs there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .names import BUCKET, TABLE, queue_id
from .parameters import KMS_KEY
from .plan import Plan
from .versions import invoked_arn

if TYPE_CHECKING:
    from troposphere.iam import Policy

type Statement = dict[str, Any]

# What Lambda itself needs of a queue to feed a function from it:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
PAYLOADS = "payloads/*"


def allow(actions: Sequence[str], resources: Sequence[object]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def by_tls(actions: str, resources: Sequence[object]) -> Statement:
    """Deny whatever does not come by TLS, whoever asks."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def from_source(source: object) -> dict[str, object]:
    """Return the condition that a service of AWS acts for one resource of this account."""
    from troposphere import Ref

    return {
        "ArnEquals": {"aws:SourceArn": source},
        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
    }


def arn(logical_id: str) -> object:
    from troposphere import GetAtt

    return GetAtt(logical_id, "Arn")


def table(*actions: str) -> Statement:
    """Allow actions of DynamoDB on the table, not on its index."""
    return allow([f"dynamodb:{action}" for action in actions], [arn(TABLE)])


def sending(plan: Plan, *more: str) -> list[Statement]:
    """Allow to send messages by the ways that the stack's aliases use; `more` on queues that are sent to."""
    statements = []
    if plan.queueing:
        statements.append(allow(["sqs:SendMessage", *more], [arn(queue_id(name)) for name in plan.queues]))
    if plan.invoking:
        workers = [invoked_arn(plan.options.worker_function(name)) for name in plan.queues]
        statements.append(allow(["lambda:InvokeFunction"], workers))
    return statements


def objects(plan: Plan, actions: Sequence[str], keys: str) -> list[Statement]:
    """Allow actions of S3 on objects of the bucket, if there is one."""
    from troposphere import Sub

    if plan.options.bucket is None:
        return []
    return [allow([f"s3:{action}" for action in actions], [Sub(f"${{{BUCKET}.Arn}}/{keys}")])]


def policy(name: str, statements: Sequence[object]) -> "Policy":
    from troposphere import iam

    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return iam.Policy(PolicyName=name, PolicyDocument=document)


def own_key() -> Statement:
    """Allow what queues, table, bucket and variables ask of whoever uses them, under the customer's key."""
    from troposphere import Ref

    return allow(["kms:Decrypt", "kms:GenerateDataKey"], [Ref(KMS_KEY)])
