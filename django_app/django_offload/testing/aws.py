"""The fixture `offload_aws`, which runs tasks through AWS's interfaces on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from ..aws import memory
from ..aws.memory import VirtualClock
from ..conf import LONGEST_TIMEOUT
from ..local.aws.local_aws import LocalAWS
from ..protocol.record import DUE_AFTER
from ..worker import events
from ..worker.attempt import LEASE_MARGIN
from ..worker.sweep import sweep
from .base import TaskRunner, sweeps_in_a_thread
from .commits import DeliveryCount


class OffloadAWS(TaskRunner):
    """
    The fixture `offload_aws`. Tasks go through SQS, Lambda, DynamoDB and S3 to handlers in this process.

    Time is real, so a task that waits for its `run_after` or a backoff doesn't run before. Only the lease of
    a dead worker is skipped, as `offload` does it. The `clock` goes ahead, and the handlers see its time.
    """

    def __init__(self, aws: LocalAWS) -> None:
        super().__init__()
        self.environment = dict(aws.environment)  # The variables with which another process uses this AWS.
        self.clock = VirtualClock()
        self._aws = aws
        self._skipped_deaths = 0  # The number of dead workers whose leases were skipped.

    def _run(self, skip: bool) -> DeliveryCount:
        """
        Deliver until no message can be received now. Return the number of deliveries, dead letters included.

        Unless it may `skip`, no lease of a dead worker is skipped.
        """
        count, deaths = 0, -1
        while deaths != self._deaths:
            deaths = self._deaths
            count += self._aws.drain()
            if not skip or self._deaths == self._skipped_deaths:
                continue
            self._skipped_deaths = self._deaths
            self.clock.skip(LONGEST_TIMEOUT + LEASE_MARGIN + DUE_AFTER)
            self._aws.bring_back()
            count += self._aws.drain()
            # SQS has redelivered its messages. If no other worker died, the sweeper sends all other tasks.
            if self._deaths == self._skipped_deaths:
                self.sweep()
                count += self._aws.drain()
        self.last = DeliveryCount(count, self._commits)
        return self.last

    @sweeps_in_a_thread
    def sweep(self, ahead: timedelta = timedelta(0)) -> dict[str, int]:
        """Run the sweeper once, with a clock that is `ahead`."""
        return sweep(lambda: self.clock() + ahead, lambda: 60.0)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this AWS."""
        return self._aws.server.client(service)

    @contextmanager
    def active(self) -> Iterator["OffloadAWS"]:
        """Let this process run the tasks until the block ends."""
        # The handlers that the local Lambda calls get the time from this module.
        with memory.sending(), self.workers_in_process(), mock.patch.object(events, "datetime", self.clock):
            yield self
