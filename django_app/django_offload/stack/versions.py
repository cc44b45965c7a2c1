"""Published versions of the functions, and the alias by which each of them is invoked."""

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from .names import alias_id, function_arn, function_id, version_id
from .parameters import ON_AWS, if_on_aws

if TYPE_CHECKING:
    from troposphere import If, Template
    from troposphere.awslambda import Function

LIVE = "live"


def add_version(template: "Template", role: str, function: "Function", given: list[str]) -> None:
    """
    Publish what the function is now, and lead its alias there.

    A version is published where its description changes: it names the code, and all that the
    function is made of, the values of the parameters `given` among it. Each of these must change the
    function too: of one that is as it was, Lambda publishes no version, and CloudFormation fails.
    """
    from troposphere import GetAtt, Ref, Sub, awslambda

    digest = sha256(json.dumps(function.to_dict()["Properties"], sort_keys=True).encode()).hexdigest()[:12]
    # Bare values: a description has room for 256 characters, and an ARN of a key takes 90.
    values = " ".join(f"${{{name}}}" for name in given)
    template.add_resource(
        awslambda.Version(
            version_id(role),
            FunctionName=Ref(function_id(role)),
            Description=Sub(f"{values} template={digest}"),
            Condition=ON_AWS,
            # Invocations under way end on the version they began with; going back needs it too.
            UpdateReplacePolicy="Retain",
            DeletionPolicy="Delete",
        )
    )
    template.add_resource(
        awslambda.Alias(
            alias_id(role),
            Name=LIVE,
            FunctionName=Ref(function_id(role)),
            FunctionVersion=GetAtt(version_id(role), "Version"),
            Condition=ON_AWS,
        )
    )


def invoked(role: str) -> "If":
    """Return how a function is named where it is invoked: its alias, or itself where there is none."""
    from troposphere import Ref

    return if_on_aws(Ref(alias_id(role)), Ref(function_id(role)))


def invoked_arn(function_name: str) -> "If":
    """Return the same as an ARN made of names: a role may need it before the function exists."""
    return if_on_aws(function_arn(f"{function_name}:{LIVE}"), function_arn(function_name))
