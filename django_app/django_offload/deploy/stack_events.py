"""What CloudFormation tells while it changes a stack."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from time import sleep
from typing import Any

Say = Callable[[str], object]
POLL_SECONDS = 3.0
# Follow from another failure, and explain nothing.
_CONSEQUENCES = ("cancelled", "The following resource(s) failed")


def wait(
    cloudformation: Any, stack: str, *, since: datetime, say: Say, poll_seconds: float = POLL_SECONDS
) -> str:
    """Tell of each event from `since` on until the stack is at rest; return its status."""
    told: set[str] = set()
    while True:
        said = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        for event in _events(cloudformation, said["StackId"], since):
            if event["EventId"] not in told:
                told.add(event["EventId"])
                say(line(event))
        if not said["StackStatus"].endswith("_IN_PROGRESS"):
            return str(said["StackStatus"])
        sleep(poll_seconds)


def line(event: Mapping[str, Any]) -> str:
    reason = event.get("ResourceStatusReason")
    shown = f"  {event['Timestamp']:%H:%M:%S} {event['ResourceStatus']:<22} {event['LogicalResourceId']}"
    return f"{shown}: {reason}" if reason and "FAILED" in event["ResourceStatus"] else shown


def failures_of(cloudformation: Any, stack: str, since: datetime) -> list[str]:
    """Return why resources failed, the first cause first; empty where CloudFormation does not say."""
    try:
        events = list(_events(cloudformation, stack, since))
    except cloudformation.exceptions.ClientError:
        return []
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
        and event.get("ResourceStatusReason")
        and not any(words in event["ResourceStatusReason"] for words in _CONSEQUENCES)
    ]


def _events(cloudformation: Any, stack: str, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the events from `since` on, the oldest first."""
    found: list[Mapping[str, Any]] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        found += [event for event in page["StackEvents"] if event["Timestamp"] >= since]
        if len(found) < len(page["StackEvents"]):
            break
    yield from reversed(found)
