"""The network between processes and AWS, and the database: where faults strike."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection

from django_offload.exceptions import DeadlineExceeded
from django_offload.protocol.conditional_write import Refused

from .actors import Actor
from .clock import VirtualTime
from .deploys import Release
from .faults import Fault, Faults, Idle, InternalServerError, Killed, ReplyLost, Throttled
from .seams import INDEX

SOON = timedelta(seconds=1)


class Network:
    """Makes the calls of whoever acts at the moment, or lets them fail."""

    def __init__(
        self,
        time: VirtualTime,
        rng: Random,
        faults: Faults,
        on_fault: Callable[[Actor, str, Fault], None],
        on_lag: Callable[[str], None],
        on_late: Callable[[Actor], None],
    ) -> None:
        self.time, self.rng, self.faults = time, rng, faults
        self.actor = Actor("nobody", time)
        self._passing: list[tuple[Actor, datetime]] = []
        self.on_fault, self.on_lag, self.on_late = on_fault, on_lag, on_late
        self.on_kill: Callable[[Actor], None] = lambda actor: None

    def call[T](self, whom: str, function: Callable[..., T], *args: Any) -> T:
        """Make a call for the actor of the moment."""
        actor = self.actor
        if actor.dead:
            raise Killed
        if actor.stops is not None and self.time.now >= actor.stops:
            actor.stops = None
            raise DeadlineExceeded(0)
        fault = self.faults.in_call(actor.role, of_index=whom.startswith(INDEX))
        return function(*args) if fault is None else self._hit(fault, actor, whom, function, *args)

    @property
    def release(self) -> Release:
        """The release of whoever acts at the moment."""
        return self.actor.release

    def lags(self, whom: str) -> bool:
        """Tell whether an index shows what it showed before, without these tasks."""
        lags = self.faults.lags()
        if lags:
            self.on_lag(whom)
        return lags

    def leaves_out(self, whom: str) -> bool:
        """Tell whether AWS leaves one record, or message, out of a batch."""
        left_out = self.faults.left_out()
        if left_out:
            self.on_fault(self.actor, whom, Fault.THROTTLE)
        return left_out

    def _hit[T](self, fault: Fault, actor: Actor, whom: str, function: Callable[..., T], *args: Any) -> T:
        self.faults.counts[fault] += 1
        self.on_fault(actor, whom, fault)
        if fault is Fault.STALL and connection.in_atomic_block:
            raise Idle  # The others would find themselves in this transaction.
        applied = self.faults.applied()
        if fault is Fault.THROTTLE:
            raise Throttled
        if fault is Fault.ERROR:
            raise InternalServerError
        if fault is Fault.STALL:
            return self._stalled(applied, function, *args)
        if applied:
            self._apply(function, *args)
        if fault is Fault.KILL:
            self.kill(actor)
        if fault is Fault.RESET:
            raise ConnectionResetError
        if self.rng.random() < 0.5:
            return function(*args)  # The SDK tried again.
        raise ReplyLost

    @staticmethod
    def _apply(function: Callable[..., Any], *args: Any) -> None:
        with suppress(Refused):  # Nobody hears of it.
            function(*args)

    def _stalled[T](self, applied: bool, function: Callable[..., T], *args: Any) -> T:
        """Let time pass before or after a call; the process lives on, unless Lambda ends it."""
        if applied:
            result = function(*args)
        self.stall()
        return result if applied else function(*args)

    def stall(self) -> None:
        """Let up to three leases pass for whoever acts."""
        actor = self.actor
        self.pass_by(actor, timedelta(seconds=self.rng.choice((2, 20, 290, 320, 620, 930))))
        if actor.ends is not None and self.time.now >= actor.ends and self.rng.random() < 0.5:
            self.kill(actor)

    def pass_by(self, actor: Actor, duration: timedelta) -> None:
        """Let time pass for a process."""
        self._passing.append((actor, self.time.now + duration))
        try:
            self.time.pass_by(duration)
        finally:
            late = self.time.now > self._passing.pop()[1] + SOON
        if late:
            self.on_late(actor)

    def late(self) -> Iterator[Actor]:
        """Yield the processes that should go on by now, but that others' work and stalls hold up."""
        return (actor for actor, until in self._passing if self.time.now > until + SOON)

    def kill(self, actor: Actor) -> None:
        """End a process where it stands."""
        actor.dead = True
        self.on_kill(actor)
        raise Killed
