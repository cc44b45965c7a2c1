"""The faults: twelve kinds, how often each comes, and what each does to one call."""

from collections import Counter
from enum import Enum
from random import Random

from django_offload.exceptions import Refusal


class Fault(Enum):
    """What can go wrong, as the table names it."""

    KILL = "SIGKILL"
    STALL = "stall"
    DUPLICATE = "duplicate"
    THROTTLE = "throttle"
    ERROR = "500"
    LOST = "reply lost"  # Before the call was applied, or after.
    RESET = "reset"
    SKEW = "clock skew"
    PARTIAL_BATCH = "partial batch"
    OVERSIZE = "oversize"
    POISON = "poison"
    DEPLOY = "deploy swap"


class Killed(KeyboardInterrupt):
    """The process is gone: no code of its own runs any more, so nothing may catch this."""


class Throttled(Refusal):
    """AWS refused a call for its rate, however often the SDK tried."""

    def __init__(self) -> None:
        error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        super().__init__("UpdateItem", 400, {"Error": error, "ResponseMetadata": {"HTTPHeaders": {}}})


class InternalServerError(Exception):
    """AWS answered 500, however often the SDK tried."""


class ReplyLost(Exception):
    """No reply came; the call may have been made or not."""


class Idle(Exception):
    """A process stalls inside a transaction, until the database ends that."""


# What a call may raise in the process that made it.
MET = (Throttled, InternalServerError, ReplyLost, ConnectionResetError, Idle)

# Of a call to AWS, or to the database: kinds and their weights.
CALL = {
    Fault.KILL: 20,
    Fault.STALL: 12,
    Fault.THROTTLE: 14,
    Fault.ERROR: 14,
    Fault.LOST: 28,
    Fault.RESET: 12,
}
# A chance per call, message, invocation, …
CALL_RATE = 0.041
SWEEP_RATE = 0.002  # Per read of the index: every sweep has many.
LEFT_OUT = 0.004  # Per record of a page that is read, or message of a batch that is sent.
LAG = 0.02
RATES = {
    Fault.DUPLICATE: 0.03,
    Fault.SKEW: 0.02,
    Fault.PARTIAL_BATCH: 0.03,
    Fault.OVERSIZE: 0.03,
    Fault.POISON: 0.015,
}


class Faults:
    """Decides by its own dice where a fault comes, and counts them."""

    def __init__(self, rng: Random, *, rate: float = 1.0) -> None:
        self._rng, self._rate = rng, rate
        self._kinds, self._weights = list(CALL), list(CALL.values())
        self.counts: Counter[Fault] = Counter()

    def in_call(self, role: str, *, of_index: bool) -> Fault | None:
        """Return the fault of a call by a process of some role, None mostly."""
        rate = SWEEP_RATE if of_index else CALL_RATE
        if self._rng.random() >= rate * self._rate:
            return None
        return self._rng.choices(self._kinds, self._weights)[0]

    def strikes(self, fault: Fault) -> bool:
        """Tell whether a fault of another place than a call comes now; count it if so."""
        if self._rng.random() >= RATES[fault] * self._rate:
            return False
        self.counts[fault] += 1
        return True

    def left_out(self) -> bool:
        """Tell whether AWS is too busy for one part of a batch; count it if so."""
        if self._rng.random() >= LEFT_OUT * self._rate:
            return False
        self.counts[Fault.THROTTLE] += 1
        return True

    def lags(self) -> bool:
        """Tell whether the sweeper's index shows what it showed before: no fault, but its nature."""
        return self._rng.random() < LAG

    def applied(self) -> bool:
        """Tell whether a call that was hit was made all the same."""
        return self._rng.random() < 0.5

    def heal(self) -> None:
        """No more faults."""
        self._rate = 0.0
