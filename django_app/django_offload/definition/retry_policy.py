"""Whether and when a failed attempt is followed by another."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..conf import DEFAULT_MAX_ATTEMPTS, Options, duration
from ..exceptions import (
    Cancelled,
    InvalidReturnValue,
    ResultTooLarge,
    StepTooLarge,
    TooManyEnqueues,
    TransactionLeftOpen,
    UnknownTask,
)
from ..protocol.enqueued_task import EnqueuedTask
from .offload_task import AnyResult, AnyTask, OffloadTask, class_paths
from .registry import registry
from .results import current_path

if TYPE_CHECKING:
    from .backoff import Backoff

# The longest wait between two attempts, unless a callable returns another.
LONGEST_BACKOFF = timedelta(seconds=900)
# Another attempt would do the same work, and end the same way; or enqueue as many tasks once more.
NEVER_REPEATED = (
    *(Cancelled, InvalidReturnValue, ResultTooLarge, StepTooLarge),
    *(TooManyEnqueues, TransactionLeftOpen),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The options of a task that decide whether and when it is tried again."""

    max_attempts: int
    backoff: "Backoff"
    retry_on: frozenset[str]  # Class paths. If it is empty, any exception ends the task.
    no_retry_on: frozenset[str]

    @classmethod
    def of(cls, task: AnyTask, *, max_attempts: int, changed: Mapping[str, Any]) -> "RetryPolicy":
        """Return the policy of a task. `max_attempts` is its queue's, `changed` is from changed_options()."""
        defined = task if isinstance(task, OffloadTask) else None
        own = changed.get("max_attempts", defined.max_attempts if defined else None)
        retry_on = changed.get("retry_on", class_paths(defined.retry_on) if defined else [])
        if own is not None and not retry_on:
            retry_on = class_paths([Exception])
        no_retry_on = changed.get("no_retry_on", class_paths(defined.no_retry_on) if defined else [])
        return cls(
            max_attempts=own if own is not None else max_attempts,
            backoff=changed.get("backoff", defined.backoff if defined else 1.0),
            # A message of an earlier release names some classes by their earlier paths.
            retry_on=frozenset(map(current_path, retry_on)),
            no_retry_on=frozenset(map(current_path, no_retry_on)),
        )

    def retries(self, exc: BaseException, attempt: int) -> bool:
        """Return True if another attempt follows after `exc` ended attempt number `attempt` (from 1)."""
        if isinstance(exc, NEVER_REPEATED) or (
            isinstance(exc, BaseExceptionGroup) and exc.subgroup(NEVER_REPEATED) is not None
        ):
            return False
        # Paths are compared, because a message must not decide what is imported.
        paths = set(class_paths(type(exc).__mro__))
        return attempt < self.max_attempts and bool(paths & self.retry_on) and not paths & self.no_retry_on

    def delay(
        self,
        attempt: int,
        chance: float | None = None,
        failed: tuple[BaseException, AnyResult] | None = None,
    ) -> timedelta | None:
        """
        Return how long to wait after attempt number `attempt` (from 1), or None to end the task.

        A number doubles with each attempt, up to 15 minutes, and the wait is a share of it: `chance`, from 0
        to 1, by default random. If the backoff is a callable, the wait is what it returns for the attempt's
        number, or for what `failed`: its exception and its result. Raise ValueError if that is no wait.
        """
        if callable(self.backoff):
            from .backoff import wait_of  # Imported here, because few tasks have a backoff of their own.

            function: Callable[..., object] = self.backoff
            return wait_of(function(*failed) if failed else function(attempt))
        # The number is limited before it doubles, and doubles 30 times at most, so that nothing overflows.
        first = min(LONGEST_BACKOFF, duration(self.backoff))
        longest = min(LONGEST_BACKOFF, first * 2.0 ** min(attempt - 1, 30))
        return longest * (random.random() if chance is None else chance)  # noqa: S311


@lru_cache(maxsize=1_000)
def policy_as_defined(task: AnyTask, max_attempts: int) -> RetryPolicy:
    """Return the policy of a task that .using() didn't change. `max_attempts` is its queue's."""
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
