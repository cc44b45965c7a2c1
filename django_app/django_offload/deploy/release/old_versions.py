"""Delete old versions of functions, because each keeps its code and snapshots cost money."""

from typing import Any

from .. import Announce
from . import deployed_stack
from .aws import AWS, error_message

# The newest versions stay: for a rollback, and for invocations that still run.
VERSIONS_TO_KEEP = 3


def prune(aws: AWS, stack: str, announce: Announce) -> None:
    """
    Delete all versions of the stack's functions except the newest and those of an alias.

    Errors of AWS are announced, and don't fail the deployment.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = aws.client("lambda")
    names = (
        resource["PhysicalResourceId"]
        for resource in deployed_stack.stack_resources(aws, stack)
        if resource["ResourceType"] == "AWS::Lambda::Function"
    )
    try:
        deleted = sum(prune_function(client, name) for name in names)
    except (BotoCoreError, ClientError) as exc:
        announce(f"  old versions remain, and the next deployment tries again: {error_message(exc)}")
        return
    if deleted:
        announce(f"  old versions deleted: {deleted}")


def prune_function(client: Any, function: str) -> int:
    """Delete the old versions of a function, and return how many were deleted."""
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=function)
    in_use = {
        version
        for page in aliases
        for alias in page["Aliases"]
        for version in (
            alias["FunctionVersion"],
            *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        )
    }
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = [
        version["Version"]
        for page in pages
        for version in page["Versions"]
        if version["Version"] != "$LATEST"
    ]
    old = [version for version in sorted(versions, key=int)[:-VERSIONS_TO_KEEP] if version not in in_use]
    for version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return len(old)
