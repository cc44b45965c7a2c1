"""When a call is tried again, and after how long: the mode `standard` of AWS's clients."""

import random
from threading import Lock

from ...exceptions import CallFailed, NoAnswer, Refusal

# AWS's figures, as botocore's standard mode has them.
MOST_TRIES = 3
MOST_TRIES_OF = {"dynamodb": 4}
LONGEST_PAUSE_SECONDS = 20.0
THROTTLED_SCALE, SCALE = 1.0, 0.05
SCALE_OF = {"dynamodb": 0.025}
# AWS may ask for a longer pause; by as much at most.
LONGEST_ASKED_SECONDS = 5.0
QUOTA, COST, THROTTLED_COST, GAIN = 500, 14, 5, 1

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException", "ReplicatedWriteConflictException"})
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
THROTTLED_STATUS = 429


def throttled(failure: CallFailed) -> bool:
    """Tell whether AWS asks to be called less often."""
    return isinstance(failure, Refusal) and (failure.code in THROTTLED or failure.status == THROTTLED_STATUS)


def passing(failure: CallFailed) -> bool:
    """Tell whether the same call may well succeed soon."""
    if isinstance(failure, Refusal):
        return throttled(failure) or failure.code in TRANSIENT or failure.status in TRANSIENT_STATUSES
    return isinstance(failure, NoAnswer)


class Retries:
    """What one client may still try again: a quota that failures use up and successes refill."""

    def __init__(self, service: str, most_tries: int) -> None:
        self.most_tries = min(MOST_TRIES_OF.get(service, MOST_TRIES), most_tries)
        self._scale = SCALE_OF.get(service, SCALE)
        self._left = QUOTA
        self._lock = Lock()

    def pause(self, failure: CallFailed, tries: int) -> float | None:
        """Return the seconds to wait before another try after `tries`, None where none should follow."""
        if tries >= self.most_tries or not passing(failure) or not self._spend(failure):
            return None
        scale = THROTTLED_SCALE if throttled(failure) else self._scale
        pause = random.random() * min(scale * 2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS)  # noqa: S311
        return max(pause, min(_asked(failure), pause + LONGEST_ASKED_SECONDS))

    def succeeded(self, last: CallFailed | None) -> None:
        """Give back what the last failure of a call cost that succeeded in the end."""
        if self._left < QUOTA:
            with self._lock:
                self._left = min(self._left + (_cost(last) if last else GAIN), QUOTA)

    def _spend(self, failure: CallFailed) -> bool:
        with self._lock:
            if self._left < _cost(failure):
                return False
            self._left -= _cost(failure)
            return True


def _cost(failure: CallFailed) -> int:
    return THROTTLED_COST if throttled(failure) else COST


def _asked(failure: CallFailed) -> float:
    """Return the seconds that AWS asks to wait, 0 where it names none."""
    if not isinstance(failure, Refusal):
        return 0.0
    try:
        return max(int(failure.headers.get("x-amz-retry-after", "0")), 0) / 1000
    except ValueError:
        return 0.0
