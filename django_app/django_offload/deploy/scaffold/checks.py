"""System checks that help a project to its first task and its first deployment."""

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, reverse

from ...conf import configured
from ...definition.registry import registry_or_none
from ...exceptions import OffloadError

EXAMPLE = '{"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "shop-dev"}}'

# Some imports are inside the functions, so that starting a worker or a page doesn't load the template.


def check_backend(**kwargs: Any) -> list[CheckMessage]:
    """Warn if TASKS has no django_offload backend."""
    if is_configured() is not False:
        return []
    return [
        checks.Warning(
            "django_offload is installed, but TASKS names none of its backends.",
            hint=f'Add to the settings: TASKS = {{"default": {EXAMPLE}}}',
            id="django_offload.W030",
        )
    ]


def check_task_modules(**kwargs: Any) -> list[CheckMessage]:
    """Warn about tasks that no worker would find, because their app isn't installed, or if there are none."""
    if not is_configured():
        return []
    from ...stack.layout import layout
    from .task_files import unknown_task_files

    try:
        project = layout()
        files = [(project.shown(path), app) for path, app in unknown_task_files(project.source)]
    except (OffloadError, OSError):
        files = []  # Settings that were configured in code have no folder.
    messages: list[CheckMessage] = [
        checks.Warning(
            f"{path} defines tasks that no worker would know, because INSTALLED_APPS doesn't name its app.",
            hint=f"Add '{app}' to INSTALLED_APPS, or '{app}.tasks' to OPTIONS['modules'].",
            id="django_offload.W037",
        )
        for path, app in files
    ]
    tasks = registry_or_none()
    if messages or tasks is None or tasks.tasks:
        return messages
    return [
        checks.Warning(
            "No task module defines a task.",
            hint="Write one in the tasks.py of an installed app: from django_offload import task, and "
            "@task above a function. Add modules of other names to OPTIONS['modules'].",
            id="django_offload.W031",
        )
    ]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Warn if no URL shows the status of a task."""
    if not is_configured() or not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("django_offload:status", args=["0" * 32])
    except NoReverseMatch:
        return [
            checks.Warning(
                "No page shows the status of a task, so accepted() has no page to link to.",
                hint='Add path("tasks/", include("django_offload.urls")) to urlpatterns.',
                id="django_offload.W032",
            )
        ]
    except Exception:  # noqa: BLE001, the project's URLs may raise anything, which Django's own check shows
        return []
    return []


def check_files(**kwargs: Any) -> list[CheckMessage]:
    """Warn if files that deploying needs are missing, or are older than the settings."""
    if not is_configured() or registry_or_none() is None:
        return []
    from ...stack import stacks
    from ...stack.layout import layout
    from ..stage import ENV_STAGE
    from .project_files import is_of_another_stack, project_files

    try:
        project = layout()
        changes = [change for stack in list(stacks())[:1] for change in project_files(project, stack)]
    except OffloadError as exc:
        return [
            checks.Warning(
                str(exc), hint="Then run manage.py check --deploy again.", id="django_offload.W033"
            )
        ]
    # Files that a person wrote may differ, and so may the template of the stage without a name, in the
    # environment of another stage. A deployment makes the template of its stage.
    stale = [
        project.shown(change.path)
        for change in changes
        if change.needed
        and not change.overwrites
        and not (os.environ.get(ENV_STAGE) and is_of_another_stack(change))
    ]
    if not stale:
        return []
    return [
        checks.Warning(
            f"Files that deploying needs are missing or stale: {', '.join(stale)}.",
            hint="Run manage.py offload_init, which shows what it writes and overwrites nothing.",
            id="django_offload.W033",
        )
    ]


def check_names(**kwargs: Any) -> list[CheckMessage]:
    """Report a web side that Zappa would give the stack's name, so that it would replace the stack."""
    if not is_configured():
        return []
    from ...stack import stacks
    from ...stack.layout import layout
    from ..zappa_settings import name_problem, read_stages, zappa_settings

    try:
        root = layout().root
        problems = [
            name_problem(zappa_settings(root, stage), stage, stack)
            for stage in read_stages(root)
            for stack in stacks()
        ]
    except OffloadError:
        return []  # The commands that need these files report what is wrong with them.
    return [
        # Zappa would give the web side the stack's name, and then replace the stack.
        checks.Error(problem[0], hint=problem[1], id="django_offload.E034")
        for problem in problems
        if problem is not None
    ]


def check_variables(**kwargs: Any) -> list[CheckMessage]:
    """Warn about variables that Zappa's settings give only to the web side."""
    if not is_configured():
        return []
    from ...stack.layout import layout
    from ..stage import stage_environment_of, stage_file
    from ..variables import variable_warnings
    from ..zappa_settings import read_stages, zappa_settings

    try:
        root = layout().root
        warnings = [
            warning
            for stage in read_stages(root)
            if stage_file(root, stage).exists()
            for warning in variable_warnings(
                zappa_settings(root, stage), stage, stage_environment_of(root, stage)
            )
        ]
    except OffloadError:
        return []  # The commands that need these files report what is wrong with them.
    # Zappa's settings give the web side variables that the workers lack.
    return [checks.Warning(text, hint=hint, id="django_offload.W035") for text, hint in warnings]


def check_web(**kwargs: Any) -> list[CheckMessage]:
    """Report settings of Zappa that the web function doesn't serve, and stages that keep Zappa's handler."""
    if not is_configured():
        return []
    from ...stack.layout import layout
    from ..web_features import handler_warning, refused_features
    from ..zappa_settings import read_stages, zappa_settings

    messages: list[CheckMessage] = []
    try:
        root = layout().root
        for stage in read_stages(root):
            settings = zappa_settings(root, stage)
            for problem, remedy in refused_features(settings, stage):
                # A setting of Zappa asks for what the web function doesn't do.
                messages.append(checks.Error(problem, hint=remedy, id="django_offload.E036"))
            warning = handler_warning(settings, stage)
            if warning is not None:
                # A stage keeps Zappa's own handler, with all that an event may run.
                messages.append(checks.Warning(warning[0], hint=warning[1], id="django_offload.W036"))
    except OffloadError:
        return []  # The commands that need these files report what is wrong with them.
    return messages


def is_configured() -> bool | None:
    """Return True if TASKS names a django_offload backend, or None if TASKS is invalid."""
    try:
        return bool(configured())
    except Exception:  # noqa: BLE001, whatever TASKS raises
        return None  # Another check reports the error.
