"""System checks of tasks, schedules, the middleware, the endpoint and the databases."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from math import ceil
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.checks.registry import registry as checks_registry
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from .aws.cleartext import configured_endpoints, is_cleartext, named_endpoints, shown_url
from .aws.lean.endpoint import read_shared_config
from .compat import DJANGO_CHECKS, TASKS_APP, task_backends
from .conf import (
    DEFAULT_OWNER,
    OUTBOX,
    Options,
    broken_entries,
    options_by_alias,
    reason,
    shortened,
    shown,
    tasks_setting,
)
from .conf.schedules import comes_never
from .definition.offload_task import OffloadTask
from .definition.registry import app_task_modules, registry_or_none
from .definition.signatures import signature_of
from .definition.task_modules import import_failure
from .exceptions import ConfigurationError, UnknownTask
from .logs.escaping import printable
from .protocol.record import RECORD_LIFE
from .worker.migration import not_shared

MIDDLEWARE = "django_offload.middleware.OwnerMiddleware"
# What tells a request's visitor, which the middleware above looks at.
KNOWS_VISITORS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
# Enough to change SECRET_KEY every week, and to keep each key as long as a record may need it.
MOST_FALLBACKS = ceil(RECORD_LIFE / timedelta(weeks=1))
ENTRY = (
    "Give a dictionary whose BACKEND is the path of a class that can be imported, such as "
    "'django_offload.backends.SQSBackend'."
)
DICTIONARY = "Give a dictionary of entries by alias. Each is a dictionary with a BACKEND and OPTIONS."


def check_backends(**kwargs: Any) -> list[CheckMessage]:
    """
    Report the problems of each entry of TASKS.

    This replaces Django's own check, which raises at the first entry whose backend can't be made.
    """
    if any(check.__module__ == DJANGO_CHECKS for check in checks_registry.registered_checks):
        return []  # The app of the backport was ready later, and its check does this.
    try:
        tasks = tasks_setting()
    except Exception as exc:  # noqa: BLE001, whatever is there, this check reports it
        return [Error(f"TASKS can't be read: {reason(exc)}.", hint=DICTIONARY, id="django_offload.E007")]
    if not isinstance(settings.TASKS, Mapping):
        return [Error(f"TASKS is {shown(settings.TASKS)}.", hint=DICTIONARY, id="django_offload.E007")]
    broken = broken_entries()
    messages: list[CheckMessage] = [
        Error(f"TASKS[{shown(alias)}] can't be used: {problem}", hint=ENTRY, id="django_offload.E007")
        for alias, problem in broken.items()
    ]
    for alias in (alias for alias in tasks if alias not in broken):
        try:
            backend = task_backends[alias]
        except (Exception, SystemExit) as exc:  # noqa: BLE001, whatever an entry contains, it is reported
            messages.append(
                Error(
                    f"TASKS[{shown(alias)}] can't be used, because its backend can't be made: {reason(exc)}.",
                    hint=ENTRY,
                    id="django_offload.E007",
                )
            )
        else:
            messages += backend.check()
    return messages


def check_paths(**kwargs: Any) -> list[CheckMessage]:
    """Report task modules and owners that can't be imported."""
    messages: list[CheckMessage] = []
    for what, path, load in named_paths():
        try:
            found = load(path)
        except (Exception, SystemExit) as exc:  # noqa: BLE001, a module may raise anything at its import
            problem = import_failure(exc)
        else:
            if load is import_module or callable(found):
                continue
            problem = "it isn't a function"
        text = f"{what} {shown(path)}, which can't be used: {problem}."
        hint = "Correct the path or the module, or install what it needs."
        # A task module of an app, a module in OPTIONS['modules'], or OPTIONS['owner'] can't be imported.
        messages.append(Error(text, hint=hint, id="django_offload.E008"))
    return messages


def named_paths() -> Iterator[tuple[str, str, Callable[[str], Any]]]:
    """Yield who names a path, the path, and what imports it."""
    modules: dict[str, str] = {}
    for alias, options in options_by_alias().items():
        for name in options.modules:
            modules.setdefault(name, f"TASKS[{shown(alias)}]: OPTIONS['modules'] names")
    for name in app_task_modules():
        modules.setdefault(name, "INSTALLED_APPS has an app with the task module")
    for name, what in modules.items():
        yield what, name, import_module
    for alias, options in options_by_alias().items():
        yield f"TASKS[{shown(alias)}]: OPTIONS['owner'] names", options.owner, import_string


