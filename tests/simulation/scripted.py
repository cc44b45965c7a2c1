"""Faults by the book: which call meets which."""

from collections.abc import Mapping
from random import Random

from .faults import Fault, Faults


class Scripted(Faults):
    """Counts the calls, reads of the sweeper's index aside, and hits some by their number (from 1)."""

    def __init__(self, script: Mapping[int, Fault], *, applied: bool) -> None:
        super().__init__(Random(0))
        self.calls, self._script, self._applied = 0, script, applied

    def in_call(self, role: str, *, of_index: bool) -> Fault | None:
        if of_index:
            return None
        self.calls += 1
        return self._script.get(self.calls)

    def strikes(self, fault: Fault) -> bool:
        return False

    def left_out(self) -> bool:
        return False

    def lags(self) -> bool:
        return False

    def applied(self) -> bool:
        return self._applied

    def apply(self, applied: bool) -> None:
        """From now on, a call that is hit was made all the same, or not."""
        self._applied = applied
