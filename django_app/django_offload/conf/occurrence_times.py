"""
When a schedule runs next, by the rules of EventBridge Scheduler.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html gives the expressions and, under
"Daylight savings time", three rules:

- A local time that the clock jumps over in spring is skipped.
- A local time that the clock shows twice in autumn runs once. AWS doesn't say which of the two, but that the
  second one is not repeated, so that here the first one runs.
- A rate counts elapsed time. A day has 24 hours, also when the clock is changed.

AWS documents 'L', 'W' and '#' by example only. Where it says nothing, this is decided: 'L' alone is Saturday,
the last day of AWS's week. '15W' stays in its month, and '31W' needs a month with 31 days. A step in a range
that wraps counts on over the end, so that '22-3/2' is 22, 0 and 2.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from .cron import ANY_DAY, DAY_OF_MONTH, DAY_OF_WEEK, EXPRESSION, FIELDS, CronField, cron_problem
from .schedules import RATE_PATTERN, is_timezone

SATURDAY = 7  # In AWS's weekday field, where Sunday is 1.
WEEK = 7
# Of the year field: no occurrence is earlier or later.
FIRST_YEAR, LAST_YEAR = FIELDS[-1].low, FIELDS[-1].high


def next_times(
    when: str, timezone: str, after: datetime, count: int = 1, anchor: datetime | None = None
) -> list[datetime]:
    """
    Return the next `count` times of a schedule after `after`, in UTC; fewer, if it ends before.

    A rate counts from `anchor`, which is its first time, or else from `after`.

    Raise ValueError if the expression, the time zone or a time is invalid.
    """
    for moment in (after, anchor):
        if moment is not None and moment.utcoffset() is None:
            raise ValueError(f"The time {moment} has no time zone. Give an aware datetime.")
    if RATE_PATTERN.fullmatch(when):
        start = after if anchor is None else anchor
        return list(islice(rate_times(when, start.astimezone(UTC), after.astimezone(UTC)), count))
    problem = cron_problem(when)
    if problem is not None:
        raise ValueError(f"The time {when!r} is no schedule: {problem[0]}. {problem[1]}")
    if not is_timezone(timezone):
        raise ValueError(f"There is no time zone {timezone!r}. Give a name such as 'Europe/Zurich'.")
    return list(islice(cron_times(when, ZoneInfo(timezone), after), count))


def rate_times(when: str, anchor: datetime, after: datetime) -> Iterator[datetime]:
    number, unit = when.removeprefix("rate(").removesuffix(")").split(" ")
    step = timedelta(**{unit.rstrip("s") + "s": int(number)})
    # The anchor is the first time, as a schedule's StartDate is on AWS. Nothing comes before it.
    passed = 0 if anchor > after else (after - anchor) // step + 1
    try:
        time = anchor + passed * step
        while True:
            yield time
            time += step
    except OverflowError:  # After the year 9999.
        return


def cron_times(when: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the times of a valid cron expression after `after`, in UTC."""
    if after.year > LAST_YEAR + 1:
        return
    after = max(after.astimezone(UTC), datetime(FIRST_YEAR - 1, 12, 30, tzinfo=UTC))
    for local in local_times(when, after.astimezone(zone).replace(tzinfo=None)):
        # fold is 0: of a time that the clock shows twice, this is the first.
        time = local.replace(tzinfo=zone).astimezone(UTC)
        # A time that the clock jumps over doesn't come back from UTC as it was. In the second of two equal
        # hours, the first one's times are local times to come, but over.
        if time > after and time.astimezone(zone).replace(tzinfo=None) == local:
            yield time


