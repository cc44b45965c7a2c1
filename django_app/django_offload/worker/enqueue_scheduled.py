"""The enqueue of a scheduled task: one task for each occurrence, however often Lambda hears of it."""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from ..compat import task_backends
from ..conf import ENV_STACK, Options, configured
from ..definition.registry import registry
from ..exceptions import UnknownEvent
from ..sending.enqueue import announce_enqueued, build, enqueued_result, prototype_of, send
from .sweep_event import ACCEPTED, Occurrence

logger = logging.getLogger("django_offload")


def enqueue_scheduled(occurrence: Occurrence, options: Options, clock: Callable[[], datetime]) -> str:
    """
    Enqueue the task of a schedule's occurrence, and return its id.

    The id is made of the schedule and the occurrence, so that a repeated event makes no second task. TASKS
    alone says what runs. Raise UnknownTask if the task is gone, and EnqueueFailed if AWS accepted nothing:
    then Lambda repeats the event.
    """
    name, at = occurrence.schedule, occurrence.at.isoformat()
    schedule = options.schedules[name]
    task = registry().resolve(schedule.task).using(backend=options.alias)
    prototype = prototype_of(task, options, owner=None)
    prototype.keywords["enqueued_at"] = clock()
    task_id = sha256(f"{options.stack}:{options.alias}:{name}:{at}".encode()).hexdigest()[:32]
    enqueued = build(task, prototype, schedule.args, schedule.kwargs, options, task_id)
    result = enqueued_result(task, enqueued, schedule.args, schedule.kwargs)
    send(enqueued, options)
    logger.info("Schedule %s of %s enqueued task id=%s name=%s", name, at, enqueued.id, enqueued.name)
    announce_enqueued(type(task_backends[options.alias]), result, enqueued.enqueued_at)
    return enqueued.id


def options_of(occurrence: Occurrence) -> Options:
    """
    Return the options of the alias that declares a schedule. Raise UnknownEvent if TASKS has none.

    In AWS a stack's sweeper has the rights to that stack alone. If the alias belongs to another stack now,
    another alias of this stack may have taken over the schedule.
    """
    own_stack = os.environ.get(ENV_STACK)
    declaring = {
        other: options
        for other, options in configured().items()
        if occurrence.schedule in options.schedules and own_stack in {None, options.stack}
    }
    if occurrence.alias in declaring:
        return declaring[occurrence.alias]
    if own_stack is None or not declaring:
        raise UnknownEvent("sweeper", ACCEPTED)
    return next(iter(declaring.values()))
