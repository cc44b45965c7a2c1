"""The enqueue of a scheduled task: one task for each occurrence, however often Lambda hears of it."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ..compat import task_backends
from ..conf import configured
from ..definition.registry import registry
from ..exceptions import UnknownEvent
from ..sending.enqueue import announce_enqueued, build, enqueued_result, prototype_of, send

logger = logging.getLogger("django_offload")

ACCEPTED = "the time and the name of a schedule that TASKS declares"


def enqueue_scheduled(event: Mapping[str, Any], clock: Callable[[], datetime]) -> str:
    """
    Enqueue the task of a schedule's occurrence, and return its id.

    The id is made of the schedule and the occurrence, so that a repeated event makes no second task. TASKS
    alone says what runs. Raise UnknownEvent if the event names no schedule of TASKS, UnknownTask if its task
    is gone, and EnqueueFailed if AWS accepted nothing: then Lambda repeats the event.
    """
    options, name = configured().get(str(event.get("alias"))), str(event.get("schedule"))
    try:
        occurrence = datetime.fromisoformat(str(event.get("at"))).astimezone(UTC)
    except ValueError:
        raise UnknownEvent("sweeper", ACCEPTED) from None
    if options is None or name not in options.schedules:
        raise UnknownEvent("sweeper", ACCEPTED)
    at = occurrence.isoformat()
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
