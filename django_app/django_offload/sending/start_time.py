"""The time before which a task must not start: its `run_after` in UTC, if anything can wait for it."""

from datetime import UTC, datetime

from django.utils import timezone

from ..compat import InvalidTask
from ..conf import Options
from ..protocol.record import LONGEST_DELAY

# Of `run_after`: what is computed from it has to be a datetime too.
FIRST_YEAR, LAST_YEAR = 1, 9_000


def start_time(run_after: datetime, name: str, options: Options, now: datetime) -> datetime:
    """Return the `run_after` of the named task in UTC. Raise InvalidTask if nothing can wait for it."""
    # A naive datetime is in the project's time zone.
    aware = run_after if timezone.is_aware(run_after) else timezone.make_aware(run_after)
    if not FIRST_YEAR < aware.year < LAST_YEAR:
        raise InvalidTask(
            f"run_after of task {name} is in the year {aware.year}, with which nothing can be computed. "
            f"Give a year between {FIRST_YEAR} and {LAST_YEAR}."
        )
    run_after = aware.astimezone(UTC)
    if not options.record_at_enqueue and run_after - now > LONGEST_DELAY:
        raise InvalidTask(
            f"run_after of task {name} is over {LONGEST_DELAY} away, which only a record can wait for. "
            "Give an earlier time, or remove OPTIONS['record_at_enqueue']."
        )
    return run_after
