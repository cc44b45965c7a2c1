"""Run tasks in the tests of a project, through the real handlers, in this process and without AWS."""

from ..aws.memory import VirtualClock
from .events import Invocation, sqs_event, sweep_event
from .memory import Offload
from .mixin import OffloadTestMixin

__all__ = ["Invocation", "Offload", "OffloadTestMixin", "VirtualClock", "sqs_event", "sweep_event"]
