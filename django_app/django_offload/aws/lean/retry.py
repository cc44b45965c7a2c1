"""Which failed calls are tried again, and when: as the mode `standard` of AWS's clients does."""

import random
from contextlib import AbstractContextManager
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from threading import Lock

from ...exceptions import CallFailed, NoAnswer, Refusal

# The figures of botocore's standard mode.
MOST_TRIES = 3
MOST_TRIES_OF = {"dynamodb": 4}
LONGEST_PAUSE_SECONDS = 20.0
THROTTLED_SCALE, SCALE = 1.0, 0.05
SCALE_OF = {"dynamodb": 0.025}
# AWS may request a pause that is longer by at most this.
LONGEST_REQUESTED_SECONDS = 5.0
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
# AWS refuses keys so if they were renewed since they were read, or while: one of them is old, one is new.
OUTDATED_KEYS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# AWS refuses so if this machine's clock differs from its own by more than five minutes.
CLOCK_SKEW = frozenset(
    {
        "AuthFailure",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
LEAST_SKEW_SECONDS = 240.0

_throttled_once: ContextVar[bool] = ContextVar("django_offload_throttled_once", default=False)


class ThrottledOnce(AbstractContextManager[None]):
    """A class, because the sweeper enters two for each record and a generator of contextlib costs more."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _throttled_once.set(True)

    def __exit__(self, *exc: object) -> None:
        _throttled_once.reset(self._token)


def throttled_once() -> AbstractContextManager[None]:
    """Try no throttled call inside the block again, because its caller can do without it."""
    return ThrottledOnce()


def is_tried_once(code: object) -> bool:
    """Return True if a call that was refused with this code is not to be tried again."""
    return _throttled_once.get() and code in THROTTLED


def is_throttled(failure: Exception) -> bool:
    """Return True if AWS requests fewer calls. The failure may be of this client or of boto3's."""
    response = getattr(failure, "response", None)
    if not isinstance(response, dict):
        return False
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return response.get("Error", {}).get("Code") in THROTTLED or status == THROTTLED_STATUS


def is_transient(failure: CallFailed) -> bool:
    """Return True if the same call may soon succeed."""
    if isinstance(failure, Refusal):
        return is_throttled(failure) or failure.code in TRANSIENT or failure.status in TRANSIENT_STATUSES
    return isinstance(failure, NoAnswer)


def clock_skew(failure: CallFailed, now: float) -> float | None:
    """Return by how many seconds AWS's clock is ahead of `now` if AWS refused because of that, or None."""
    if not isinstance(failure, Refusal) or failure.code not in CLOCK_SKEW:
        return None
    try:
        aws_now = parsedate_to_datetime(failure.headers.get("date", "")).timestamp()
    except ValueError:
        return None
    return aws_now - now if abs(aws_now - now) >= LEAST_SKEW_SECONDS else None


class Retries:
    """The tries that one client has left: failures use up a quota, and successes refill it."""

    def __init__(self, service: str, most_tries: int) -> None:
        self.most_tries = min(MOST_TRIES_OF.get(service, MOST_TRIES), most_tries)
        self._scale = SCALE_OF.get(service, SCALE)
        self._quota = QUOTA
        self._lock = Lock()

    def pause(self, failure: CallFailed, tries: int) -> float | None:
        """Return the seconds to wait before another try after `tries`, or None if there should be none."""
        if tries >= self.most_tries or not is_transient(failure):
            return None
        if is_throttled(failure) and _throttled_once.get():
            return None
        with self._lock:
            if self._quota < cost(failure):
                return None
            self._quota -= cost(failure)
        scale = THROTTLED_SCALE if is_throttled(failure) else self._scale
        pause = random.random() * min(scale * 2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS)  # noqa: S311
        return max(pause, min(requested_pause(failure), pause + LONGEST_REQUESTED_SECONDS))

    def refill(self, last_failure: CallFailed | None) -> None:
        """Return to the quota what the last failure of a call has cost, because the call has succeeded."""
        if self._quota < QUOTA:
            with self._lock:
                gain = cost(last_failure) if last_failure else GAIN
                self._quota = min(self._quota + gain, QUOTA)


def cost(failure: CallFailed) -> int:
    return THROTTLED_COST if is_throttled(failure) else COST


def requested_pause(failure: CallFailed) -> float:
    """Return the seconds that AWS requests to wait, or 0 if it requests none."""
    if not isinstance(failure, Refusal):
        return 0.0
    try:
        return max(int(failure.headers.get("x-amz-retry-after", "0")), 0) / 1000
    except ValueError:
        return 0.0