def local_times(when: str, after: datetime) -> Iterator[datetime]:
    """Yield what a clock on the wall shows when an expression matches, after `after`, without a time zone."""
    fields = Fields.parse(when)
    for year in fields.years:
        for month in fields.months if year >= after.year else ():
            if (year, month) < (after.year, after.month):
                continue
            for day in fields.days(year, month):
                if (year, month, day) < (after.year, after.month, after.day):
                    continue
                for hour in fields.hours:
                    for minute in fields.minutes:
                        local = datetime(year, month, day, hour, minute)  # noqa: DTZ001, a clock on the wall
                        if local > after:
                            yield local


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The values of a cron expression's fields."""

    minutes: list[int]
    hours: list[int]
    months: list[int]
    years: list[int]
    day: str
    weekday: str

    @classmethod
    def parse(cls, when: str) -> "Fields":
        match = EXPRESSION.fullmatch(when.upper().replace("CRON", "cron", 1))
        if match is None:
            raise ValueError(f"The time {when!r} is no cron expression.")
        texts = match[1].split(" ")
        minutes, hours, _, months, _, years = (
            [] if place in {DAY_OF_MONTH, DAY_OF_WEEK} else sorted(values(field, text))
            for place, (field, text) in enumerate(zip(FIELDS, texts, strict=True))
        )
        day, weekday = texts[DAY_OF_MONTH], texts[DAY_OF_WEEK]
        return cls(minutes=minutes, hours=hours, months=months, years=years, day=day, weekday=weekday)

    def days(self, year: int, month: int) -> list[int]:
        """Return the days of a month that match, in order."""
        first, length = monthrange(year, month)  # The first day's weekday, where Monday is 0.
        if self.weekday == ANY_DAY:
            found = (day for item in self.day.split(",") for day in days_by_date(item, first, length))
        else:
            found = (day for item in self.weekday.split(",") for day in days_by_weekday(item, first, length))
        return sorted({day for day in found if 1 <= day <= length})


def values(field: CronField, text: str) -> set[int]:
    """Return the values of a field without 'L', 'W', '#' and '?'."""
    found: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = span.partition("-")
        low = field.low if first == "*" else number(field, first)
        to_the_end = field.high if slash or first == "*" else low
        high = number(field, last) if dash else to_the_end
        size = field.high - field.low + 1
        over = high + size if high < low else high  # The end of a range that wraps.
        found.update(
            (value - field.low) % size + field.low for value in range(low, over + 1, int(step or "1"))
        )
    return found


def number(field: CronField, text: str) -> int:
    value = field.number(text)
    if value is None:
        raise ValueError(f"The field {field.name!r} has no value {text!r}.")
    return value


def days_by_date(item: str, first: int, length: int) -> set[int]:
    """Return the days of a month that an item of the field 'day of month' means."""
    if item == "L":
        return {length}
    if item == "LW":
        return {nearest_weekday(length, first, length)}
    if item.endswith("W"):
        day = int(item.removesuffix("W"))
        return {nearest_weekday(day, first, length)} if day <= length else set()
    return values(FIELDS[DAY_OF_MONTH], item)


def nearest_weekday(day: int, first: int, length: int) -> int:
    """Return the day from Monday to Friday that is nearest, in the same month."""
    weekday = (first + day - 1) % WEEK
    if weekday == 5:  # Saturday: the Friday before, or in a new month the Monday after.
        return day - 1 if day > 1 else day + 2
    if weekday == 6:  # Sunday: the Monday after, or at the month's end the Friday before.
        return day + 1 if day < length else day - 2
    return day


def days_by_weekday(item: str, first: int, length: int) -> set[int]:
    """Return the days of a month that an item of the field 'day of week' means."""
    field = FIELDS[DAY_OF_WEEK]
    if item == "L":
        return days_of({SATURDAY}, first, length)
    if "#" in item:
        weekday, _, place = item.partition("#")
        return {min(days_of({number(field, weekday)}, first, length)) + WEEK * (int(place) - 1)}
    if item.endswith("L"):
        return {max(days_of({number(field, item.removesuffix("L"))}, first, length))}
    return days_of(values(field, item), first, length)


def days_of(weekdays: set[int], first: int, length: int) -> set[int]:
    # `first` counts from Monday, AWS's weekdays from Sunday, which is 1.
    return {day for day in range(1, length + 1) if (first + day) % WEEK + 1 in weekdays}
