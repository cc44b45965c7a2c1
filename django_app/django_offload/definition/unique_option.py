"""The options `unique` and `unique_for` of a task, and their validation."""

from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutinefunction, signature
from reprlib import repr as short
from typing import Any

from ..compat import InvalidTask
from .option_checks import LONGEST_DURATION

# With this value a key is free again as soon as its task has started, not only when it has ended.
QUEUED = "queued"

type Unique = bool | str | Callable[..., object]


def check_unique(task: Any) -> None:
    """Raise InvalidTask if `unique` or `unique_for` of a task has an invalid value."""
    unique = task.unique
    if not (isinstance(unique, bool) or unique == QUEUED or callable(unique)):
        raise InvalidTask(
            f"unique is {short(unique)}. Give True, 'queued', or a function of the task's arguments that "
            "returns the key."
        )
    if iscoroutinefunction(unique):
        raise InvalidTask("unique is a coroutine function. Give a plain function of the task's arguments.")
    if isinstance(unique, type) or (callable(unique) and not is_readable(unique)):
        raise InvalidTask(f"unique is {short(unique)}. Give a function whose parameters can be read.")
    if task.unique_for is not None and not unique:
        raise InvalidTask("unique_for says how long a unique task keeps its key, so it needs unique=True.")
    if task.unique_for is not None and not timedelta(0) < task.unique_for <= LONGEST_DURATION:
        raise InvalidTask(
            f"unique_for is {task.unique_for}. Give seconds or a timedelta above 0, of at most "
            f"{LONGEST_DURATION.days:,} days."
        )


def is_readable(function: Callable[..., object]) -> bool:
    try:
        signature(function)
    except (TypeError, ValueError):
        return False
    return True
