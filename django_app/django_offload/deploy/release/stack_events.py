"""What CloudFormation tells while it changes a stack."""

from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import Any, Self

Say = Callable[[str], object]


class EventLine(str):
    """What is told of one event, and which resource is where it should be now."""

    __slots__ = ("finished",)
    finished: str | None

    def __new__(cls, text: str, finished: str | None) -> Self:
        made = super().__new__(cls, text)
        made.finished = finished
        return made


POLL_SECONDS = 3.0
_FINISHED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
# Follow from another failure, and explain nothing.
_CONSEQUENCES = ("cancelled", "The following resource(s) failed")


def known(cloudformation: Any, stack: str) -> frozenset[str]:
    """Return the ids of the events that a stack has so far: what comes later belongs to the next change."""
    return frozenset(event["EventId"] for event in _events(cloudformation, stack, frozenset()))


def wait(
    cloudformation: Any,
    stack: str,
    *,
    before: frozenset[str],
    say: Say,
    poll_seconds: float = POLL_SECONDS,
) -> str:
    """
    Tell of each event that is not of `before` until the stack is at rest again; return its status.

    A stack that does not move yet shows the status of its last change, so its own event is waited for.
    """
    told: set[str] = set()
    while True:
        ended = False
        for event in _events(cloudformation, stack, before):
            ended = event["LogicalResourceId"] == stack and not _moves(event["ResourceStatus"])
            if event["EventId"] not in told:
                told.add(event["EventId"])
                say(line(event))
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if ended and not _moves(status):
            return status
        sleep(poll_seconds)


def _moves(status: str) -> bool:
    return status.endswith("_IN_PROGRESS")


def line(event: Mapping[str, Any]) -> EventLine:
    name, status, reason = (
        event["LogicalResourceId"],
        event["ResourceStatus"],
        event.get("ResourceStatusReason"),
    )
    shown = f"  {event['Timestamp']:%H:%M:%S} {status:<22} {name}"
    told = f"{shown}: {reason}" if reason and "FAILED" in status else shown
    return EventLine(told, name if status in _FINISHED else None)


def failures_of(cloudformation: Any, stack: str, before: frozenset[str]) -> list[str]:
    """Return why resources failed, the first cause first; empty where CloudFormation does not say."""
    try:
        events = list(_events(cloudformation, stack, before))
    except cloudformation.exceptions.ClientError:
        return []
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
        and event.get("ResourceStatusReason")
        and not any(words in event["ResourceStatusReason"] for words in _CONSEQUENCES)
    ]


def _events(cloudformation: Any, stack: str, before: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the events that are not of `before`, the oldest first."""
    found: list[Mapping[str, Any]] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        fresh = [event for event in page["StackEvents"] if event["EventId"] not in before]
        found += fresh
        if len(fresh) < len(page["StackEvents"]):
            break
    yield from reversed(found)
