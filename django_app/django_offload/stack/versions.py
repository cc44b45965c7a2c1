"""Published versions of the functions, and the alias by which each function is invoked."""

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from .names import alias_id, function_arn, function_id, version_id
from .parameters import ON_AWS, if_on_aws

if TYPE_CHECKING:
    from troposphere import If, Template
    from troposphere.awslambda import Function

LIVE = "live"


def add_version(template: "Template", role: str, function: "Function", parameters: list[str]) -> None:
    """
    Publish the function as it is now, and point its alias to that version.

    CloudFormation publishes a version when its description changes. The description contains the values of
    `parameters` and a digest of the function's properties. Each parameter must change the function too,
    because Lambda publishes no version of an unchanged function, and CloudFormation then fails.
    """
    from troposphere import Ref, Sub, awslambda

    digest = sha256(json.dumps(function.to_dict()["Properties"], sort_keys=True).encode()).hexdigest()[:12]
    # Only the values, because a description has at most 256 characters, and the ARN of a key takes 90.
    values = " ".join(f"${{{parameter}}}" for parameter in parameters)
    # Is the published version of a function that its alias points to.
    template.add_resource(
        awslambda.Version(
            version_id(role),
            FunctionName=Ref(function_id(role)),
            Description=Sub(f"{values} template={digest}"),
            Condition=ON_AWS,
            # Running invocations end on the version they started with, and a rollback needs that version too.
            UpdateReplacePolicy="Retain",
            DeletionPolicy="Delete",
        )
    )
    # Is the alias `live`, by which a function is invoked.
    add_alias(template, role, alias_id(role), LIVE)


def add_alias(template: "Template", role: str, logical_id: str, name: str) -> None:
    """Point an alias to the published version of a function, so that all its aliases move together."""
    from troposphere import GetAtt, Ref, awslambda

    template.add_resource(
        awslambda.Alias(
            logical_id,
            Name=name,
            FunctionName=Ref(function_id(role)),
            FunctionVersion=GetAtt(version_id(role), "Version"),
            Condition=ON_AWS,
        )
    )


def invocation_target(role: str) -> "If":
    """Return how to name a function to invoke it: by its alias, or by itself if it has none."""
    from troposphere import Ref

    return if_on_aws(Ref(alias_id(role)), Ref(function_id(role)))


def invocation_arn(function_name: str, alias: str = LIVE) -> "If":
    """Return the same as an ARN built from names, because a role may need it before the function exists."""
    return if_on_aws(function_arn(f"{function_name}:{alias}"), function_arn(function_name))
