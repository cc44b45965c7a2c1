"""
The five fields of crontab as an expression of EventBridge Scheduler.

crontab is what Vixie cron reads. Each field is read into the set of its values and written anew, so that what
AWS counts otherwise (weekdays) or doesn't take (steps of weekdays) is right in every spelling. Two things are
decided here: '5/15' is refused, because crons disagree on it, and a range may go over the end only in names
('FRI-MON'), because no cron takes '6-1'.
"""

import re
from dataclasses import dataclass

from .cron import ANY_DAY, DAYS, MONTHS, NUMBER
from .plain_values import shown

BLANKS = re.compile(r"[ \t]+")
ANY = "*"
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
AWS_TEXT = "AWS's own six fields go into OPTIONS['schedules'], as 'cron(0 3 L * ? *)'."
SHORTEST_ROW = 3  # This many values in a row are written as a step or a range.
LONGEST_ADVICE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CrontabField:
    """One of the five fields."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()  # Of its values, from `low` on.

    def values(self, text: str) -> set[int]:
        """Return the values that the text of this field means. Raise ValueError if it means none."""
        found: set[int] = set()
        for item in text.split(","):
            if not item:
                raise self.error(text, "it has an empty value")
            found.update(self.item(text, item))
        return found

    def item(self, text: str, item: str) -> range | set[int]:
        span, slash, step = item.partition("/")
        if slash and not (NUMBER.fullmatch(step) and 1 <= int(step) <= self.high):
            raise self.error(text, f"{shown(step)} is no step", f"Write a step from 1 to {self.high}.")
        by = int(step or "1")
        if span == ANY:
            return range(self.low, self.high + 1, by)
        first, dash, last = span.partition("-")
        start = self.number(text, first)
        if not dash:
            if slash:
                advice = f"Write '{first}-{self.high}/{step}', or '*/{step}'."
                raise self.error(text, f"{shown(item)} has a step, but no range", advice)
            return {start}
        end = self.number(text, last)
        if start <= end:
            return range(start, end + 1, by)
        if NUMBER.fullmatch(first) or NUMBER.fullmatch(last):
            advice = f"Write '{start}-{self.high},{self.low}-{end}'." if not slash else "Write a list."
            raise self.error(text, f"the range {shown(span)} goes backwards", advice)
        size = len(self.names)
        return {(value - self.low) % size + self.low for value in range(start, end + size + 1, by)}

    def number(self, text: str, value: str) -> int:
        if value.upper() in self.names:
            return self.low + self.names.index(value.upper())
        number = int(value) if NUMBER.fullmatch(value) else -1
        if not self.low <= number <= self.high:
            raise self.error(text, f"{shown(value)} is none of its values")
        return number

    def error(self, text: str, problem: str, advice: str = "") -> ValueError:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        general = f"Write {self.low} to {self.high}{names}, a list '1,2', a range '1-2', '*' or '*/2'."
        if re.search(r"[LW#?]", text.upper()) and not advice:
            general = f"{general} {AWS_TEXT}"
        return ValueError(f"The field {self.name!r} is {shown(text)}, and {problem}. {advice or general}")


MINUTE = CrontabField(name="minute", low=0, high=59)
HOUR = CrontabField(name="hour", low=0, high=23)
DAY = CrontabField(name="day of month", low=1, high=31)
MONTH = CrontabField(name="month", low=1, high=12, names=MONTHS)
WEEKDAY = CrontabField(name="day of week", low=0, high=7, names=DAYS)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def aws_expression(five_fields: str) -> str:
    """
    Return the five fields of crontab as AWS's `cron(...)` of six.

    Raise ValueError, with a sentence that names the field and says what to write, if the text isn't a line of
    crontab's times, or AWS can't express it.
    """
    texts = split(five_fields)
    minute, hour = MINUTE.values(texts[0]), HOUR.values(texts[1])
    month = MONTH.values(texts[3])
    day, weekday = day_fields(texts, month)
    parts = (written(minute, MINUTE), written(hour, HOUR), day, written(month, MONTH, texts[3]), weekday, ANY)
    # In its longest form this has 254 characters, and AWS takes 256.
    return f"cron({' '.join(parts)})"


def split(five_fields: str) -> list[str]:
    if not isinstance(five_fields, str):
        raise ValueError(f"The times {shown(five_fields)} are no text. Write five fields, as '0 3 * * *'.")
    text = five_fields.strip(" \t")
    if text.lower() == "@reboot":
        raise ValueError("'@reboot' has no time on AWS, where no machine starts. Write five fields.")
    if text.startswith("@") and text.lower() not in NICKNAMES:
        raise ValueError(f"{shown(text)} is no time. Write five fields, or one of: {', '.join(NICKNAMES)}.")
    texts = BLANKS.split(NICKNAMES.get(text.lower(), text)) if text else []
    if len(texts) != len(FIELDS):
        names = ", ".join(field.name for field in FIELDS)
        raise ValueError(
            f"The times {shown(five_fields)} have {len(texts)} fields. Write five: {names}. {AWS_TEXT}"
        )
    return texts


def day_fields(texts: list[str], months: set[int]) -> tuple[str, str]:
    """Return AWS's fields 'day of month' and 'day of week', of which exactly one is '?'."""
    day, month, weekday = texts[2:]
    if day == weekday == ANY_DAY:
        raise DAY.error(day, "so is the field 'day of week'", "Write '*' in at least one of the two.")
    days = set(range(1, 32)) if day == ANY_DAY else DAY.values(day)
    weekdays = set(range(7)) if weekday == ANY_DAY else {value % 7 for value in WEEKDAY.values(weekday)}
    every_day, every_weekday = len(days) == DAY.high, len(weekdays) == len(DAYS)
    # Vixie cron wants both where one of the fields begins with '*', and else one of the two.
    both = day[0] in "*?" or weekday[0] in "*?"
    if (every_day and every_weekday) or (not both and (every_day or every_weekday)):
        return ANY, ANY_DAY
    if every_day:
        return ANY_DAY, written({value + 1 for value in weekdays}, AWS_WEEKDAY, weekday)
    if not every_weekday:
        raise both_days(texts, both=both)
    if min(days) > max(LONGEST_MONTHS[value - 1] for value in months):
        raise DAY.error(day, f"no month of {shown(month)} has such a day", "Write a day that comes.")
    return written(days, DAY), ANY_DAY