def check_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Report names that two tasks share, and tasks that need more time than their function has."""
    backends, tasks = options_by_alias(), registry_or_none()
    if tasks is None:
        return []
    messages: list[CheckMessage] = [
        Error(
            f"Two tasks are named '{name}'.",
            hint="Give one of them another name (@task(name=...)), or remove the alias.",
            id="django_offload.E010",
        )
        for name in dict.fromkeys(tasks.conflicts)
    ]
    for task in tasks.tasks.values():
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


def check_stacks(**kwargs: Any) -> list[CheckMessage]:
    """
    Report aliases of one stack that contradict each other, and stacks that are too large for AWS.

    If a task module can't be imported, or a task's schedule can't be deployed, the rest is still looked at.
    """
    # Imported here, because other checks run without them.
    from .definition.schedules import with_sound_schedules
    from .stack.spec import merge_options

    aliases_by_stack: dict[str, list[Options]] = {}
    for options in options_by_alias().values():
        aliases_by_stack.setdefault(options.stack, []).append(options)
    messages: list[CheckMessage] = []
    for aliases in aliases_by_stack.values():
        try:
            merge_options(
                list(map(with_sound_schedules, aliases)),
                attempts={},
                settings_module=None,
                result_ttl=timedelta(0),
            )
        except ConfigurationError as exc:
            text = f"TASKS[{shown(exc.alias)}]: {exc.problem}"
            # The aliases of a stack contradict each other, or AWS would refuse the stack.
            messages.append(Error(text, hint=exc.hint, id="django_offload.E009"))
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
    """Report schedules that can't be deployed or don't come again, and those whose task refuses them."""
    from .definition.schedules import declared  # Imported here, because other checks run without it.

    messages: list[CheckMessage] = []
    tasks = registry_or_none()
    if tasks is None:
        return []
    for alias, options in options_by_alias().items():
        for schedule in declared(options):
            place = f"TASKS[{shown(alias)}]: {schedule.place}"
            messages += [
                Error(f"TASKS[{shown(alias)}]: {one.text}", hint=one.hint, id=f"django_offload.{one.id}")
                for one in schedule.problems
            ]
            if not schedule.problems and comes_never(schedule.recurrence, datetime.now(UTC)):
                messages.append(
                    checks.Warning(
                        f"{place} never comes again: {shown(schedule.recurrence.when)} has no more days.",
                        hint="Correct its day, its month or its year, or remove the schedule.",
                        id="django_offload.W045",
                    )
                )
            try:
                task = tasks.resolve(schedule.recurrence.task)
                signature_of(task).bind(*schedule.recurrence.args, **schedule.recurrence.kwargs)
            except (UnknownTask, TypeError) as exc:
                messages.append(
                    Error(
                        f"{place} can't be enqueued: {shortened(printable(str(exc)))}",
                        hint="Name a task from a task module, '<module>.<function>', and arguments it takes.",
                        id="django_offload.E014",
                    )
                )
    return messages


def check_concurrency(**kwargs: Any) -> list[CheckMessage]:
    """Warn about queues whose batches are smaller than their concurrency."""
    return [
        checks.Warning(
            f"TASKS[{shown(alias)}] lets a worker run {queue.concurrency} tasks of queue '{name}' at a time, "
            f"but its batches hold only {queue.batch_size}.",
            hint=f"Raise OPTIONS['queues']['{name}']['batch_size'] to {queue.concurrency} or more.",
            id="django_offload.W013",
        )
        for alias, options in options_by_alias().items()
        for name, queue in options.queues.items()
        if options.transport == "sqs" and queue.concurrency > queue.batch_size
    ]


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the default owner is in use, and its middleware is missing or can't know anybody."""
    needed = any(
        options.owner in {DEFAULT_OWNER, "django_offload.middleware.current_owner"}
        for options in options_by_alias().values()
    )
    if not needed:
        return []
    names = [str(name) for name in settings.MIDDLEWARE or ()]
    own = [name for name in names if is_middleware(name, (MIDDLEWARE,))]
    if not own:
        return [
            checks.Warning(
                "Tasks have no owner. Only staff and clients with a token can follow them.",
                hint=f"Add '{MIDDLEWARE}' to MIDDLEWARE, beside the session and authentication middleware.",
                id="django_offload.W020",
            )
        ]
    # The order doesn't matter, because a task asks the request when it is enqueued. Another middleware may
    # set request.user, but not one of Django's.
    others = [name for name in names if name not in own]
    if any(not name.startswith("django.") or is_middleware(name, KNOWS_VISITORS) for name in others):
        return []
    return [
        checks.Warning(
            "Tasks have no owner, because no middleware knows the session or the user of a request.",
            hint=f"Add '{KNOWS_VISITORS[0]}' and '{KNOWS_VISITORS[1]}' to MIDDLEWARE.",
            id="django_offload.W023",
        )
    ]


