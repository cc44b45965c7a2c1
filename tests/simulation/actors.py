"""Processes of the simulation: each has its own clock, can die, and meets AWS by its own calls."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django_offload.testing import Invocation

from .clock import VirtualTime
from .deploys import READING, Release


@dataclass(slots=True, eq=False)
class Actor:
    """One process: a web request, an invocation of a worker, a sweeper, a dead-letter handler."""

    role: str
    time: VirtualTime
    release: Release = READING
    skew: timedelta = timedelta(0)
    ends: datetime | None = None  # Lambda kills it then.
    stops: datetime | None = None  # The task that runs in it has until then.
    dead: bool = False
    given: list[str] = field(default_factory=list)  # The tasks whose messages it was handed.
    holds: dict[str, str] = field(default_factory=dict)  # Claims of its own: id → token.
    read: dict[str, tuple[int, int]] = field(default_factory=dict)  # Records as it saw them last.
    absent: set[tuple[str, str]] = field(default_factory=set)  # Steps that it found not kept.

    def clock(self) -> datetime:
        """Return what this process takes for now."""
        return self.time.now + self.skew

    def left(self) -> float:
        """Return the seconds until Lambda kills it."""
        return (self.ends - self.time.now).total_seconds() if self.ends else 900.0


@dataclass(frozen=True, slots=True)
class SimulatedContext:
    """Lambda's context of one invocation."""

    function_name: str
    log_stream_name: str
    actor: Actor

    @property
    def invoked_function_arn(self) -> str:
        return Invocation(self.function_name).invoked_function_arn

    def get_remaining_time_in_millis(self) -> int:
        return round(self.actor.left() * 1000)