def both_days(texts: list[str], *, both: bool) -> ValueError:
    minute, hour, day, month, weekday = texts
    problem = (
        f"the field 'day of week' is {shown(weekday)}: AWS takes a day of month or a day of week, not both"
    )
    if both:
        # Two schedules would run on either day, and crontab means the days that are both.
        advice = "Write '*' in one of the two, and let the task look at the other."
    else:
        first, second = f"{minute} {hour} {day} {month} *", f"{minute} {hour} * {month} {weekday}"
        is_short = len(first) + len(second) <= LONGEST_ADVICE
        two = f"'{first}' and '{second}'" if is_short else "one for each of the two fields"
        advice = f"Write two schedules: {two}."
    return DAY.error(day, problem, advice)


AWS_WEEKDAY = CrontabField(name="day of week", low=1, high=7, names=DAYS)


def written(values: set[int], field: CrontabField, text: str = "") -> str:
    """Return values as AWS writes them: '*', a step, or a list with ranges; in names if `text` has names."""
    if len(values) == field.high - field.low + 1:
        return ANY
    ordered = sorted(values)
    step = ordered[1] - ordered[0] if len(ordered) >= SHORTEST_ROW else 0
    if step > 1 and not field.names and ordered == list(range(ordered[0], field.high + 1, step)):
        return f"{ordered[0]}/{step}"
    in_names = bool(field.names) and bool(re.search("[A-Za-z]", text))
    names = {value: field.names[value - field.low] if in_names else str(value) for value in ordered}
    items = []
    while ordered:
        size = next((i for i, value in enumerate(ordered) if value != ordered[0] + i), len(ordered))
        run, ordered = ordered[:size], ordered[size:]
        if size >= SHORTEST_ROW:
            items.append(f"{names[run[0]]}-{names[run[-1]]}")
        else:
            items += [names[value] for value in run]
    return ",".join(items)
