"""Events that are nearly the sweeper's own: the rule of each minute, a schedule, and a group of shards."""

from datetime import datetime, timedelta
from typing import Any

from .names import HERE, NAMES
from .services import event_bridge

TASK = f"{HERE}.tasks.effect"


def tick(rule: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return the event that EventBridge sends each minute."""
    event = event_bridge("Scheduled Event", "aws.events", {}, rule)
    return (
        event
        | {"time": f"{now:%Y-%m-%dT%H:%M:%SZ}", "account": rule.split(":")[4], "region": "us-east-1"}
        | changes
    )


def occurrence(name: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return the event of a schedule, as Scheduler sends it."""
    return {"schedule": name, "alias": "default", "at": f"{now:%Y-%m-%dT%H:%M:%SZ}"} | changes


def hostile_ticks(rule: str, now: datetime) -> dict[str, Any]:
    """Return events of EventBridge that do not come from the stack's own rule."""
    changes: dict[str, dict[str, Any]] = {
        "no resource": {"resources": []},
        "resources that are a text": {"resources": rule},
        "resources that are null": {"resources": None},
        "resources that are numbers": {"resources": [7]},
        "a rule of another stack": {"resources": [rule.replace("/contract-", "/other-")]},
        "a rule of a like name": {"resources": [f"{rule}2"]},
        "a rule of another bus": {"resources": [rule.replace(":rule/", ":rule/bus/")]},
        "another source": {"source": "shop.events"},
        "a source that is a list": {"source": ["aws.events"]},
        "another kind": {"detail-type": "Manual Event"},
        "a kind of another case": {"detail-type": "scheduled event"},
    }
    return {name: tick(rule, now, **change) for name, change in changes.items()}


def hostile_occurrences(name: str, now: datetime) -> dict[str, Any]:
    """Return events of schedules that TASKS doesn't declare, or at times that can't be."""
    instants: dict[str, Any] = {
        "no time": None,
        "an empty time": "",
        "a time that is a word": "now",
        "a time not replaced": "<aws.scheduler.scheduled-time>",
        "a time in seconds": now.timestamp(),
        "a time in seconds, as a text": str(int(now.timestamp())),
        "a time that is a list": [f"{now:%Y-%m-%dT%H:%M:%SZ}"],
        "a time that is true": True,
        "a huge time": 10**30,
        "the first instant": "0001-01-01T00:00:00+23:59",
        "the last instant": "9999-12-31T23:59:59-23:59",
        "a month of 13": "2026-13-01T00:00:00Z",
        "a leap second": "2026-12-31T23:59:60Z",
        "a zone of 99 hours": "2026-01-01T00:00:00+99:99",
        "a time with text behind": f"{now:%Y-%m-%dT%H:%M:%SZ} or later",
        "a time with a line break": f"{now:%Y-%m-%dT%H:%M:%SZ}\n",
        "a time with a lone surrogate": "2020-11-30\ud80012:00:00Z",
        "a long time": "2020-11-30T12:00:00." + "0" * 100_000 + "Z",
        "two days ago": f"{now - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
        "in two days": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
        "a year ago": f"{now - timedelta(days=365):%Y-%m-%dT%H:%M:%SZ}",
        "in a hundred years": f"{now + timedelta(days=36_500):%Y-%m-%dT%H:%M:%SZ}",
    }
    others: list[Any] = [None, 7, [], {}, True, "", "Nightly", f"{name} ", f"{name}\0", f"{name}2", TASK]
    aliases: list[Any] = [None, 7, [], {}]  # Another text may be the alias of an earlier release.
    return {
        **{f"at {which}": occurrence(name, now, at=instant) for which, instant in instants.items()},
        **{f"the schedule {other!r}": occurrence(name, now, schedule=other) for other in others},
        **{f"the alias {alias!r}": occurrence(name, now, alias=alias) for alias in aliases},
        **{f"a schedule: {which}": occurrence(text, now) for which, text in NAMES.items()},
        "a schedule alone": {"schedule": name},
        "a schedule without a time": {"schedule": name, "alias": "default"},
        "a schedule without an alias": {"schedule": name, "at": f"{now:%Y-%m-%dT%H:%M:%SZ}"},
        "a schedule in a detail": {"detail": occurrence(name, now)},
        "schedules in a list": [occurrence(name, now)],
        "a schedule in a batch": {"Records": [occurrence(name, now)]},
        "a task of its own": {"schedule": {"task": TASK, "args": ["id"]}, "alias": "default", "at": "now"},
    }


def group(stack: str, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return the event by which a sweeper shares out its shards."""
    return {"sweep": stack, "group": 1, "of": 4, "at": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"} | changes


def hostile_groups(stack: str, now: datetime) -> dict[str, Any]:
    """Return events that are nearly a group of shards: of another stack, another time, or another number."""
    numbers: list[Any] = [None, True, False, "1", 1.0, 1.5, -1, 4, 64, 10**30, [], [1], {}, {"$gt": 0}]
    counts: list[Any] = [None, True, "4", 4.0, 0, 1, -4, 3, 5, 6, 7, 9, 16, 64, 10**30, [], [4], {}]
    stacks: list[Any] = [None, 7, True, [], [stack], {}, "", "*", "other", f"{stack} ", f"{stack}2", TASK]
    seconds = {
        "61 seconds ago": now - timedelta(seconds=61),
        "in 61 seconds": now + timedelta(seconds=61),
        "an hour ago": now - timedelta(hours=1),
        "a day ago": now - timedelta(days=1),
        "in a hundred years": now + timedelta(days=36_500),
    }
    texts: dict[str, Any] = {
        "nothing": None,
        "an empty text": "",
        "a word": "now",
        "a number": now.timestamp(),
        "a list": [f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"],
        "without a fraction": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "with milliseconds": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
        "in another zone": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.%f}+01:00",
        "in UTC by its offset": f"{now:%Y-%m-%dT%H:%M:%S.%f}+00:00",
        "with text behind": f"{now:%Y-%m-%dT%H:%M:%S.%fZ} or later",
        "with a line break": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}\n",
    }
    honest = group(stack, now)
    return {
        **{f"the group {number!r}": group(stack, now, group=number) for number in numbers},
        **{f"of {count!r} groups": group(stack, now, of=count) for count in counts},
        **{f"of the stack {other!r}": group(stack, now, sweep=other) for other in stacks},
        **{f"of a stack: {which}": group(text, now) for which, text in NAMES.items()},
        **{f"a group {which}": group(stack, at) for which, at in seconds.items()},
        **{f"a time: {which}": group(stack, now, at=text) for which, text in texts.items()},
        **{
            f"a group without {key!r}": {name: honest[name] for name in honest if name != key}
            for key in honest
        },
        "a group with shards": honest | {"shards": [1, 2, 3]},
        "a group with a task": honest | {"task": TASK, "args": ["id"]},
        "a group with a schedule": honest | {"schedule": "nightly", "alias": "default"},
        "a group in a detail": {"detail": honest},
        "groups in a list": [honest],
        "a group in a batch": {"Records": [honest]},
    }
