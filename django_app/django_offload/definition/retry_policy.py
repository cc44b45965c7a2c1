"""When a failed attempt is followed by another."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from ..conf import DEFAULT_MAX_ATTEMPTS, Options, duration
from ..exceptions import CallFailed, Cancelled, UnknownTask
from ..protocol.enqueued_task import EnqueuedTask
from .offload_task import AnyTask, Backoff, OffloadTask, class_paths
from .registry import registry

# A wait between two attempts is at most this long unless a callable says otherwise.
LONGEST_BACKOFF = timedelta(seconds=900)
# Where errors of calls to AWS were until version 0.1.0.
MOVED = "django_offload.wire."


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is followed by another, and how soon."""

    max_attempts: int
    backoff: Backoff
    retry_on: frozenset[str]  # Class paths; empty: an exception ends the task.
    no_retry_on: frozenset[str]

    @classmethod
    def of(cls, task: AnyTask, *, max_attempts: int, changed: Mapping[str, Any]) -> "RetryPolicy":
        """Return the policy of a task; `max_attempts` is its queue's, `changed` from changed_options()."""
        plain = task if isinstance(task, OffloadTask) else None
        own = changed.get("max_attempts", plain.max_attempts if plain else None)
        retry_on = changed.get("retry_on", class_paths(plain.retry_on) if plain else [])
        if own is not None and not retry_on:
            retry_on = class_paths([Exception])
        never = class_paths(plain.no_retry_on) if plain else []
        # A message of a released version names errors of calls to AWS where they were then.
        retry_on = [_where_it_is_now(path) for path in retry_on]
        return cls(
            max_attempts=own if own is not None else max_attempts,
            backoff=changed.get("backoff", plain.backoff if plain else 1.0),
            retry_on=frozenset(retry_on),
            no_retry_on=frozenset(map(_where_it_is_now, changed.get("no_retry_on", never))),
        )

    def retries(self, exc: BaseException, attempt: int) -> bool:
        """Tell whether attempt number `attempt` (from 1), ended by `exc`, is followed by another."""
        # By path: a class named in a message is compared, never imported.
        if isinstance(exc, Cancelled):  # Its own choice, or somebody's.
            return False
        kinds = set(class_paths(type(exc).__mro__))
        return attempt < self.max_attempts and bool(kinds & self.retry_on) and not kinds & self.no_retry_on

    def delay(self, attempt: int, chance: float | None = None) -> timedelta:
        """
        Return how long to wait after attempt number `attempt` (from 1).

        A number doubles per attempt up to 15 minutes, with full jitter: `chance` (0 to 1, default
        random) of it. What a callable returns is taken as it is.
        """
        if callable(self.backoff):
            return duration(self.backoff(attempt))
        # Bounded before it doubles, 30 times at most: without that, attempt 2,000 would overflow.
        first = min(LONGEST_BACKOFF, duration(self.backoff))
        longest = min(LONGEST_BACKOFF, first * 2.0 ** min(attempt - 1, 30))
        return longest * (random.random() if chance is None else chance)  # noqa: S311


def _where_it_is_now(path: str) -> str:
    """Return the class path of an error that was under django_offload.wire until version 0.1.0."""
    return f"{CallFailed.__module__}.{path.rpartition('.')[2]}" if path.startswith(MOVED) else path


@lru_cache(maxsize=1_000)
def policy_as_defined(task: AnyTask, max_attempts: int) -> RetryPolicy:
    """Return the policy of a task that .using() didn't change; `max_attempts` is its queue's."""
    return RetryPolicy.of(task, max_attempts=max_attempts, changed={})


def attempts_allowed(enqueued: EnqueuedTask, options: Options) -> int | None:
    """Return how many attempts a task has, or None if no declared module defines it."""
    queue = options.queues.get(enqueued.queue)
    try:
        task = registry().resolve(enqueued.name)
    except UnknownTask:
        return None
    max_attempts = queue.max_attempts if queue else DEFAULT_MAX_ATTEMPTS
    return RetryPolicy.of(task, max_attempts=max_attempts, changed=enqueued.options).max_attempts
