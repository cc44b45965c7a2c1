"""What a stage's surroundings add to every role: the secrets it names, and the network it stands in."""

from .names import WEB, function_arn
from .parameters import WEB_FUNCTION
from .plan import Plan
from .stage_environment import SSM, parse
from .statements import Statement, allow

# AWS ends the ARN of a secret with a hyphen and six characters that nobody knows beforehand.
_UNKNOWN = "-??????"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


def secrets(plan: Plan) -> list[Statement]:
    """Allow to read exactly the secrets that the stage refers to."""
    found: dict[str, list[object]] = {}
    for reference in sorted(set(plan.secrets.values())):
        service, name = parse(reference)
        action = "ssm:GetParameters" if service == SSM else "secretsmanager:GetSecretValue"
        found.setdefault(action, []).append(_secret_arn(service, name))
    return [allow([action], resources) for action, resources in found.items()]


def _secret_arn(service: str, name: str) -> object:
    from troposphere import Sub

    if name.startswith("arn:"):
        return name
    kind = f"parameter/{name.lstrip('/')}" if service == SSM else f"secret:{name}{_UNKNOWN}"
    return Sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{kind}")


def network(plan: Plan, role: str) -> list[Statement]:
    """
    Allow Lambda to put a function into the network, and deny the same to the function's own code.

    The interfaces do not exist before the role does: here AWS wants "*" for a resource.
    """
    if plan.vpc is None:
        return []
    function = function_arn(f"${{{WEB_FUNCTION}}}" if role == WEB else plan.options.function(role))
    return [
        allow(_NETWORK, ["*"]),
        {
            "Effect": "Deny",
            "Action": list(_NETWORK),
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [function]}},
        },
    ]
