"""Versions of functions that nobody invokes any more: each keeps its code, and a snapshot costs money."""

from typing import Any

from . import change_set
from .aws import AWS, one_line
from .stack_events import Say

# The newest: what a rollback leads back to, and one for what is still under way.
KEPT = 3


def prune(aws: AWS, stack: str, say: Say) -> None:
    """Delete all versions but the newest and those that an alias leads to; trouble stops nothing."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = aws.client("lambda")
    names = (
        resource["PhysicalResourceId"]
        for resource in change_set.resources(aws, stack)
        if resource["ResourceType"] == "AWS::Lambda::Function"
    )
    try:
        deleted = sum(_prune(client, name) for name in names)
    except (BotoCoreError, ClientError) as exc:
        say(f"  old versions were left, and the next deployment tries again: {one_line(exc)}")
        return
    if deleted:
        say(f"  old versions deleted: {deleted}")


def _prune(client: Any, function: str) -> int:
    """Delete the old versions of a function and return how many that were."""
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=function)
    led_to = {
        version
        for page in aliases
        for alias in page["Aliases"]
        for version in (
            alias["FunctionVersion"],
            *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        )
    }
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = [said["Version"] for page in pages for said in page["Versions"] if said["Version"] != "$LATEST"]
    old = [version for version in sorted(found, key=int)[:-KEPT] if version not in led_to]
    for version in old:
        client.delete_function(FunctionName=function, Qualifier=version)
    return len(old)
