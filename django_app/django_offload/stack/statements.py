"""Statements of IAM policies: exact actions on exact resources, each used by code of this library."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .names import BUCKET, TABLE, WEB, function_arn, queue_id
from .parameters import KMS_KEY, WEB_FUNCTION
from .spec import StackSpec
from .stage_environment import SSM, parse_secret_reference
from .versions import invocation_arn

if TYPE_CHECKING:
    from troposphere.iam import Policy

type Statement = dict[str, Any]

# What Lambda itself does with a queue to feed a function from it:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
PAYLOADS = "payloads/*"
# AWS appends a hyphen and six random characters to the ARN of a secret.
RANDOM_SUFFIX = "-??????"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


def allow(actions: Sequence[str], resources: Sequence[object]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def deny_without_tls(actions: str, resources: Sequence[object]) -> Statement:
    """Deny every call that doesn't use TLS, from any caller."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def condition_on_source(source: object) -> dict[str, object]:
    """Return the condition that a service of AWS acts for one resource of this account."""
    from troposphere import Ref

    return {
        "ArnEquals": {"aws:SourceArn": source},
        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
    }


def condition_on_lambda() -> dict[str, object]:
    """
    Return the condition that Lambda acts for this account. If it names a resource, that must be here too.

    AWS doesn't document that Lambda names a source when it takes an execution role:
    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    So no role requires one, but each refuses that of another account, region or service.
    """
    from troposphere import Ref, Sub

    return {
        "ArnLikeIfExists": {
            "aws:SourceArn": Sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:*")
        },
        "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
    }


def arn(logical_id: str) -> object:
    from troposphere import GetAtt

    return GetAtt(logical_id, "Arn")


def allow_table(*actions: str) -> Statement:
    """Allow actions of DynamoDB on the table, but not on its indexes."""
    return allow([f"dynamodb:{action}" for action in actions], [arn(TABLE)])


def allow_sending(spec: StackSpec, *queue_actions: str) -> list[Statement]:
    """Allow sending by the transports of the stack's aliases. Over SQS, allow `queue_actions` too."""
    statements = []
    if spec.sends_by_sqs:
        queues = [arn(queue_id(name)) for name in spec.queues]
        statements.append(allow(["sqs:SendMessage", *queue_actions], queues))
    if spec.sends_by_lambda:
        workers = [invocation_arn(spec.options.worker_function(name)) for name in spec.queues]
        statements.append(allow(["lambda:InvokeFunction"], workers))
    return statements


def allow_objects(spec: StackSpec, actions: Sequence[str], keys: str) -> list[Statement]:
    """Allow actions of S3 on objects of the bucket, if the stack has one."""
    from troposphere import Sub

    if spec.options.bucket is None:
        return []
    return [allow([f"s3:{action}" for action in actions], [Sub(f"${{{BUCKET}.Arn}}/{keys}")])]


def allow_own_key() -> Statement:
    """Allow using queues, table, bucket and variables that are encrypted with the customer's key."""
    from troposphere import Ref

    return allow(["kms:Decrypt", "kms:GenerateDataKey"], [Ref(KMS_KEY)])


def allow_secrets(spec: StackSpec) -> list[Statement]:
    """Allow reading exactly the secrets that the stage refers to."""
    from troposphere import Sub

    resources_by_action: dict[str, list[object]] = {}
    # Several variables may have keys of one secret.
    for service, name in sorted(set(map(parse_secret_reference, spec.secrets.values()))):
        action = "ssm:GetParameters" if service == SSM else "secretsmanager:GetSecretValue"
        resource: object = name
        if not name.startswith("arn:"):
            path = f"parameter/{name.lstrip('/')}" if service == SSM else f"secret:{name}{RANDOM_SUFFIX}"
            resource = Sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{path}")
        resources_by_action.setdefault(action, []).append(resource)
    return [allow([action], resources) for action, resources in resources_by_action.items()]


def allow_vpc(spec: StackSpec, role: str) -> list[Statement]:
    """
    Allow Lambda to connect a function to the stage's VPC, and deny the same to the function's own code.

    AWS requires "*" as the resource, because the network interfaces are created after the role.
    """
    if spec.vpc is None:
        return []
    function = function_arn(f"${{{WEB_FUNCTION}}}" if role == WEB else spec.options.function(role))
    return [
        allow(NETWORK, ["*"]),
        {
            "Effect": "Deny",
            "Action": list(NETWORK),
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [function]}},
        },
    ]


def inline_policy(name: str, statements: Sequence[object]) -> "Policy":
    from troposphere import iam

    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return iam.Policy(PolicyName=name, PolicyDocument=document)
