"""
The events that start the sweeper, in the only three forms that its stack sends. Released stacks send the
first two.

    the rule, each minute   EventBridge's "Scheduled Event", which names the stack's own rule
    a schedule              {"schedule": name, "alias": alias in TASKS, "at": the scheduled time}
    the sweeper itself      {"sweep": stack, "group": number, "of": groups, "at": when it was sent}

The sweeper invokes itself by an alias of its own, SHARDS_ALIAS. Its role may invoke it by no other. By that
alias it accepts only a group of shards, so a group never begins more groups.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..conf import stacks
from ..exceptions import UnknownEvent
from ..protocol.shards import READ_SHARDS
from .events import LambdaContext, place_of, qualifier_of

ACCEPTED = (
    "the events of its own rule, and those of schedules that TASKS declares, within a day of their time, and "
    "groups of shards of its own stack, within a minute"
)
# The name of the alias by which the sweeper invokes itself.
SHARDS_ALIAS = "shards"
# Into how many groups a sweeper shares out its shards. With powers of two, an entry that moves to the shard
# of another OPTIONS["shards"] mostly stays in its group.
GROUPS = (2, 4, 8)
# How old the event of a group may be, and how long after it the group may be swept: until the next sweep.
# Lambda gives such an event up after the same time (stack/limits.py).
GROUP_LIFE = timedelta(seconds=60)
OF_GROUP = {"sweep", "group", "of", "at"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardGroup:
    """A share of a stack's shards, for another invocation of its sweeper."""

    stack: str
    number: int  # From 0.
    groups: int  # How many there are, one of GROUPS.
    at: datetime  # When the sweeper shared out its work, in UTC.

    @property
    def shards(self) -> range:
        """The numbers of the shards of this group, of each band. Each shard is in one of the groups."""
        return range(self.number, READ_SHARDS, self.groups)

    def event(self) -> dict[str, Any]:
        """Return the event that read_event() reads as this group."""
        return {"sweep": self.stack, "group": self.number, "of": self.groups, "at": text_of(self.at)}


def read_event(event: Any, context: LambdaContext, now: datetime) -> Occurrence | ShardGroup | None:
    """Return the occurrence or the group that an event names, or None for a sweep of everything.

    Raise UnknownEvent for all other events.
    """
    fields = event.keys() if type(event) is dict else ()
    by_own_alias = qualifier_of(context) == SHARDS_ALIAS
    if fields == OF_GROUP:
        group = read_group(event, context, now)
        # In local AWS the function has no alias.
        if group is not None and (by_own_alias or not qualifier_of(context)):
            return group
    elif by_own_alias:
        pass  # Otherwise a group could begin a sweep, and that sweep more groups.
    elif fields == OF_SCHEDULE:
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


def read_group(event: dict[str, Any], context: LambdaContext, now: datetime) -> ShardGroup | None:
    """Return the group that an event names, or None if no sweeper of this stack sends exactly that."""
    stack, number, groups, text = event["sweep"], event["group"], event["of"], event["at"]
    at = instant_near(text, now, GROUP_LIFE)
    # True and 1.0 equal 1, so the types count.
    if at is None or text_of(at) != text or (type(number), type(groups)) != (int, int):
        return None
    if groups not in GROUPS or not 0 <= number < groups:
        return None
    if place_of(context) is None or type(stack) is not str:
        return None
    for options in stacks():
        if options.stack == stack and options.function("sweeper") == context.function_name:
            return ShardGroup(stack=stack, number=number, groups=groups, at=at)
    return None


def text_of(instant: datetime) -> str:
    """Return the only text of an instant that a group's event has."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def instant_near(text: object, now: datetime, distance: timedelta = LONGEST_DISTANCE) -> datetime | None:
    """Return the instant that a text names, in UTC, or None if it names none within `distance` of now."""
    if type(text) is not str or not _INSTANT.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # There is no such day, or UTC is in year 0 or 10,000 then.
        return None
    return instant if abs(instant - now) <= distance else None
