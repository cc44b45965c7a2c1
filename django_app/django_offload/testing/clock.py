"""Time in a test: the real one, and what was skipped of it."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """The real time, and what was skipped of it."""

    def __init__(self) -> None:
        self.skipped = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def now(self, zone: object = None) -> datetime:
        """Return the time as `datetime.now(UTC)` does."""
        return self()

    def skip(self, duration: timedelta) -> None:
        """Go on as if `duration` had passed."""
        self.skipped += max(duration, timedelta(0))

    def skip_to(self, instant: datetime) -> None:
        """Go on as if it were `instant`; never backwards."""
        self.skip(instant - self())
