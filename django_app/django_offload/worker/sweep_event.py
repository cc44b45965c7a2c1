"""
The events that start the sweeper, in the only two forms that its stack sends. Released stacks send the same.

    the rule, each minute   EventBridge's "Scheduled Event", which names the stack's own rule
    a schedule              {"schedule": name, "alias": alias in TASKS, "at": the scheduled time}
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..exceptions import UnknownEvent
from .events import LambdaContext, place_of

ACCEPTED = (
    "the events of its own rule, and those of schedules that TASKS declares, within a day of their time"
)
# EventBridge, Scheduler and Lambda repeat an event for less than this (stack/schedules.py).
LONGEST_DISTANCE = timedelta(days=1)
OF_SCHEDULE = {"schedule", "alias", "at"}
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
OF_RULE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time of a schedule, as its event names it."""

    schedule: str
    alias: str
    at: datetime  # In UTC.


def read_event(event: Any, context: LambdaContext, now: datetime) -> Occurrence | None:
    """Return the occurrence that an event names, or None for a sweep. Raise UnknownEvent for others."""
    fields = event.keys() if type(event) is dict else ()
    if fields == OF_SCHEDULE:
        at = instant_near(event["at"], now)
        name, alias = event["schedule"], event["alias"]
        if at is not None and type(name) is str and type(alias) is str:
            return Occurrence(schedule=name, alias=alias, at=at)
    elif fields == OF_RULE and is_of_own_rule(event, context) and instant_near(event["time"], now):
        return None
    raise UnknownEvent("sweeper", ACCEPTED)


def is_of_own_rule(event: dict[str, Any], context: LambdaContext) -> bool:
    """Return True if an event of EventBridge comes from the rule of the invoked function's stack."""
    place = place_of(context)
    if place is None:
        return False
    # The rule has the name of the function that it starts.
    expected = {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": place.account,
        "region": place.region,
        "resources": [place.arn("events", f"rule/{context.function_name}")],
        "detail": {},
    }
    is_known = all(event[name] == value for name, value in expected.items())
    return is_known and type(event["id"]) is str and _UUID.fullmatch(event["id"]) is not None


def instant_near(text: object, now: datetime) -> datetime | None:
    """Return the instant that a text names, in UTC, or None if it names none within a day of now."""
    if type(text) is not str or not _INSTANT.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # There is no such day, or UTC is in year 0 or 10,000 then.
        return None
    return instant if abs(instant - now) <= LONGEST_DISTANCE else None
