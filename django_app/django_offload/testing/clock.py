"""A clock for tests that can skip time."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """The real time plus everything that was skipped."""

    def __init__(self) -> None:
        self.skipped = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def now(self, zone: object = None) -> datetime:
        """Return the current time, as `datetime.now(UTC)` does."""
        return self()

    def skip(self, duration: timedelta) -> None:
        """Move the clock ahead by `duration`."""
        self.skipped += max(duration, timedelta(0))

    def skip_to(self, instant: datetime) -> None:
        """Move the clock ahead to `instant`. Do nothing if it has passed."""
        self.skip(instant - self())
