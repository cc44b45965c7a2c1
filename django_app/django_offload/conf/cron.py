"""
Cron expressions of EventBridge Scheduler, field by field.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

import re
from dataclasses import dataclass

EXPRESSION = re.compile(r"cron\((\S+(?: \S+)*)\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NUMBER = re.compile(r"[0-9]{1,4}")
ANY_DAY = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class CronField:
    """One of the six fields: its name in AWS's documentation, and what it takes."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()  # Of its values, from `low` on.
    steps: bool = True  # Does it take "0/5"?
    wraps: bool = True  # May a range go over the end, as in "22-2"?
    special: re.Pattern[str] | None = None  # What else it takes, with a group `value`.
    hint: str = ""  # How to write what else it takes.

    def problem(self, text: str) -> str | None:
        """Return what is wrong with the text of this field, or None."""
        for item in text.split(","):
            if item == ANY_DAY and self.special is not None:
                if text != ANY_DAY:
                    return f"{ANY_DAY!r} can't be part of a list"
            elif not self.takes(item):
                return f"{item!r} is none of its values" if item else "it has an empty value"
        if "#" in text and "," in text:
            return "a value with '#' can't be part of a list"
        return None

    def takes(self, item: str) -> bool:
        values, slash, step = item.partition("/")
        if slash and not (self.steps and NUMBER.fullmatch(step) and 1 <= int(step) <= self.high):
            return False
        if values == "*":
            return True
        first, dash, last = values.partition("-")
        start, end = self.number(first), self.number(last)
        if start is not None and (not dash or (end is not None and (self.wraps or start <= end))):
            return True
        match = self.special.fullmatch(values.upper()) if self.special is not None and not slash else None
        return match is not None and (not match["value"] or self.number(match["value"]) is not None)

    def number(self, text: str) -> int | None:
        """Return a number or a name as a number, or None if this field has no such value."""
        name = text.upper()
        if name in self.names:
            return self.low + self.names.index(name)
        value = int(text) if NUMBER.fullmatch(text) else -1
        return value if self.low <= value <= self.high else None

    @property
    def advice(self) -> str:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        steps = ", '0/5'" if self.steps else ""
        return f"Write {self.low} to {self.high}{names}, a list '1,2', a range '1-2'{steps}, '*'{self.hint}."


FIELDS = (
    CronField(name="minutes", low=0, high=59),
    CronField(name="hours", low=0, high=23),
    CronField(
        name="day of month",
        low=1,
        high=31,
        special=re.compile(r"(?:LW?|(?P<value>[0-9]{1,2})W)"),
        hint=", '?', 'L' (the last), '15W' (the nearest weekday) or 'LW' (the last weekday)",
    ),
    CronField(name="month", low=1, high=12, names=MONTHS),
    CronField(
        name="day of week",
        low=1,
        high=7,
        names=DAYS,
        steps=False,
        special=re.compile(r"(?P<value>[1-7]|[A-Z]{3})?(?:L|(?<=.)#[1-5])"),
        hint=", '?', '6L' (the last Friday) or '6#1' (the first)",
    ),
    CronField(name="year", low=1970, high=2199, wraps=False),
)
DAY_OF_MONTH, DAY_OF_WEEK = 2, 4


def cron_problem(expression: str) -> tuple[str, str] | None:
    """Return what is wrong with a cron expression, by the name of its field, and what to write instead."""
    match = EXPRESSION.fullmatch(expression)
    texts = match[1].split(" ") if match else []
    if len(texts) != len(FIELDS):
        names = ", ".join(one.name for one in FIELDS)
        return f"it has {len(texts)} fields" if texts else "it isn't a cron expression", f"Write: {names}."
    for one, text in zip(FIELDS, texts, strict=True):
        problem = one.problem(text)
        if problem is not None:
            return f"its field {one.name!r} is {text!r}, and {problem}", one.advice
    day, weekday = texts[DAY_OF_MONTH], texts[DAY_OF_WEEK]
    if (day == ANY_DAY) == (weekday == ANY_DAY):
        return (
            f"its day of month is {day!r} and its day of week {weekday!r}",
            "Write '?' in exactly one of the two, because AWS takes no expression with both.",
        )
    return None
