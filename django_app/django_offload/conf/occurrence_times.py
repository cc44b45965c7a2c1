"""The next times of a schedule."""

import re
from datetime import datetime, timedelta

RATE = re.compile(r"rate\(([0-9]+) (minute|hour|day)s?\)")


def next_times(
    when: str, timezone: str, after: datetime, count: int = 1, anchor: datetime | None = None
) -> list[datetime]:
    """Return the next times of a rate, after an instant."""
    match = RATE.fullmatch(when)
    if match is None:
        return []
    period = timedelta(**{f"{match[2]}s": int(match[1])})
    start = anchor or after
    past = max((after - start) // period, 0)
    return [start + period * (past + number) for number in range(1, count + 1)]
