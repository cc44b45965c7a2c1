"""One occurrence of a schedule in a test, through the event with which Scheduler starts the sweeper."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.timezone import get_default_timezone, is_aware, make_aware

from ..compat import signals, task_backends
from ..conf import Options, configured
from ..operations.schedules import declaring
from ..stack.schedules import AT, event_text
from ..worker import sweep
from .events import Invocation

Clock = Callable[[], datetime]
# Scheduler's times are whole seconds, so that a time with this added becomes the next one.
JUST_UNDER_A_SECOND = timedelta(microseconds=999_999)

# Records count from 1970, and their ends lie years after a time.
YEARS = range(1971, 9_001)


def schedule_event(name: str, alias: str, at: datetime) -> dict[str, Any]:
    """Return the event with which Scheduler tells the sweeper of a schedule's time, in whole seconds."""
    event: dict[str, Any] = json.loads(event_text(alias, name))
    return {key: f"{at:%Y-%m-%dT%H:%M:%SZ}" if value == AT else value for key, value in event.items()}


def occur(name: str, at: datetime | None, alias: str | None, clock: Clock) -> Any:
    """Tell the sweeper of a schedule's time, and return what it enqueues, or None if it enqueues nothing."""
    options = options_of(name, alias)
    # Not before now, because a schedule that was resumed in this second was still paused at its beginning.
    at = clock() + JUST_UNDER_A_SECOND if at is None else instant_of(at)
    results: list[Any] = []

    def listen(sender: type, task_result: Any, **kwargs: Any) -> None:
        results.append(task_result)

    signals.task_enqueued.connect(listen)
    try:
        event = schedule_event(name, options.alias, at)
        sweep.handler(event, Invocation(options.function("sweeper"), clock=clock), told_in_time(at, clock))
    finally:
        signals.task_enqueued.disconnect(listen)
    if not results:
        return None
    result = results[-1]
    if options.record_at_enqueue:
        return task_backends[options.alias].get_result(result.id)
    return result


def told_in_time(at: datetime, clock: Clock) -> Clock:
    """
    Return a clock for one event of the sweeper, which accepts only those within a day of their time.

    A test names any time, and next year its date is long gone. So the event comes at its time, and everything
    that follows from it happens at the time of the test's clock.
    """
    times = iter((at,))
    return lambda: next(times, None) or clock()


def options_of(name: str, alias: str | None) -> Options:
    """Return the options of the alias that has a schedule of this name. Raise UnknownSchedule if none has."""
    known = configured()
    if alias is not None and alias not in known:
        raise ValueError(f"TASKS has no alias '{alias}' of django_offload. Choose one of {', '.join(known)}.")
    having = declaring(name, known if alias is None else {alias: known[alias]})
    if len(having) > 1:
        aliases = " and ".join(having)
        raise ValueError(f"The aliases {aliases} have a schedule '{name}'. Choose one: alias='{having[0]}'.")
    return known[having[0]]


def instant_of(at: object) -> datetime:
    """Return a time as an aware one, in UTC. A naive one is in the project's time zone."""
    if not isinstance(at, datetime):
        raise TypeError(f"at is {at!r}. Give a datetime, such as datetime(2026, 3, 29, 3, 0).")
    try:
        instant = (at if is_aware(at) else make_aware(at, get_default_timezone())).astimezone(UTC)
    except OverflowError:  # UTC is in year 0 or 10,000 then.
        instant = None
    if instant is None or instant.year not in YEARS:
        raise ValueError(f"at is {at}. Give a time between the years {YEARS[0]} and {YEARS[-1]}.")
    return instant
