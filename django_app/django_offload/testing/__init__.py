"""Run tasks in the tests of a project, through the real handlers, in this process and without AWS."""

from .clock import VirtualClock
from .events import Invocation, sqs_event
from .memory import Offload

__all__ = ["Invocation", "Offload", "VirtualClock", "sqs_event"]
