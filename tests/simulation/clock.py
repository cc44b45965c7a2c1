"""Virtual time: what happens when, one thing at a time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
# What happens while somebody works or stalls may work and stall in its turn; deeper, no time passes.
DEEPEST = 12
NOTHING = timedelta(0)

type Action = Callable[[], None]


class VirtualTime:
    """The time, and the actions to come; of the same instant, the first planned is the first done."""

    def __init__(self) -> None:
        self.now = START
        self.depth = 0
        self._planned: list[tuple[datetime, int, Action]] = []
        self._count = 0

    def after(self, delay: timedelta, action: Action) -> None:
        """Plan an action."""
        self._count += 1
        at = self.now if delay < NOTHING else self.now + delay
        heappush(self._planned, (at, self._count, action))

    def step(self) -> bool:
        """Do what comes next; return False where nothing is planned."""
        if not self._planned:
            return False
        at, _, action = heappop(self._planned)
        if at > self.now:
            self.now = at
        action()
        return True

    def pass_by(self, duration: timedelta) -> None:
        """Let time pass for whoever calls, and meanwhile everybody else go on."""
        if self.depth == DEEPEST:
            return
        until = self.now + duration
        self.depth += 1
        try:
            while self._planned and self._planned[0][0] <= until:
                self.step()
        finally:
            self.depth -= 1
        self.now = max(self.now, until)
