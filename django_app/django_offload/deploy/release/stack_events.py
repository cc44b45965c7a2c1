"""The events that CloudFormation reports while it changes a stack."""

from collections.abc import Iterator, Mapping
from time import sleep
from typing import Any, Self

from ...conf.aws_limits import FUNCTION_TIMEOUT_EVERYWHERE
from .. import Announce


class EventLine(str):
    """One event as a line of text, with the name of the resource that it finishes, if any."""

    __slots__ = ("finished",)
    finished: str | None

    def __new__(cls, text: str, finished: str | None) -> Self:
        line = super().__new__(cls, text)
        line.finished = finished
        return line


POLL_SECONDS = 3.0
_FINISHED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
DELETED = "DELETE_COMPLETE"
# These reasons follow from another failure, so they explain nothing.
_CONSEQUENCES = ("creation cancelled", "update cancelled", "deletion cancelled", "resource(s) failed")


def event_ids(cloudformation: Any, stack: str) -> frozenset[str]:
    """Return the ids of a stack's events so far, so that the next change's events can be recognized."""
    return frozenset(event["EventId"] for event in new_events(cloudformation, stack, frozenset()))


def wait_for_stack(
    cloudformation: Any,
    stack: str,
    *,
    earlier: frozenset[str],
    announce: Announce,
    poll_seconds: float = POLL_SECONDS,
) -> str:
    """
    Wait until the change of a stack is done, and return the stack's status. Announce each new event.

    Until the change starts, the stack has the status of its last change. That's why this waits for an
    event of the stack itself that is not among the `earlier` ones.
    """
    announced: set[str] = set()
    while True:
        ended = False
        for event in new_events(cloudformation, stack, earlier):
            ended = event["LogicalResourceId"] == stack and not is_in_progress(event["ResourceStatus"])
            if event["EventId"] not in announced:
                announced.add(event["EventId"])
                announce(event_line(event))
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if ended and not is_in_progress(status):
            return status
        sleep(poll_seconds)


def wait_until_deleted(
    cloudformation: Any,
    stack_id: str,
    *,
    earlier: frozenset[str],
    announce: Announce,
    poll_seconds: float = POLL_SECONDS,
) -> str:
    """
    Wait until the deletion of a stack is done, and return the stack's last status. Announce each new event.

    A deleted stack is found by its id only.
    """
    announced: set[str] = set()
    while True:
        try:
            status = str(cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
        except cloudformation.exceptions.ClientError as exc:
            if "does not exist" not in str(exc):
                raise
            return DELETED
        for event in new_events(cloudformation, stack_id, earlier):
            if event["EventId"] not in announced:
                announced.add(event["EventId"])
                announce(event_line(event))
        if not is_in_progress(status):
            return status
        sleep(poll_seconds)


def is_in_progress(status: str) -> bool:
    return status.endswith("_IN_PROGRESS")


def event_line(event: Mapping[str, Any]) -> EventLine:
    """Return an event as a line: its time, status and resource, and the reason of a failure."""
    name, status = event["LogicalResourceId"], event["ResourceStatus"]
    reason = event.get("ResourceStatusReason")
    text = f"  {event['Timestamp']:%H:%M:%S} {status:<22} {name}"
    if reason and "FAILED" in status:
        text = f"{text}: {reason}"
    return EventLine(text, name if status in _FINISHED else None)


def explained(reason: str) -> str:
    """Return AWS's reason; if it refuses a long timeout of a function, with what to do."""
    if "'timeout' failed to satisfy constraint" not in reason:
        return reason
    seconds = int(FUNCTION_TIMEOUT_EVERYWHERE.total_seconds())
    return (
        f"{reason.rstrip('. ')}. This region doesn't allow so long a timeout: set the queue's 'timeout' to "
        f"{seconds} s or less, or deploy to a region that allows it."
    )


def failure_reasons(cloudformation: Any, stack: str, earlier: frozenset[str]) -> list[str]:
    """
    Return why resources failed, the first cause first, or else why the stack itself went back.

    Empty if CloudFormation gives no reason.
    """
    try:
        events = list(new_events(cloudformation, stack, earlier))
    except cloudformation.exceptions.ClientError:
        return []

    def reasons(word: str) -> list[str]:
        return [
            f"{event['LogicalResourceId']}: {explained(event['ResourceStatusReason'])}"
            for event in events
            if word in event["ResourceStatus"]
            and event.get("ResourceStatusReason")
            and not any(words in event["ResourceStatusReason"].lower() for words in _CONSEQUENCES)
        ]

    return reasons("FAILED") or reasons("ROLLBACK")


def new_events(cloudformation: Any, stack: str, earlier: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """Yield a stack's events that are not among the `earlier` ones, the oldest first."""
    events: list[Mapping[str, Any]] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        fresh = [event for event in page["StackEvents"] if event["EventId"] not in earlier]
        events += fresh
        if len(fresh) < len(page["StackEvents"]):
            break
    yield from reversed(events)
