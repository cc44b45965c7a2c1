"""
Hold the times of schedules against a cron library, in several zones, away from the nights of a clock change.

`make schedule-times` compares 1,000 expressions in 8 zones over 2 years. The tests compare a sample.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from django_offload.conf.crontab import aws_expression
from django_offload.conf.occurrence_times import next_times

ZONES = (
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",
)
# Written as crontab and as AWS's field, for what crontab doesn't have.
LAST_DAYS = (("L", "L"), ("LW", "LW"))
WEEKDAYS_OF_MONTH = (("5L", "6L"), ("0L", "SUNL"), ("1#1", "2#1"), ("3#5", "WED#5"), ("6#2", "7#2"))


@dataclass(slots=True, kw_only=True)
class Counts:
    expressions: int = 0
    compared: int = 0
    equal: int = 0
    left_out: int = 0


def field(draw: random.Random, low: int, high: int, wide: float) -> str:
    """Return a field of crontab. `wide` is how often it isn't one value."""
    if draw.random() > wide:
        return str(draw.randint(low, high))
    first, second = sorted(draw.sample(range(low, high + 1), 2))
    return draw.choice(
        (
            f"{first},{second}",
            f"{first}-{second}",
            f"{first}-{second}/{draw.randint(1, high)}",
            f"*/{draw.randint(2, high)}",
            f"{first},{first}-{second}/2",
        )
    )


def expression(draw: random.Random) -> tuple[str, str]:
    """Return a schedule as crontab's five fields (the library's) and as AWS's."""
    minute, hour = (
        field(draw, 0, 59, 0.1),
        draw.choice(("*", field(draw, 0, 23, 0.5), field(draw, 0, 23, 0.5))),
    )
    month = draw.choice(("*", field(draw, 1, 12, 0.6)))
    if draw.random() < 0.2:
        day, aws_day = draw.choice(LAST_DAYS)
        return f"{minute} {hour} {day} {month} *", on_aws(minute, hour, month, aws_day, "?")
    if draw.random() < 0.2:
        weekday, aws_weekday = draw.choice(WEEKDAYS_OF_MONTH)
        return f"{minute} {hour} * {month} {weekday}", on_aws(minute, hour, month, "?", aws_weekday)
    days = draw.choice((("*", "*"), (field(draw, 1, 28, 0.6), "*"), ("*", field(draw, 0, 7, 0.7))))
    five = f"{minute} {hour} {days[0]} {month} {days[1]}"
    return five, aws_expression(five)


def on_aws(minute: str, hour: str, month: str, day: str, weekday: str) -> str:
    minute, hour, _, month, _, year = aws_expression(f"{minute} {hour} * {month} *")[5:-1].split(" ")
    return f"cron({minute} {hour} {day} {month} {weekday} {year})"


def change_days(zone: ZoneInfo, start: datetime, end: datetime) -> set[date]:
    """Return the local days around each change of the clock."""
    found = set()
    moment = start - timedelta(days=2)
    while moment < end + timedelta(days=2):
        later = moment + timedelta(days=1)
        if moment.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            found |= {moment.astimezone(zone).date() + timedelta(days=days) for days in (-1, 0, 1, 2)}
        moment = later
    return found


def library_times(five: str, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    times = (time.astimezone(UTC) for time in CronSim(five, start.astimezone(zone)))
    return takewhile(lambda time: time <= end, times)


def our_times(when: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    after = start
    while times := next_times(when, zone, after, 100):
        for time in times:
            if time > end:
                return
            yield time
        after = times[-1]


def compare(seed: int, expressions: int, starts: list[datetime], days: int) -> Counts:
    """Compare random expressions, each in every zone. Raise AssertionError at the first difference."""
    draw = random.Random(seed)
    counts = Counts(expressions=expressions)
    changes: dict[tuple[str, datetime], set[date]] = {}
    for number in range(expressions):
        five, when = expression(draw)
        start = starts[number % len(starts)]
        end = start + timedelta(days=days)
        for name in ZONES:
            zone = ZoneInfo(name)
            if (name, start) not in changes:
                changes[name, start] = change_days(zone, start, end)
            left_out = changes[name, start]
            theirs, ours = (
                list(times)
                for times in (library_times(five, zone, start, end), our_times(when, name, start, end))
            )
            kept = [
                [time for time in times if time.astimezone(zone).date() not in left_out]
                for times in (theirs, ours)
            ]
            assert kept[0] == kept[1], (
                f"{five!r} is {when!r} in {name} after {start}: they differ at"
                f" {sorted(set(kept[0]) ^ set(kept[1]))[:3]} (seed {seed})"
            )
            counts.compared += len(kept[1])
            counts.equal += len(set(kept[0]) & set(kept[1]))
            counts.left_out += len(ours) - len(kept[1])
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--expressions", type=int, default=1000)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    counts = compare(seed, options.expressions, [datetime(2026, 1, 1, tzinfo=UTC)], 730)
    sys.stdout.write(
        f"{counts.expressions:,} expressions in {len(ZONES)} zones over 2 years (seed {seed}):"
        f" {counts.compared:,} times compared, {counts.equal:,} equal;"
        f" {counts.left_out:,} times left out, in nights with a clock change.\n"
    )


if __name__ == "__main__":
    main()
