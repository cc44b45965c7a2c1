"""
When a rule is due on this machine.

A rate counts seconds from its start. A cron follows the clock of the machine, which may be set, and which
jumps when a laptop wakes up.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from datetime import UTC, datetime, timedelta

from ...conf.occurrence_times import next_times
from ...stack.schedules import LONGEST_SECONDS

logger = logging.getLogger("django_offload.local")

# Scheduler gives up an event after so long. So does this machine after it slept.
LATEST = timedelta(seconds=LONGEST_SECONDS)
# So many occurrences aren't repeated if the clock is set back: those of a day, one each minute.
REMEMBERED = 1_440


def utc_now() -> datetime:
    return datetime.now(UTC)


class Timer(ABC):
    """Knows when one rule is due."""

    @abstractmethod
    def take(self, now: datetime) -> datetime | None:
        """Return the time for which the rule is due, once, or None if it isn't due."""

    @abstractmethod
    def next_at(self, now: datetime) -> datetime | None:
        """Return the next time, or None if there is none."""

    @abstractmethod
    def seconds(self, now: datetime) -> float:
        """Return how long to wait for the next time."""


class RateTimer(Timer):
    """Is due every period. The first time comes after `first_seconds`, or after one period."""

    def __init__(self, period: timedelta, *, first_seconds: float | None = None) -> None:
        self._period = period.total_seconds()
        self._due = time.monotonic() + (self._period if first_seconds is None else first_seconds)

    def take(self, now: datetime) -> datetime | None:
        if time.monotonic() < self._due:
            return None
        self._due = time.monotonic() + self._period
        return now

    def next_at(self, now: datetime) -> datetime | None:
        return now + timedelta(seconds=self.seconds(now))

    def seconds(self, now: datetime) -> float:
        return max(0.0, self._due - time.monotonic())


class CronTimer(Timer):
    """
    Is due at the times of a cron expression in a time zone.

    If the machine slept over several times, it is due once, for the latest one, unless that is older than
    Scheduler retries an event. If the clock is set back, times that were taken don't come again. Raise
    ValueError if the expression is none of AWS's.
    """

    def __init__(self, name: str, expression: str, timezone: str, now: datetime) -> None:
        self._name, self._expression, self._timezone = name, expression, timezone
        self._taken: deque[datetime] = deque(maxlen=REMEMBERED)
        self._looked_at = now  # Up to when times were looked for.
        self._next = self._after(now)

    def take(self, now: datetime) -> datetime | None:
        if now < self._looked_at:  # The clock was set back.
            self._next = self._after(now)
        self._looked_at = now
        latest, missed = None, False
        if self._next is not None and self._next < now - LATEST:
            missed, self._next = True, self._after(now - LATEST)
        while self._next is not None and self._next <= now:
            latest, missed = self._next, missed or latest is not None
            self._next = self._after(latest)
        if missed:
            run = f"only that of {latest:%Y-%m-%d %H:%M %Z} is run" if latest else "none of them is run"
            logger.info("Schedule %s: this machine slept through some of its times; %s", self._name, run)
        if latest is None or latest in self._taken:
            return None
        self._taken.append(latest)
        return latest

    def next_at(self, now: datetime) -> datetime | None:
        return self._next if now >= self._looked_at else self._after(now)

    def seconds(self, now: datetime) -> float:
        if now < self._looked_at:
            return 0.0  # To look anew.
        return max(0.0, (self._next - now).total_seconds()) if self._next is not None else float("inf")

    def _after(self, instant: datetime) -> datetime | None:
        times = next_times(self._expression, self._timezone, instant, 1)
        return times[0] if times else None
