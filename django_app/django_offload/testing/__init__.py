"""For tests of projects: tasks run through the real handlers, in this process, without AWS."""

from .clock import VirtualClock
from .events import Invocation, sqs_event
from .memory import Offload

__all__ = ["Invocation", "Offload", "VirtualClock", "sqs_event"]
