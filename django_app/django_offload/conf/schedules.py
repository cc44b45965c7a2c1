"""Recurring tasks in OPTIONS['schedules'], and their validation."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from . import aws_limits
from .plain_values import reason, shown

# Part of a schedule's name in EventBridge Scheduler, which allows 64 characters.
NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,48}")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
RATE_PATTERN = re.compile(r"rate\((?:1 (minute|hour|day)|(?!1 )[1-9][0-9]{0,8} (minute|hour|day)s)\)")
OTHER_RATE = re.compile(r"rate\(([1-9][0-9]{0,8}) (minute|hour|day)s?\)")
CRON_PATTERN = re.compile(r"cron\(\S+( \S+){5}\)")
KINDS = "Write 'rate(5 minutes)', or 'cron(0 3 * * ? *)' with AWS's six fields."
PLAIN_ARGUMENTS = "Pass numbers, text, lists and dictionaries."
# The event of a schedule contains the arguments. This is far below the limit of an event (256 KB).
LONGEST_ARGUMENTS = 10_000
# What an occurrence does while the task of an earlier one waits or runs: it waits in the queue, or it is left
# out.
QUEUE, SKIP = OVERLAPS = ("queue", "skip")
# With fewer lists, arguments can't be nested too deeply, and in a shorter text no number is too long.
MOST_LISTS, SHORT_ARGUMENTS = 100, 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A task that EventBridge Scheduler enqueues again and again."""

    # The name of the task: `<module>.<function>`, or its own `name`.
    task: str
    # The time as AWS writes it: `rate(5 minutes)` or `cron(0 3 * * ? *)`.
    when: str
    # The time zone of a cron expression, such as `Europe/Zurich`.
    timezone: str = "UTC"
    # The positional arguments, which must be JSON.
    args: tuple[Any, ...] = ()
    # The keyword arguments, which must be JSON.
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    # `skip` enqueues nothing while the task of an earlier occurrence waits or runs; `queue` enqueues it.
    overlap: str = QUEUE
    written: str = ""  # The time as a decorated task has it, if that isn't `when`.


# What OPTIONS["schedules"] may have.
KEYS = tuple(key.name for key in fields(Recurrence) if key.name != "written")


def parse(schedules: Mapping[str, Mapping[str, Any]]) -> dict[str, Recurrence]:
    """Return the schedules of a valid OPTIONS['schedules'], by name."""
    return {
        name: Recurrence(**{**schedule, "args": tuple(schedule.get("args", ()))})
        for name, schedule in schedules.items()
    }


def schedule_problems(schedules: object) -> Iterator[tuple[str, str]]:
    """Yield each problem in OPTIONS['schedules'] as a text and a hint."""
    if not isinstance(schedules, Mapping):
        yield "OPTIONS['schedules'] is not a dictionary.", "Give a dictionary of schedules by name."
        return
    for name, schedule in schedules.items():
        where = f"OPTIONS['schedules'][{shown(name)}]"
        if not isinstance(schedule, Mapping) or not {"task", "when"} <= schedule.keys() <= set(KEYS):
            yield from name_problems(where, name)
            yield (
                f"{where} is {shown(schedule)}.",
                f"Give 'task' and 'when'. The keys are: {', '.join(KEYS)}.",
            )
            continue
        if not isinstance(schedule["task"], str):
            yield (
                f"{where}['task'] is {shown(schedule['task'])}.",
                "Give the task's name: '<module>.<function>'.",
            )
        problem = when_problem(schedule["when"])
        if problem is not None:
            yield f"{where}['when'] is {shown(schedule['when'])}{problem[0]}", problem[1]
        yield from entry_problems(where, name, schedule)


def name_problems(where: str, name: object) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        yield f"{where} has an invalid name.", "Use at most 48 letters, digits, hyphens and underscores."


