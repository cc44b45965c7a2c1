"""What deliveries share, and how each of them ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..conf import Options
from ..stores import Store
from ..transports import Transport
from .deadline import LambdaInvocation

# Waits for the last write of an attempt; returns None to acknowledge, else when another attempt will follow.
type Ending = Callable[[], timedelta | None]


def at_once(delay: timedelta | None) -> Ending:
    """Return the ending of what has ended already."""
    return lambda: delay


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnvironment:
    """What the deliveries of one stack within one invocation share."""

    options: Options  # Of a backend of the stack.
    store: Store
    transport: Transport  # By which the deliveries came.
    clock: Callable[[], datetime]
    invocation: LambdaInvocation
    # What is done while a claim is under way: the end of the task before, whose last write is so too.
    meanwhile: Callable[[], None] = lambda: None
