"""The option `schedule` of a task: when AWS enqueues it again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as short
from typing import Any

from ..compat import InvalidTask

# Of every(), from the longest: its minutes, and the unit in a rate of AWS.
UNITS = ((1_440, "day"), (60, "hour"), (1, "minute"))
CRON_TAKES = "five fields as one text, and timezone, name, args, kwargs and overlap by name"
EVERY_TAKES = "minutes, hours, days and weeks by name, because AWS counts whole minutes"
EXAMPLES = 'Write schedule=cron("0 3 * * *", timezone="Europe/Zurich"), or schedule=every(minutes=15).'


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """
    When a task is enqueued again and again, and with which arguments. cron() and every() make one.

    Only types are looked at here, because an exception would stop the import of the task's module. The system
    checks report the rest, and so does `offload_template` before anything is deployed.
    """

    written: str  # Five fields of a crontab, or what every() made: `rate(15 minutes)`.
    timezone: str = "UTC"
    # Part of its name in AWS; by default the name of the task or of its function.
    name: str = ""
    args: tuple[Any, ...] = field(default=(), hash=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    overlap: str = "queue"

    @property
    def when(self) -> str:
        """The time as AWS writes it. Raise ValueError if AWS can't express it."""
        if self.written.startswith("rate("):
            return self.written
        from ..conf.crontab import aws_expression  # Imported here, because a worker needs no times.

        return aws_expression(self.written)


def cron(
    text: str = "",
    *more: object,
    timezone: str = "UTC",
    name: str = "",
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    overlap: str = "queue",
    **others: object,
) -> Schedule:
    """
    Return a schedule with the five fields of a crontab: minute, hour, day of month, month, day of week.

    Raise InvalidTask for other arguments, or of the wrong type. The system checks report other mistakes.
    """
    refuse("cron()", CRON_TAKES, more, others)
    # A ZoneInfo has its name as `key`.
    timezone = getattr(timezone, "key", timezone)
    require("cron()", str, text=text, timezone=timezone)
    return schedule("cron()", text.strip(), timezone, name, args, kwargs, overlap)


def every(
    *more: object,
    minutes: int = 0,
    hours: int = 0,
    days: int = 0,
    weeks: int = 0,
    name: str = "",
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    overlap: str = "queue",
    **others: object,
) -> Schedule:
    """
    Return a schedule with a period of whole minutes, which begins when the schedule is deployed.

    A day has 24 hours, also where clocks change. Raise InvalidTask if there is no such period.
    """
    refuse("every()", EVERY_TAKES, more, others)
    counts = {"minutes": minutes, "hours": hours, "days": days, "weeks": weeks}
    for unit, count in counts.items():
        if type(count) is not int or not 0 <= count < 10**9:
            raise InvalidTask(f"every({unit}={short(count)}) is no period. Give a whole number above 0.")
    total = minutes + 60 * hours + 1_440 * (days + 7 * weeks)
    if not total:
        raise InvalidTask("every() needs a period. Write every(minutes=15), or hours, days or weeks.")
    count, unit = next((total // size, unit) for size, unit in UNITS if total % size == 0)
    if count >= 10**9:
        raise InvalidTask(f"every() of {count:,} {unit}s is too long. Give a shorter period.")
    written = f"rate({count} {unit}{'' if count == 1 else 's'})"
    return schedule("every()", written, "UTC", name, args, kwargs, overlap)


def schedule(
    function: str,
    written: str,
    timezone: str,
    name: str,
    args: Any,
    kwargs: Mapping[str, Any] | None,
    overlap: str,
) -> Schedule:
    require(function, str, name=name, overlap=overlap)
    require(function, (list, tuple), args=args)
    require(function, (Mapping, type(None)), kwargs=kwargs)
    return Schedule(
        written=written,
        timezone=timezone,
        name=name,
        args=tuple(args),
        kwargs=dict(kwargs or {}),
        overlap=overlap,
    )


def refuse(function: str, takes: str, more: tuple[object, ...], others: Mapping[str, object]) -> None:
    """Raise InvalidTask if cron() or every() got arguments that it doesn't take."""
    if more or others:
        unknown = ", ".join([*map(short, more), *sorted(others)])
        raise InvalidTask(f"{function} doesn't take {unknown}. It takes {takes}. {EXAMPLES}")


def require(function: str, kind: Any, **arguments: object) -> None:
    """Raise InvalidTask if an argument of cron() or every() isn't of a type."""
    for argument, value in arguments.items():
        if not isinstance(value, kind):
            expected = {"args": "a list", "kwargs": "a dictionary"}.get(argument, "text")
            raise InvalidTask(f"{function}: {argument} is {short(value)}. Give {expected}. {EXAMPLES}")


def check_schedule(value: object) -> None:
    """Raise InvalidTask if the option `schedule` of a task isn't a schedule."""
    if not isinstance(value, Schedule):
        raise InvalidTask(f"schedule is {short(value)}. {EXAMPLES}")


def schedule_name(task: Any) -> str:
    """Return the name of a task's schedule: its own, or else the task's or the function's name."""
    return task.schedule.name or str(task.name).replace(".", "-")