def is_middleware(name: str, paths: tuple[str, ...]) -> bool:
    """Return True if a path names one of these middlewares, or a class that extends one."""
    if name in paths:
        return True
    try:
        found = import_string(name)
        return isinstance(found, type) and issubclass(found, tuple(map(import_string, paths)))
    except (Exception, SystemExit):  # noqa: BLE001, Django reports what can't be imported
        return False


def check_endpoint(**kwargs: Any) -> list[CheckMessage]:
    """Report endpoints that would send messages over a network without encryption."""
    messages: list[CheckMessage] = []
    for key, value in endpoints():
        try:
            cleartext = is_cleartext(value)
        except ValueError as exc:
            messages.append(
                Error(
                    f"{key} is {shown(shown_url(value))}, which is no URL: {shown_url(reason(exc))}.",
                    hint="Correct or unset it.",
                    id="django_offload.E021",
                )
            )
            continue
        if cleartext and not settings.DEBUG:
            messages.append(
                Error(
                    f"{key} is '{shown_url(value)}'. Messages and results would cross the network "
                    "unencrypted.",
                    hint="Use https://, or unset the variable to use AWS.",
                    id="django_offload.E021",
                )
            )
    return messages


def endpoints() -> Iterator[tuple[str, str]]:
    """Yield what names an endpoint of AWS here, with its URL: variables, AWS's configuration, and TASKS."""
    yield from named_endpoints(os.environ)
    profile = os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or "default"
    yield from configured_endpoints(read_shared_config(os.environ), profile)
    for alias, options in options_by_alias().items():
        for queue, url in options.queue_urls.items():
            yield f"TASKS[{shown(alias)}]: OPTIONS['queue_urls'][{shown(queue)}]", url


def check_atomic_requests(**kwargs: Any) -> list[CheckMessage]:
    """Warn if every view is a transaction whose tasks are lost with the process."""
    database = settings.DATABASES.get(DEFAULT_DB_ALIAS) if isinstance(settings.DATABASES, Mapping) else None
    if not isinstance(database, Mapping) or not database.get("ATOMIC_REQUESTS"):
        return []
    return [
        checks.Warning(
            f"TASKS[{shown(alias)}] has no outbox, and ATOMIC_REQUESTS is on. A view's tasks are sent after "
            "its commit, so they are lost if the process ends in between.",
            hint=f"Set OPTIONS['outbox'] = True, add '{OUTBOX}' to INSTALLED_APPS, and run migrate.",
            id="django_offload.W024",
        )
        for alias, options in options_by_alias().items()
        if options.on_commit and not options.outbox
    ]


def check_fallbacks(**kwargs: Any) -> list[CheckMessage]:
    """Warn about keys in SECRET_KEY_FALLBACKS that no message can need."""
    fallbacks = [str(key) for key in settings.SECRET_KEY_FALLBACKS or ()]
    useless = len(fallbacks) - len({*fallbacks} - {str(settings.SECRET_KEY)})
    problems = []
    if useless:
        problems.append(f"SECRET_KEY_FALLBACKS has {useless} of its keys twice, or SECRET_KEY itself.")
    if len(fallbacks) - useless > MOST_FALLBACKS:
        problems.append(
            f"SECRET_KEY_FALLBACKS has {len(fallbacks)} keys. Whoever has one of them can sign messages, and "
            f"none of yours is older than {RECORD_LIFE.days} days."
        )
    return [
        # SECRET_KEY_FALLBACKS has a key twice, or more keys than there can be messages for.
        checks.Warning(
            problem,
            hint=f"Keep a key for {RECORD_LIFE.days} days after you replaced it, then remove it.",
            id="django_offload.W027",
        )
        for problem in problems
    ]


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
