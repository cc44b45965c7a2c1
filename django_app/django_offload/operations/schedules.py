"""Look at schedules, pause and resume them, and enqueue one occurrence of a schedule."""

from dataclasses import dataclass
from datetime import datetime

from ..conf import Options
from ..conf.schedules import Recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """A schedule, and what the table knows of it."""

    alias: str
    name: str
    recurrence: Recurrence
    paused_at: datetime | None  # Since when it is paused.
    last_at: datetime | None  # The time of its last occurrence.
    last_id: str | None  # The id of that occurrence's task, whose record may be gone.
    last_skipped_at: datetime | None  # The time of the last occurrence that overlap="skip" left out.
    next_times: tuple[datetime, ...]  # At most three, in UTC.


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurred:
    """What became of one occurrence of a schedule."""

    task_id: str | None  # None: nothing was enqueued, because the schedule is paused.
    is_skipped: bool = False  # `task_id` is the task of an earlier occurrence, which still lives.


def schedule_states(now: datetime | None = None) -> list[ScheduleState]:
    """Return every schedule of TASKS and of decorated tasks, with its state, in the order of TASKS."""
    raise NotImplementedError


def pause(options: Options, name: str, now: datetime | None = None) -> bool:
    """
    Pause a schedule: its occurrences enqueue nothing until it is resumed.

    Return False if it was paused already. Raise UnknownSchedule if the alias has no such schedule.
    """
    raise NotImplementedError


def resume(options: Options, name: str, now: datetime | None = None) -> bool:
    """Resume a schedule. Return False if it wasn't paused. Raise UnknownSchedule."""
    raise NotImplementedError


def run_now(options: Options, name: str, at: datetime) -> str:
    """
    Enqueue an occurrence at this instant, even while the schedule is paused, and return the task's id.

    With overlap="skip" this is the task of an earlier occurrence, if that still lives.
    """
    raise NotImplementedError


def enqueue_occurrence(
    options: Options, name: str, at: datetime, now: datetime, *, is_asked_for: bool = False
) -> Occurred:
    """Enqueue the task of one occurrence, once, however often this is called for it."""
    raise NotImplementedError