def entry_problems(where: str, name: object, schedule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each problem that a schedule in OPTIONS and one of a decorated task can both have."""
    yield from name_problems(where, name)
    if not is_timezone(schedule.get("timezone", "UTC")):
        yield (
            f"{where}['timezone'] is {shown(schedule['timezone'])}.",
            "Give a name such as 'Europe/Zurich'.",
        )
    overlap = schedule.get("overlap", QUEUE)
    if not isinstance(overlap, str) or overlap not in OVERLAPS:
        yield f"{where}['overlap'] is {shown(overlap)}.", "Write 'queue' or 'skip'."
    try:
        yield from argument_problems(where, schedule.get("args", ()), schedule.get("kwargs", {}))
    except Exception as exc:  # noqa: BLE001, an object there may raise anything
        yield f"{where} has arguments that can't be read: {reason(exc)}.", PLAIN_ARGUMENTS


def when_problem(when: object) -> tuple[str, str] | None:
    """Return the end of a sentence that says what is wrong with a time, and what to write instead."""
    if not isinstance(when, str):
        return ".", KINDS
    if len(when) > aws_limits.SCHEDULE_EXPRESSION:
        return (
            f", which has {len(when)} characters, and AWS takes {aws_limits.SCHEDULE_EXPRESSION}.",
            "Write ranges ('1-5') and steps ('0/5') instead of lists, or several schedules.",
        )
    if RATE_PATTERN.fullmatch(when):
        return None
    if other := OTHER_RATE.fullmatch(when):
        # Scheduler's documentation has plurals, and takes the singular for 1, as EventBridge's rules want it.
        count, unit = other.groups()
        return ".", f"Write 'rate({count} {unit}{'' if count == '1' else 's'})'."
    if when.startswith("at("):
        return ", a time that comes once.", f"{KINDS} To run a task once, enqueue it with run_after."
    if not CRON_PATTERN.fullmatch(when):
        return ".", KINDS
    from .cron import cron_problem  # Imported here, because most schedules have a rate or don't exist.

    problem = cron_problem(when)
    return None if problem is None else (f": {problem[0]}.", problem[1])


def comes_never(recurrence: Recurrence, now: datetime) -> bool:
    """Return True if a valid schedule has no time after `now`: 31 February, or a year that is over."""
    if not recurrence.when.startswith("cron("):
        return False
    from .occurrence_times import next_times  # Imported here, because a worker needs no times.

    return not next_times(recurrence.when, recurrence.timezone, now)


def argument_problems(where: str, args: object, kwargs: object) -> Iterator[tuple[str, str]]:
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, Mapping):
        yield f"{where} has arguments of the wrong type.", "Give 'args' as a list, 'kwargs' as a dictionary."
        return
    try:
        text = json.dumps([args, *kwargs, *kwargs.values()], allow_nan=False)
        # Without a dictionary, whose keys may be other than text, without half a character, many levels, and
        # a long number.
        is_plain = (
            all(isinstance(name, str) for name in kwargs)
            and "{" not in text
            and "\\ud" not in text
            and text.count("[") < MOST_LISTS
            and len(text) < SHORT_ARGUMENTS
        )
    except (TypeError, ValueError, RecursionError):
        is_plain = False
    if not is_plain:
        from .json_values import NotJSON, plain  # Imported here, because most schedules don't need it.

        try:
            text = json.dumps([plain(args, "args"), plain(dict(kwargs), "kwargs")])
        except NotJSON as exc:
            yield f"{where}: {exc.path} is {exc.what}.", exc.advice
            return
    if len(text) > LONGEST_ARGUMENTS:
        yield f"{where} has arguments of {len(text):,} bytes.", f"Give at most {LONGEST_ARGUMENTS:,} bytes."


def is_timezone(name: object) -> bool:
    if name == "UTC":
        return True
    from zoneinfo import ZoneInfo  # Imported here, because a worker without schedules doesn't need it.

    try:
        ZoneInfo(name)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, OSError):
        return False
    return True
