"""A change of a stack, as CloudFormation would make it: made, looked at, then executed or discarded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import ChangeRefused, StackChangeFailed
from .aws import AWS, one_line
from .stack_events import Say, failures_of, known, wait

ABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
# What CloudFormation says of a change set that changes nothing; moto says the second.
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_ASK_SECONDS, _ASKS = 2, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What would change."""

    stack: str
    arn: str
    creates: bool  # The stack is new.
    changes: tuple[Mapping[str, Any], ...]

    @property
    def imports(self) -> bool:
        """Is anything taken into the stack that is there already?"""
        return any(change["ResourceChange"]["Action"] == "Import" for change in self.changes)

    def lines(self) -> Iterator[str]:
        """Yield a line per resource; what is replaced or removed stands out."""
        for change in self.changes:
            said = change["ResourceChange"]
            replaced = said.get("Replacement") in {"True", "Conditional"}
            action = f"{said['Action']}{', REPLACED' if replaced else ''}"
            yield f"  {action:<18} {said['ResourceType']:<38} {said['LogicalResourceId']}"


def described(aws: AWS, stack: str) -> Mapping[str, Any] | None:
    """Return what CloudFormation says of a stack, None where there is none."""
    cloudformation = aws.client("cloudformation")
    try:
        found: Mapping[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except cloudformation.exceptions.ClientError as exc:
        if "does not exist" in str(exc):
            return None
        raise
    return found


def status_of(aws: AWS, stack: str) -> str | None:
    """Return the status of a stack, None where there is none."""
    found = described(aws, stack)
    return None if found is None else str(found["StackStatus"])


def resources(aws: AWS, stack: str) -> list[Mapping[str, Any]]:
    """Return what the stack consists of, as CloudFormation lists it."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def make(
    aws: AWS, stack: str, *, template_url: str, parameters: Mapping[str, str], tags: Mapping[str, str]
) -> ChangeSet | None:
    """
    Return the change set that makes `stack` what its template says; None where nothing would change.

    Raise ChangeRefused, with CloudFormation's reason, where it cannot be made.
    """
    cloudformation = aws.client("cloudformation")
    creates = status_of(aws, stack) in {None, "REVIEW_IN_PROGRESS"}
    try:
        arn = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"offload-{datetime.now(UTC):%Y%m%d%H%M%S%f}",
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateURL=template_url,
            Parameters=[_pair("Parameter", *item) for item in parameters.items()],
            Capabilities=list(ABILITIES),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            # Table and bucket that an earlier --delete kept, or a creation that was undone, come back.
            ImportExistingResources=True,
        )["Id"]
        said = _made(cloudformation, stack, arn)
    except cloudformation.exceptions.ClientError as exc:
        if any(words in str(exc) for words in _NOTHING):
            return None
        raise ChangeRefused(stack, one_line(exc)) from exc
    if said["Status"] != "FAILED":
        return ChangeSet(stack=stack, arn=arn, creates=creates, changes=tuple(said.get("Changes", ())))
    cloudformation.delete_change_set(StackName=stack, ChangeSetName=arn)
    reason = said.get("StatusReason", "no reason given")
    if any(words in reason for words in _NOTHING):
        return None
    raise ChangeRefused(stack, reason)


def discard(aws: AWS, change: ChangeSet) -> None:
    """Forget a change set, and the empty stack that one for a new stack leaves."""
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_change_set(StackName=change.stack, ChangeSetName=change.arn)
    if change.creates:
        cloudformation.delete_stack(StackName=change.stack)


def execute(aws: AWS, change: ChangeSet, say: Say) -> None:
    """Make the change, tell of each resource, and wait. Raise StackChangeFailed with what explains it."""
    from botocore.exceptions import BotoCoreError, ClientError

    cloudformation = aws.client("cloudformation")
    before = known(cloudformation, change.stack)
    try:
        cloudformation.execute_change_set(StackName=change.stack, ChangeSetName=change.arn)
        status = wait(cloudformation, change.stack, before=before, say=say)
    except (BotoCoreError, ClientError) as exc:
        reasons = failures_of(cloudformation, change.stack, before) or [one_line(exc)]
        raise StackChangeFailed(change.stack, status_of(aws, change.stack) or "gone", reasons) from exc
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise StackChangeFailed(change.stack, status, failures_of(cloudformation, change.stack, before))


def _made(cloudformation: Any, stack: str, arn: str) -> dict[str, Any]:
    """Return the change set once CloudFormation has worked it out, with every page of its changes."""
    from time import sleep

    for _ in range(_ASKS):
        pages = cloudformation.get_paginator("describe_change_set").paginate(
            StackName=stack, ChangeSetName=arn
        )
        said: dict[str, Any] = {}
        changes: list[Any] = []
        for page in pages:
            said = page
            changes += page.get("Changes", [])
        if said["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            break
        sleep(_ASK_SECONDS)
    return {**said, "Changes": changes}


def _pair(kind: str, key: str, value: str) -> dict[str, str]:
    return {f"{kind}Key": key, f"{kind}Value": value}
