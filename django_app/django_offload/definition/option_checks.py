"""The validation of a task's options."""

from datetime import datetime, timedelta
from inspect import signature
from reprlib import repr as short
from typing import Any

from ..compat import InvalidTask
from ..conf import LONGEST_RESULT_TTL, MOST_ATTEMPTS, duration
from ..protocol.json_codec import load
from ..protocol.record_size import is_short_text

# What is computed from a duration has to be a datetime.
LONGEST_DURATION = timedelta(days=36_500)
# Of a task's name, as UTF-8. Every write of a record bills it.
MOST_NAME_BYTES = 500


def check_options(task: Any) -> None:
    """Raise InvalidTask if an option has an invalid value."""
    for name in (task.stable_name, *task.aliases):
        if not is_short_text(name, MOST_NAME_BYTES):
            raise InvalidTask(
                f"A task can't be called {short(name)}. Give a name of at most {MOST_NAME_BYTES} bytes."
            )
    if task.run_after is not None and not isinstance(task.run_after, datetime):
        raise InvalidTask(f"run_after is {short(task.run_after)}. Give a datetime, with a time zone.")
    if task.unique is not False or task.unique_for is not None:
        from .unique_option import check_unique  # Imported here, because few tasks are unique.

        check_unique(task)
    attempts = task.max_attempts
    if task.result_ttl is not None and task.result_ttl > LONGEST_RESULT_TTL:
        raise InvalidTask(f"result_ttl is {task.result_ttl}. Give {LONGEST_RESULT_TTL.days} days or less.")
    is_whole = isinstance(attempts, int) and not isinstance(attempts, bool)
    if attempts is not None and not (is_whole and 1 <= attempts <= MOST_ATTEMPTS):
        raise InvalidTask(f"max_attempts is {attempts!r}. Give a whole number from 1 to {MOST_ATTEMPTS}.")
    for kind in (*task.retry_on, *task.no_retry_on):
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise InvalidTask(f"retry_on and no_retry_on take exception classes, not {kind!r}.")
    backoff = None
    if callable(task.backoff):
        from .backoff import check_backoff  # Imported here, because few tasks have a backoff of their own.

        check_backoff(task.backoff)
    else:
        backoff = duration_option("backoff", task.backoff)
    for option, value in (("timeout", task.timeout), ("backoff", backoff)):
        if value is not None and value > LONGEST_DURATION:
            raise InvalidTask(f"{option} is {value}. Give {LONGEST_DURATION.days:,} days or less.")
    if task.timeout is not None and not task.timeout:
        raise InvalidTask("timeout is 0. Give seconds or a timedelta above 0.")
    missing = set(task.sensitive) - set(signature(task.func).parameters) if task.sensitive else None
    if missing:
        raise InvalidTask(
            f"sensitive names {', '.join(sorted(missing))}, but {task.module_path} has no such parameters. "
            "Give names of its parameters."
        )


def metadata_option(value: object) -> dict[str, Any]:
    """Return a copy of the metadata that nothing else changes."""
    from .metadata import metadata_text  # Imported here, because few tasks have metadata.

    try:
        return load(metadata_text(value))  # type: ignore[no-any-return]
    except ValueError as exc:
        raise InvalidTask(str(exc)) from None


def duration_option(option: str, value: Any) -> timedelta | None:
    try:
        return None if value is None else duration(value)
    except ValueError as exc:
        raise InvalidTask(f"{option}: {exc}. Give seconds or a timedelta.") from exc
