"""
Django's tasks and its test environment, whichever Django this is. No other module knows versions of Django.

From Django 6.0 on, the names below are those of django.tasks. On Django 5.2 they are those of its backport,
django_tasks, which the extra [django52] installs. Nothing is imported before a name is used, because every
import of the library begins here, also those before the settings are read.
"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django import VERSION

if TYPE_CHECKING:
    from django.tasks import default_task_backend, signals, task_backends
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import (
        DEFAULT_TASK_BACKEND_ALIAS,
        DEFAULT_TASK_PRIORITY,
        DEFAULT_TASK_QUEUE_NAME,
        Task,
        TaskContext,
        TaskError,
        TaskResult,
        TaskResultStatus,
        task,
    )
    from django.tasks.exceptions import (
        InvalidTask,
        InvalidTaskBackend,
        TaskException,
        TaskResultDoesNotExist,
        TaskResultMismatch,
    )
    from django.utils.json import normalize_json

__all__ = [
    "DEFAULT_TASK_BACKEND_ALIAS",
    "DEFAULT_TASK_PRIORITY",
    "DEFAULT_TASK_QUEUE_NAME",
    "DJANGO_CHECKS",
    "HAS_TASKS",
    "SIGNALS",
    "TASKS",
    "TASKS_APP",
    "TEST_UTILS",
    "BaseTaskBackend",
    "InvalidTask",
    "InvalidTaskBackend",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskException",
    "TaskResult",
    "TaskResultDoesNotExist",
    "TaskResultMismatch",
    "TaskResultStatus",
    "default_task_backend",
    "in_test_environment",
    "normalize_json",
    "signals",
    "task",
    "task_backends",
]

BACKPORT = "django_tasks"
HAS_TASKS = VERSION >= (6, 0)
TASKS = "django.tasks" if HAS_TASKS else BACKPORT

# The module of the check that raises at the first entry of TASKS whose backend can't be imported.
DJANGO_CHECKS = f"{TASKS}.checks"

# The signals of a task are sent in each of these modules that is loaded. Wagtail uses the backport on every
# Django, so both can be.
SIGNALS = tuple(f"{package}.signals" for package in dict.fromkeys((TASKS, BACKPORT)))

# The module of each name, on Django 6.0 and later.
MODULES = {
    "DEFAULT_TASK_BACKEND_ALIAS": "django.tasks.base",
    "DEFAULT_TASK_PRIORITY": "django.tasks.base",
    "DEFAULT_TASK_QUEUE_NAME": "django.tasks.base",
    "Task": "django.tasks.base",
    "TaskContext": "django.tasks.base",
    "TaskError": "django.tasks.base",
    "TaskResult": "django.tasks.base",
    "TaskResultStatus": "django.tasks.base",
    "task": "django.tasks.base",
    "BaseTaskBackend": "django.tasks.backends.base",
    "InvalidTask": "django.tasks.exceptions",
    "InvalidTaskBackend": "django.tasks.exceptions",
    "TaskException": "django.tasks.exceptions",
    "TaskResultDoesNotExist": "django.tasks.exceptions",
    "TaskResultMismatch": "django.tasks.exceptions",
    "default_task_backend": "django.tasks",
    "signals": "django.tasks",
    "task_backends": "django.tasks",
    "normalize_json": "django.utils.json",
}
# Where the backport has another name, or another module.
RENAMED = {
    "InvalidTask": "InvalidTaskError",
    "InvalidTaskBackend": "InvalidTaskBackendError",
}
MOVED = {"django.utils.json": "django_tasks.utils"}

# The app that belongs into INSTALLED_APPS, if any.
TASKS_APP = None if HAS_TASKS else BACKPORT

BACKPORT_MISSING = (
    "Django 5.2 has no tasks of its own, and the backport that django-offload needs there isn't installed: "
    'run pip install "django-offload[django52]".'
)

if not HAS_TASKS and find_spec(BACKPORT) is None:
    raise ImportError(BACKPORT_MISSING)


# Django keeps the state of its test environment in this module, which production has no reason to load.
TEST_UTILS = "django.test.utils"
# Lambda sets the variable before Python starts, so a test that sets it changes nothing here.
IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def in_test_environment() -> bool:
    """
    Return True between Django's setup_test_environment() and teardown_test_environment().

    Django's test runner and pytest-django call them. Inside Lambda the answer is always False.
    """
    state = getattr(sys.modules.get(TEST_UTILS), "_TestState", None)
    return hasattr(state, "saved_data") and not IN_LAMBDA


def of_this_django(text: str) -> str:
    """Return a text that names django.tasks with the package of this Django's tasks instead."""
    return text.replace("django.tasks", TASKS)


def is_of_backport(backend: "BaseTaskBackend") -> bool:
    """Return True if the backport made a backend beside Django's own tasks, which then have one too."""
    backport = sys.modules.get(BACKPORT) if HAS_TASKS else None
    made = backport.task_backends.all(initialized_only=True) if backport else ()
    return any(one is backend for one in made)


def __getattr__(name: str) -> Any:
    """Import a name of Django's tasks when it is used first. Raise ImportError if the backport lacks it."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own_name = MODULES[name], name
    if not HAS_TASKS:
        module = MOVED.get(module, module.replace("django.tasks", BACKPORT))
        own_name = RENAMED.get(name, name)
    try:
        # This module clears the backends when TASKS changes. Only Django's own package imports it by itself.
        import_module(f"{TASKS}.signals")
        value = getattr(import_module(module), own_name)
    except (AttributeError, ModuleNotFoundError) as exc:
        raise ImportError(BACKPORT_MISSING) from exc
    globals()[name] = value
    return value
