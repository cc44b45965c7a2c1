"""The stack as it is deployed now: its status, its resources, and the stage that owns it."""

from collections.abc import Mapping
from typing import Any

from ..errors import StackStuck, WrongStage
from ..stage import Stage
from .aws import AWS

TAG = "offload:stage"
_TAG_OF_ZAPPA = "ZappaProject"
# The status of a new stack whose change set was shown but not executed. Nothing is running.
NOT_EXECUTED = "REVIEW_IN_PROGRESS"


def describe_stack(aws: AWS, stack: str) -> Mapping[str, Any] | None:
    """Return CloudFormation's description of a stack, or None if it doesn't exist."""
    cloudformation = aws.client("cloudformation")
    try:
        description: Mapping[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except cloudformation.exceptions.ClientError as exc:
        if "does not exist" in str(exc):
            return None
        raise
    return description


def stack_status(aws: AWS, stack: str) -> str | None:
    """Return the status of a stack, or None if it doesn't exist."""
    description = describe_stack(aws, stack)
    return None if description is None else str(description["StackStatus"])


def stack_resources(aws: AWS, stack: str) -> list[Mapping[str, Any]]:
    """Return the resources of a stack, as CloudFormation lists them."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def check_stage(stage: Stage, owner: str | None) -> None:
    """Raise WrongStage if `owner`, the name of the stage that owns the stack, isn't this stage."""
    if owner is not None and owner != stage.name:
        raise WrongStage(stage.stack, f"the stage '{owner}'", stage.name)


def check_owner(aws: AWS, stage: Stage) -> None:
    """Raise WrongStage if the stack exists and belongs to another stage, or to Zappa."""
    description = describe_stack(aws, stage.stack) or {}
    tags = {tag["Key"]: tag["Value"] for tag in description.get("Tags", [])}
    check_stage(stage, tags.get(TAG))
    if _TAG_OF_ZAPPA in tags:
        raise WrongStage(stage.stack, "Zappa's API Gateway", stage.name)


def check_changeable(aws: AWS, stage: Stage) -> None:
    """Raise StackStuck if CloudFormation accepts no change in the stack's present status."""
    status = str((describe_stack(aws, stage.stack) or {}).get("StackStatus", ""))
    if status.endswith(("_IN_PROGRESS", "_FAILED")) and status != NOT_EXECUTED:
        raise StackStuck(stage.stack, status, stage.name)
