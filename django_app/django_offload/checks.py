"""System checks of tasks, schedules, the middleware, the endpoint and the databases."""

import os
from collections.abc import Mapping
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from .aws.loopback import LOOPBACK_HOSTS
from .compat import TASKS_APP
from .conf import DEFAULT_OWNER, Options, configured
from .definition.offload_task import OffloadTask
from .definition.registry import registry
from .definition.signatures import signature_of
from .exceptions import ConfigurationError, UnknownTask
from .worker.migration import not_shared

MIDDLEWARE = "django_offload.middleware.OwnerMiddleware"


def options_by_alias() -> Mapping[str, Options] | None:
    """Return the options of each alias, or None if TASKS is invalid. Another check reports that."""
    try:
        return configured()
    except (ConfigurationError, ImportError):
        return None


def check_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Report names that two tasks share, and tasks that need more time than their function has."""
    backends = options_by_alias()
    if backends is None:
        return []
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
                    f"{task.module_path} has a timeout of {timeout}, but its queue's timeout is only "
                    f"{queue.timeout}.",
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
                    hint=f"Give the task a timeout that fits {rounds} times into the queue's, or lower the "
                    "queue's batch_size to its concurrency.",
                    id="django_offload.E012",
                )
            )
    return messages


def check_backport(**kwargs: Any) -> list[CheckMessage]:
    """Report that the app of the tasks isn't installed, on a Django that has no tasks of its own."""
    if TASKS_APP is None or apps.is_installed(TASKS_APP):
        return []
    return [
        Error(
            f"On this version of Django, tasks are in the app '{TASKS_APP}', which isn't installed.",
            hint=f"Add '{TASKS_APP}' to INSTALLED_APPS. It checks TASKS.",
            id="django_offload.E018",
        )
    ]


def check_schedules(**kwargs: Any) -> list[CheckMessage]:
    """Report schedules whose task doesn't exist or doesn't take their arguments."""
    messages: list[CheckMessage] = []
    for alias, options in (options_by_alias() or {}).items():
        for name, schedule in options.schedules.items():
            try:
                task = registry().resolve(schedule.task)
                signature_of(task).bind(*schedule.args, **schedule.kwargs)
            except (UnknownTask, TypeError) as exc:
                messages.append(
                    Error(
                        f"TASKS['{alias}']: OPTIONS['schedules']['{name}'] can't be enqueued: {exc}",
                        hint="Name a task from a task module, '<module>.<function>', and arguments it takes.",
                        id="django_offload.E014",
                    )
                )
    return messages


def check_concurrency(**kwargs: Any) -> list[CheckMessage]:
    """Warn about queues whose batches are smaller than their concurrency."""
    return [
        checks.Warning(
            f"TASKS['{alias}'] lets a worker run {queue.concurrency} tasks of queue '{name}' at a time, but "
            f"its batches hold only {queue.batch_size}.",
            hint=f"Raise OPTIONS['queues']['{name}']['batch_size'] to {queue.concurrency} or more.",
            id="django_offload.W013",
        )
        for alias, options in (options_by_alias() or {}).items()
        for name, queue in options.queues.items()
        if options.transport == "sqs" and queue.concurrency > queue.batch_size
    ]


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the default owner is in use without the middleware that it needs."""
    needed = any(
        options.owner in {DEFAULT_OWNER, "django_offload.middleware.current_owner"}
        for options in (options_by_alias() or {}).values()
    )
    if not needed or MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        checks.Warning(
            "Tasks have no owner. Only staff and clients with a token can follow them.",
            hint=f"Add '{MIDDLEWARE}' to MIDDLEWARE, after the session and authentication middleware.",
            id="django_offload.W020",
        )
    ]


def check_endpoint(**kwargs: Any) -> list[CheckMessage]:
    """Report endpoints that would send messages over a network without encryption."""
    messages: list[CheckMessage] = []
    for key, value in sorted(os.environ.items()):
        url = urlsplit(value) if key.startswith("AWS_ENDPOINT_URL") else None
        if url and url.scheme == "http" and url.hostname not in LOOPBACK_HOSTS and not settings.DEBUG:
            messages.append(
                Error(
                    f"{key} is '{value}'. Messages and results would cross the network unencrypted.",
                    hint="Use https://, or unset the variable to use AWS.",
                    id="django_offload.E021",
                )
            )
    return messages


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Report databases that the web and worker functions can't share."""
    return [
        Error(
            f"DATABASES['{alias}'] is SQLite. Each deployed function would have its own copy.",
            hint="Where DEBUG is off, use a server that every function can reach, such as PostgreSQL.",
            id="django_offload.E022",
        )
        for alias in not_shared()
    ]
