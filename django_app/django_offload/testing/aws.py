"""The fixture `offload_aws`: tasks go through AWS's interfaces on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from ..conf import LONGEST_TIMEOUT
from ..local.aws.local_aws import LocalAWS
from ..protocol.record import DUE_AFTER
from ..worker import events
from ..worker.attempt import LEASE_MARGIN
from ..worker.sweep import sweep
from .accidents import Accidents, Failure
from .clock import VirtualClock
from .commits import Commits, Runs


class OffloadAWS:
    """
    The fixture `offload_aws`: tasks go through SQS, Lambda, DynamoDB and S3 to handlers in this process.

    Time is the real one: what waits (`run_after`, a backoff) is not run before its time. The lease of a dead
    worker alone is skipped, as `offload` does: `clock` goes ahead, and with it the handlers.
    """

    def __init__(self, aws: LocalAWS) -> None:
        self.environment = dict(aws.environment)  # Leads another process to the same AWS.
        self.clock = VirtualClock()
        self.last: Runs | None = None  # What the last run returned.
        self._aws = aws
        self._accidents, self._commits = Accidents(), Commits()

    def run(self, *, skip: bool = True) -> Runs:
        """
        Deliver until nothing can be received now, dead letters included; return how many there were.

        With `skip=False` no lease of a dead worker is skipped. The number that is returned says in its
        repr() what waits for a commit, which is not delivered.
        """
        count, dead = 0, -1
        while dead != self._accidents.deaths:
            dead = self._accidents.deaths
            count += self._aws.drain()
            if skip and self._held:
                count += self._outlive()
        self.last = Runs(count, self._commits)
        return self.last

    @property
    def waiting(self) -> int:
        """How many tasks wait for the commit of a transaction; they are in no queue yet."""
        return self._commits.waiting

    def fail_next(self, exception: Failure) -> None:
        """Have the next task that runs raise this instead; several calls queue up."""
        self._accidents.fail(exception)

    def kill_next(self, *, after_work: bool = False) -> None:
        """Have the worker of the next attempt die, as `Offload.kill_next()` says."""
        self._accidents.kill(after_work=after_work)

    def sweep(self, ahead: timedelta = timedelta(0)) -> dict[str, int]:
        """Run the sweeper once, as if it were `ahead` later than now."""
        return sweep(lambda: self.clock() + ahead, lambda: 60.0)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS."""
        return self._aws.server.client(service)

    @contextmanager
    def active(self) -> Iterator["OffloadAWS"]:
        """Take part in what tasks do in this process."""
        # The handlers that AWS invokes ask for the time there.
        clock = mock.patch.object(events, "datetime", self.clock)
        with self._accidents.within(), self._commits.followed(), clock:
            yield self

    @property
    def _held(self) -> bool:
        """Whether a worker died since the last lease was skipped."""
        return self._accidents.deaths > self._accidents.outlived

    def _outlive(self) -> int:
        """Skip past every lease, and deliver what dead workers held: by SQS itself, or by the sweeper."""
        self._accidents.outlived = self._accidents.deaths
        self.clock.skip(LONGEST_TIMEOUT + LEASE_MARGIN + DUE_AFTER)
        self._aws.bring_back()
        count = self._aws.drain()
        if self._held:
            return count
        self.sweep()
        return count + self._aws.drain()
