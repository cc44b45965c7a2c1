"""The enqueue of a recurring task: once for each time its schedule strikes, however often that is told."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.tasks import task_backends
from django.tasks.signals import task_enqueued
from django.utils.json import normalize_json

from ..conf import Options, configured
from ..definition.registry import registry
from ..definition.results import enqueued_result
from ..exceptions import UnknownEvent
from ..protocol.enqueued_task import EnqueuedTask, dump
from ..sending.record_and_message import send

logger = logging.getLogger("django_offload")

ACCEPTED = "the time and the name of a schedule that TASKS declares"


def enqueue_scheduled(event: Mapping[str, Any], clock: Callable[[], datetime]) -> str:
    """
    Enqueue what a schedule declares, and return the id of its task.

    The id is made of the schedule and its time, so that a repeated event makes no second task. What runs
    is in TASKS alone. Raise UnknownEvent if the event names no schedule of TASKS, UnknownTask if its task
    is gone, and EnqueueFailed if AWS took nothing: Lambda then repeats the event.
    """
    options, name, at = _named(event)
    recurrence = options.schedules[name]
    task = registry().resolve(recurrence.task)
    enqueued = EnqueuedTask(
        id=sha256(f"{options.stack}:{options.alias}:{name}:{at}".encode()).hexdigest()[:32],
        alias=options.alias,
        name=recurrence.task,
        queue=task.queue_name,
        arguments=dump([normalize_json(list(recurrence.args)), normalize_json(dict(recurrence.kwargs))]),
        enqueued_at=clock(),
    )
    send(enqueued, options)
    logger.info("Schedule %s of %s enqueued task id=%s name=%s", name, at, enqueued.id, enqueued.name)
    task_enqueued.send(
        type(task_backends[options.alias]),
        task_result=enqueued_result(task.using(backend=options.alias), enqueued),
    )
    return enqueued.id


def _named(event: Mapping[str, Any]) -> tuple[Options, str, str]:
    """Return what an event names. Raise UnknownEvent unless TASKS declares it."""
    options, name, at = configured().get(str(event.get("alias"))), str(event.get("schedule")), event.get("at")
    try:
        known = options is not None and name in options.schedules
        struck = datetime.fromisoformat(str(at)).astimezone(UTC)
    except ValueError:
        known = False
    if options is None or not known:
        raise UnknownEvent("sweeper", ACCEPTED)
    return options, name, struck.isoformat()
