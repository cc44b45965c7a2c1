"""How fast the sweeper moves entries of the index, so that every partition has room for new tasks."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# The share of a partition's writes that the sweeper takes. The others are for new tasks and for retries.
SHARE = 0.5
# Unused units of so many seconds add up, because the sweeper moves a page of records at a time.
SAVED_SECONDS = 0.25
PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class Allowance:
    """The write units of a partition that the sweeper may use, at an instant of the monotonic clock."""

    units: float
    at: float


@dataclass(slots=True, kw_only=True)
class Pace:
    """Limits the write units per second that go to each partition of the index."""

    units_per_second: float  # What a partition takes from all writers together.
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _allowances: dict[int, Allowance] = field(default_factory=dict)
    _resting: dict[int, float] = field(default_factory=dict)  # Until when, by the number of a turn.

    def take(self, *partitions: int) -> bool:
        """
        Take a unit from each of these partitions. Return False, taking none, if one of them has none left.

        The move of an entry costs a unit in the partition that it leaves, and one in its new partition.
        """
        if math.isinf(self.units_per_second):
            return True
        allowances = [self._allowance(number) for number in partitions]
        if any(allowance.units < allowances.count(allowance) for allowance in allowances):
            return False
        for allowance in allowances:
            allowance.units -= 1
        return True

    def rest(self, turn: int) -> None:
        """Have a turn rest whose partitions have no units left, so that its next page isn't a short one."""
        self._resting[turn] = self.monotonic() + PAUSE_SECONDS

    def is_resting(self, turn: int) -> bool:
        return self.monotonic() < self._resting.get(turn, -math.inf)

    def wait(self) -> None:
        """Wait until every turn has rested."""
        self.sleep(PAUSE_SECONDS)

    def _allowance(self, number: int) -> Allowance:
        now, per_second = self.monotonic(), self.units_per_second * SHARE
        most = per_second * SAVED_SECONDS
        allowance = self._allowances.setdefault(number, Allowance(most, now))
        allowance.units = min(allowance.units + (now - allowance.at) * per_second, most)
        allowance.at = now
        return allowance
