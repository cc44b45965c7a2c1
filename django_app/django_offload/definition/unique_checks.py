"""System checks of unique tasks."""

from typing import Any

from django.core.checks import CheckMessage, Error

from ..conf import options_by_alias, shown
from .registry import registry_or_none
from .unique import strange_parameters


def check_unique_tasks(**kwargs: Any) -> list[CheckMessage]:
    """Report unique tasks that can't have a key, because nothing says whether they run, or of what it is."""
    backends, tasks = options_by_alias(), registry_or_none()
    messages: list[CheckMessage] = []
    # A task is registered under each of its names.
    unique_tasks = {
        task.module_path: task for task in (tasks.tasks.values() if tasks else ()) if hasattr(task, "unique")
    }
    for path, task in unique_tasks.items():
        if not task.unique:
            continue
        options = backends.get(task.backend)
        if options is not None and not options.record_at_enqueue:
            messages.append(
                Error(
                    f"{path} is unique, but TASKS[{shown(options.alias)}] has OPTIONS['record_at_enqueue'] = "
                    "False. Only a record says whether a task still waits or runs.",
                    hint="Remove that option, or give the task a backend without it.",
                    id="django_offload.E048",
                )
            )
        strange = strange_parameters(task, task.unique) if callable(task.unique) else []
        if strange:
            messages.append(
                Error(
                    f"The `unique` of {path} needs {', '.join(strange)}, but the task has no such parameter.",
                    hint="Name parameters of the task's function, or take **arguments.",
                    id="django_offload.E049",
                )
            )
    return messages
