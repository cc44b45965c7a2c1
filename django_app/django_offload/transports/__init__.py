"""How a message reaches the worker: each stack has one way in a process, which a test may replace."""

from functools import lru_cache
from typing import TYPE_CHECKING

from ..aws.stand_ins import Clock, StandIns
from ..conf import Options
from .base import Delivery, Transport

if TYPE_CHECKING:
    from .memory import MemoryTransport

__all__ = ["Delivery", "Transport", "memory_of", "transport_of", "use"]


@lru_cache(maxsize=64)
def transport_of(options: Options, kind: str | None = None) -> Transport:
    """Return a backend's transport: its stack's stand-in, or else `kind` (or its own) in AWS."""
    from .lambda_invoke import LambdaTransport
    from .sqs import SQSTransport

    stand_in = stand_ins.get(options)
    return stand_in or {"sqs": SQSTransport, "lambda": LambdaTransport}[kind or options.transport](options)


def memory_of(options: Options) -> "MemoryTransport | None":
    """Return the transport of a stack if its messages are in memory, and None if they are in AWS."""
    from .memory import MemoryTransport

    stand_in = stand_ins.get(options)
    return stand_in if isinstance(stand_in, MemoryTransport) else None


def in_memory(clock: Clock) -> Transport:
    from .memory import MemoryTransport

    return MemoryTransport(clock)


stand_ins: StandIns[Transport] = StandIns(transport_of.cache_clear, in_memory)
use = stand_ins.use
