"""Whether another attempt follows a failed one, and after which pause."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..definition.backoff import takes_result
from ..definition.offload_task import AnyResult
from ..definition.results import result_of
from ..definition.retry_policy import RetryPolicy
from ..protocol.record import FAILED, TaskRecord, error_part
from .deadline import limited
from .events import log_exception
from .execution import error_text

if TYPE_CHECKING:
    from .attempt import Attempt

# What a backoff may take, of the time that is kept to store the outcome.
BACKOFF_SECONDS = 1.0


def pause_after(attempt: "Attempt", exc: BaseException, record: TaskRecord) -> timedelta | None:
    """
    Return how long to wait for the next attempt, or None if none follows.

    If the task's own backoff fails, none does: the log says so, and a note on `exc`, which the record has.
    """
    policy = attempt.policy
    if not policy.retries(exc, record.attempts):
        return None
    try:
        failed = None
        if callable(policy.backoff) and takes_result(policy.backoff):
            failed = exc, failed_result(attempt, exc, record)
        return wait_within(BACKOFF_SECONDS, policy, record.attempts, failed)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # noqa: BLE001, a callable of the project, which must not repeat the task
        enqueued = attempt.enqueued
        with suppress(Exception):  # An exception of the project may refuse it.
            exc.add_note(f"The task isn't tried again, because its backoff failed: {reason(failure)}")
        text = "Task id=%s name=%s ends: its backoff failed"
        log_exception(failure, attempt.mask, text, enqueued.id, enqueued.name)
        return None


def failed_result(attempt: "Attempt", exc: BaseException, record: TaskRecord) -> AnyResult:
    """Return the result as it will be if the task ends now."""
    now, part = attempt.environment.clock(), error_part(record.fence)
    failed = replace(record, status=FAILED, finished_at=now, error_parts=[*record.error_parts, part])
    texts = {**attempt.parts, part: error_text(exc, now, attempt.mask)}
    return result_of(failed, texts, attempt.task)


def wait_within(
    seconds: float, policy: RetryPolicy, number: int, failed: tuple[BaseException, AnyResult] | None
) -> timedelta | None:
    """Return what a policy says. Raise DeadlineExceeded if its callable takes longer than these seconds."""
    if not callable(policy.backoff):
        return policy.delay(number)
    with limited(seconds):
        return policy.delay(number, failed=failed)


def reason(failure: BaseException) -> str:
    """Return the class and the text of an exception, without raising what its own __str__() may raise."""
    try:
        return f"{type(failure).__name__}: {failure}"
    except Exception:  # noqa: BLE001, the project's own __str__()
        return type(failure).__name__
