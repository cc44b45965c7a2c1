"""Recurring tasks: what OPTIONS['schedules'] declares, and what is wrong with it. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

# Part of a schedule's name in EventBridge Scheduler, of 64 characters.
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,48}")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
RATE_PATTERN = re.compile(r"rate\(([1-9]\d{0,3}) (minute|hour|day)s?\)")
CRON_PATTERN = re.compile(r"cron\(\S+( \S+){5}\)")
# What is handed over in the event of a schedule, far below the limit of an event (256 KB).
LONGEST_ARGUMENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A task that is enqueued again and again, by EventBridge Scheduler."""

    task: str  # Its name, as the registry knows it: "<module>.<function>".
    when: str  # "rate(…)" or "cron(…)", as AWS writes them.
    timezone: str = "UTC"  # Of a cron expression.
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


KEYS = tuple(each.name for each in fields(Recurrence))


def parse(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Recurrence]:
    """Return what OPTIONS['schedules'] declares, by name, once it has no flaws."""
    return {name: Recurrence(**{**said, "args": tuple(said.get("args", ()))}) for name, said in given.items()}


def flaws(given: object) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with OPTIONS['schedules'], each with what to do about it."""
    if not isinstance(given, Mapping):
        yield "OPTIONS['schedules'] is no dictionary.", "Give one of schedules by name."
        return
    for name, said in given.items():
        where = f"OPTIONS['schedules'][{name!r}]"
        if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
            yield f"{where} has no usable name.", "Use at most 48 letters, digits, hyphens and underscores."
        if not isinstance(said, Mapping) or not {"task", "when"} <= said.keys() <= set(KEYS):
            yield f"{where} is {said!r}.", f"Give 'task' and 'when'; known are: {', '.join(KEYS)}."
            continue
        yield from _entry_flaws(where, said)


def _entry_flaws(where: str, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    when = str(said["when"])
    if not RATE_PATTERN.fullmatch(when) and not CRON_PATTERN.fullmatch(when):
        yield (
            f"{where}['when'] is {when!r}.",
            "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields.",
        )
    if not _known_zone(said.get("timezone", "UTC")):
        yield f"{where}['timezone'] is {said['timezone']!r}.", "Name one like 'Europe/Zurich'."
    args, kwargs = said.get("args", ()), said.get("kwargs", {})
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, Mapping):
        yield f"{where} has arguments of another kind.", "Give 'args' as a list, 'kwargs' as a dictionary."
        return
    try:
        size = len(json.dumps([args, kwargs], allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        yield f"{where} has arguments that JSON cannot carry: {exc}.", "Give numbers, text, lists."
        return
    if size > LONGEST_ARGUMENTS:
        yield f"{where} has arguments of {size:,} bytes.", f"Give at most {LONGEST_ARGUMENTS:,}."


def _known_zone(name: object) -> bool:
    if name == "UTC":
        return True
    from zoneinfo import ZoneInfo  # A worker without schedules starts without it.

    try:
        ZoneInfo(name)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, OSError):
        return False
    return True
