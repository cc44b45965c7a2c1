"""The occurrence of a schedule that an event names: whose it is, and the enqueue of its task."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial

from ..conf import ENV_STACK, Options, configured
from ..definition.schedules import schedule_of
from ..exceptions import UnknownEvent
from ..operations.schedules import enqueue_occurrence
from .sweep_event import ACCEPTED, Occurrence


def prepared(occurrence: Occurrence, clock: Callable[[], datetime]) -> Callable[[], dict[str, int]]:
    """Return what enqueues an occurrence's task. Raise UnknownEvent if no alias declares its schedule."""
    return partial(enqueue_scheduled, occurrence, options_of(occurrence), clock)


def enqueue_scheduled(
    occurrence: Occurrence, options: Options, clock: Callable[[], datetime]
) -> dict[str, int]:
    """
    Enqueue the task of a schedule's occurrence, once, and count what was done.

    Raise UnknownTask if the task is gone, and EnqueueFailed if AWS accepted nothing: then Lambda repeats the
    event.
    """
    occurred = enqueue_occurrence(options, occurrence.schedule, occurrence.at, clock())
    if occurred.is_skipped:
        return {"skipped": 1}
    return {"enqueued": 1} if occurred.task_id is not None else {"paused": 1}


def options_of(occurrence: Occurrence) -> Options:
    """
    Return the options of the alias that declares a schedule. Raise UnknownEvent if none does.

    In AWS a stack's sweeper has the rights to that stack alone. If the alias belongs to another stack now,
    another alias of this stack may have taken over the schedule.
    """
    own_stack = os.environ.get(ENV_STACK)
    declaring = {
        other: options
        for other, options in configured().items()
        if own_stack in {None, options.stack} and schedule_of(options, occurrence.schedule) is not None
    }
    if occurrence.alias in declaring:
        return declaring[occurrence.alias]
    if own_stack is None or not declaring:
        raise UnknownEvent("sweeper", ACCEPTED)
    return next(iter(declaring.values()))
