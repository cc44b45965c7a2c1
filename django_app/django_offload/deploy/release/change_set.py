"""CloudFormation's change sets: create one, show its changes, then execute or delete it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep
from typing import Any

from .. import Announce
from ..errors import ChangeRefused, StackChangeFailed
from .aws import AWS, error_message
from .deployed_stack import stack_status
from .stack_events import event_ids, failure_reasons, wait_for_stack

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
# CloudFormation's messages for a change set without changes. moto uses the second.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# The connection was lost while CloudFormation worked.
UNKNOWN = "CHANGE_IN_PROGRESS"
_POLL_SECONDS, _MOST_POLLS = 2, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """The changes that CloudFormation would make to a stack."""

    stack: str
    arn: str
    creates: bool  # The stack is new.
    changes: tuple[Mapping[str, Any], ...]

    @property
    def imports(self) -> bool:
        """True if the stack takes over a resource that already exists."""
        return any(change["ResourceChange"]["Action"] == "Import" for change in self.changes)

    def lines(self) -> Iterator[str]:
        """Yield a line for each resource. The lines of replaced resources say REPLACED."""
        for change in self.changes:
            resource = change["ResourceChange"]
            replaced = resource.get("Replacement") in {"True", "Conditional"}
            action = f"{resource['Action']}{', REPLACED' if replaced else ''}"
            yield f"  {action:<18} {resource['ResourceType']:<38} {resource['LogicalResourceId']}"


def create(
    aws: AWS, stack: str, *, template_url: str, parameters: Mapping[str, str], tags: Mapping[str, str]
) -> ChangeSet | None:
    """
    Create the change set that brings `stack` to its template. Return None if nothing would change.

    Raise ChangeRefused, with CloudFormation's reason, if it can't be created.
    """
    cloudformation = aws.client("cloudformation")
    creates = stack_status(aws, stack) in {None, "REVIEW_IN_PROGRESS"}
    try:
        arn = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"offload-{datetime.now(UTC):%Y%m%d%H%M%S%f}",
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=list(CAPABILITIES),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            # The table and bucket that an earlier --delete or a rolled back creation kept come back.
            ImportExistingResources=True,
        )["Id"]
        description = wait_until_created(cloudformation, stack, arn)
    except cloudformation.exceptions.ClientError as exc:
        if any(words in str(exc) for words in _NO_CHANGES):
            return None
        raise ChangeRefused(stack, error_message(exc)) from exc
    if description["Status"] != "FAILED":
        changes = tuple(description.get("Changes", ()))
        return ChangeSet(stack=stack, arn=arn, creates=creates, changes=changes)
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=arn)
    reason = description.get("StatusReason", "no reason given")
    if any(words in reason for words in _NO_CHANGES):
        return None
    raise ChangeRefused(stack, reason)


def wait_until_created(cloudformation: Any, stack: str, arn: str) -> dict[str, Any]:
    """Wait until CloudFormation has computed a change set, and return it with every page of its changes."""
    for _ in range(_MOST_POLLS):
        pages = cloudformation.get_paginator("describe_change_set").paginate(
            StackName=stack, ChangeSetName=arn
        )
        description: dict[str, Any] = {}
        changes: list[Any] = []
        for page in pages:
            description = page
            changes += page.get("Changes", [])
        if description["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            return {**description, "Changes": changes}
        sleep(_POLL_SECONDS)
    raise ChangeRefused(
        stack, f"it has not computed the change set within {_POLL_SECONDS * _MOST_POLLS} seconds"
    )


def delete(aws: AWS, change: ChangeSet) -> None:
    """Delete a change set, and the empty stack that CloudFormation creates for a new stack's one."""
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_change_set(StackName=change.stack, ChangeSetName=change.arn)
    if change.creates:
        cloudformation.delete_stack(StackName=change.stack)


def execute(aws: AWS, change: ChangeSet, announce: Announce) -> None:
    """
    Change the stack, announce each event, and wait until it's done.

    Raise StackChangeFailed, with the reasons of the resources that failed, if the change fails.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    cloudformation = aws.client("cloudformation")
    earlier = event_ids(cloudformation, change.stack)
    try:
        cloudformation.execute_change_set(StackName=change.stack, ChangeSetName=change.arn)
        status = wait_for_stack(cloudformation, change.stack, earlier=earlier, announce=announce)
    except (BotoCoreError, ClientError) as exc:
        try:
            status = stack_status(aws, change.stack) or "gone"
            reasons = failure_reasons(cloudformation, change.stack, earlier)
        except (BotoCoreError, ClientError):
            status, reasons = UNKNOWN, []
        raise StackChangeFailed(change.stack, status, reasons or [error_message(exc)]) from exc
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise StackChangeFailed(change.stack, status, failure_reasons(cloudformation, change.stack, earlier))
