"""System checks beyond each backend's own: the registry, the middleware, the endpoint."""

import os
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from .aws.loopback import LOOPBACK_HOSTS
from .conf import DEFAULT_OWNER, configured
from .definition.offload_task import OffloadTask
from .definition.registry import registry
from .definition.signatures import signature_of
from .exceptions import ConfigurationError, UnknownTask
from .worker.migration import not_shared

MIDDLEWARE = "django_offload.middleware.OwnerMiddleware"


def check_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Look for names that two tasks claim, and for batches that cannot fit their function's time."""
    try:
        backends = configured()
    except (ConfigurationError, ImportError):
        return []  # The backend's own check, or Django, tells.
    messages: list[CheckMessage] = [
        Error(
            f"Two tasks are named '{name}'.",
            hint="Give one of them another name (@task(name=...)), or remove the alias.",
            id="django_offload.E010",
        )
        for name in dict.fromkeys(registry().conflicts)
    ]
    for task in registry().tasks.values():
        options = backends.get(task.backend)
        queue = options.queues.get(task.queue_name) if options else None
        timeout = task.timeout if isinstance(task, OffloadTask) else None
        if queue is None:
            continue
        if timeout is not None and timeout > queue.timeout:
            messages.append(
                Error(
                    f"{task.module_path} has a timeout of {timeout}, its queue one of {queue.timeout}.",
                    hint=f"Raise OPTIONS['queues']['{task.queue_name}']['timeout'], or lower the task's.",
                    id="django_offload.E011",
                )
            )
        rounds = ceil(queue.batch_size / queue.concurrency)
        if rounds > 1 and (timeout is None or timeout * rounds > queue.timeout):
            messages.append(
                Error(
                    f"A batch of {queue.batch_size} of {task.module_path} may not fit the timeout of queue "
                    f"'{task.queue_name}', {queue.timeout}.",
                    hint="Give the task a timeout that fits that often, or lower the queue's batch_size to "
                    "its concurrency.",
                    id="django_offload.E012",
                )
            )
    return messages


def check_schedules(**kwargs: Any) -> list[CheckMessage]:
    """Look for recurring tasks that no module defines, or that would not take their arguments."""
    try:
        backends = configured()
    except (ConfigurationError, ImportError):
        return []
    messages: list[CheckMessage] = []
    for alias, options in backends.items():
        for name, recurrence in options.schedules.items():
            where = f"TASKS['{alias}']: OPTIONS['schedules']['{name}']"
            try:
                task = registry().resolve(recurrence.task)
                signature_of(task).bind(*recurrence.args, **recurrence.kwargs)
            except (UnknownTask, TypeError) as exc:
                messages.append(
                    Error(
                        f"{where}: {exc}",
                        hint="Name a task of a task module, '<module>.<function>', with arguments it takes.",
                        id="django_offload.E014",
                    )
                )
    return messages


def check_concurrency(**kwargs: Any) -> list[CheckMessage]:
    """Look for queues whose batches hold fewer messages than may run at a time."""
    try:
        backends = configured()
    except (ConfigurationError, ImportError):
        return []
    return [
        checks.Warning(
            f"TASKS['{alias}'] lets {queue.concurrency} tasks of queue '{name}' run at a time in a worker, "
            f"and hands it batches of {queue.batch_size}.",
            hint=f"Raise OPTIONS['queues']['{name}']['batch_size'] to {queue.concurrency} or more.",
            id="django_offload.W013",
        )
        for alias, options in backends.items()
        for name, queue in options.queues.items()
        if options.transport == "sqs" and queue.concurrency > queue.batch_size
    ]


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Look for the middleware that tells tasks their owner."""
    try:
        default = any(
            options.owner in {DEFAULT_OWNER, "django_offload.middleware.current_owner"}
            for options in configured().values()
        )
    except (ConfigurationError, ImportError):
        return []
    if not default or MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        checks.Warning(
            "Tasks have no owner: only staff and bearers of a token can follow them.",
            hint=f"Add '{MIDDLEWARE}' to MIDDLEWARE, after the session and authentication middleware.",
            id="django_offload.W020",
        )
    ]


def check_endpoint(**kwargs: Any) -> list[CheckMessage]:
    """Look for messages that would cross a network in the clear."""
    messages: list[CheckMessage] = []
    for key, value in sorted(os.environ.items()):
        url = urlsplit(value) if key.startswith("AWS_ENDPOINT_URL") else None
        if url and url.scheme == "http" and url.hostname not in LOOPBACK_HOSTS and not settings.DEBUG:
            messages.append(
                Error(
                    f"{key} is '{value}': messages and results would travel unencrypted.",
                    hint="Use https://, or unset it to use AWS.",
                    id="django_offload.E021",
                )
            )
    return messages


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Look for databases that web and workers would not share."""
    return [
        Error(
            f"DATABASES['{alias}'] is SQLite: each deployed function would have one of its own.",
            hint="Use a server that all of them reach, such as PostgreSQL, wherever DEBUG is off.",
            id="django_offload.E022",
        )
        for alias in not_shared()
    ]
