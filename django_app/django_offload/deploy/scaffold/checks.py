"""System checks that lead a project to its first task, and to its first deployment."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, reverse

from ...conf import configured
from ...definition.registry import registry
from ...exceptions import ConfigurationError, OffloadError

EXAMPLE = '{"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "shop-dev"}}'


def check_backend(**kwargs: Any) -> list[CheckMessage]:
    """Look for a backend of ours."""
    if _is_configured() is not False:
        return []
    return [
        checks.Warning(
            "django_offload is installed, and TASKS names none of its backends.",
            hint=f'Write into the settings: TASKS = {{"default": {EXAMPLE}}}',
            id="django_offload.W030",
        )
    ]


def check_task_modules(**kwargs: Any) -> list[CheckMessage]:
    """Look for tasks that a worker would know."""
    if not _is_configured() or registry().tasks:
        return []
    return [
        checks.Warning(
            "No task module defines a task.",
            hint="Write one into the tasks.py of an installed app: from django_offload import task, and "
            "@task above a function. Modules of other names go into OPTIONS['modules'].",
            id="django_offload.W031",
        )
    ]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Look for the pages that tell a task's status."""
    if not _is_configured() or not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("django_offload:status", args=["0" * 32])
    except NoReverseMatch:
        return [
            checks.Warning(
                "No page tells the status of a task, so accepted() has nowhere to lead.",
                hint='Add path("tasks/", include("django_offload.urls")) to urlpatterns.',
                id="django_offload.W032",
            )
        ]
    return []


def check_files(**kwargs: Any) -> list[CheckMessage]:
    """Look for what deploying takes: the files are there, and the template is that of the settings."""
    if not _is_configured():
        return []
    # Whoever starts a worker or a page pays for no more than it needs.
    from ...stack import stacks
    from ...stack.layout import layout
    from .project import changes_of

    try:
        found = layout()
        changes = [change for stack in list(stacks())[:1] for change in changes_of(found, stack)]
    except OffloadError as exc:
        return [
            checks.Warning(
                str(exc), hint="Then run manage.py check --deploy again.", id="django_offload.W033"
            )
        ]
    # What somebody wrote by hand is theirs.
    wanted = [found.shown(change.path) for change in changes if change.needed and not change.overwrites]
    if not wanted:
        return []
    return [
        checks.Warning(
            f"Deploying takes files that are missing or stale: {', '.join(wanted)}.",
            hint="Run manage.py offload_init, which shows what it writes and overwrites nothing.",
            id="django_offload.W033",
        )
    ]


def check_names(**kwargs: Any) -> list[CheckMessage]:
    """Look for a web side that Zappa would name as the stack is named, and put in its place."""
    if not _is_configured():
        return []
    from ...stack import stacks
    from ...stack.layout import layout
    from ..zappa_settings import name_problem, read, zappa_settings

    try:
        root = layout().root
        found = [
            name_problem(zappa_settings(root, stage), stage, stack)
            for stage in read(root)
            for stack in stacks()
        ]
    except OffloadError:
        return []  # Whoever needs the files tells what is wrong with them.
    return [
        checks.Error(problem[0], hint=problem[1], id="django_offload.E034")
        for problem in found
        if problem is not None
    ]


def check_variables(**kwargs: Any) -> list[CheckMessage]:
    """Look for variables that Zappa's settings give the web side alone."""
    if not _is_configured():
        return []
    from ...stack.layout import layout
    from ..stage import surroundings_of
    from ..variables import problems
    from ..zappa_settings import read, zappa_settings

    try:
        root = layout().root
        found = [
            problem
            for stage in read(root)
            if (root / "infra" / f"{stage}.json").exists()
            for problem in problems(zappa_settings(root, stage), stage, surroundings_of(root, stage))
        ]
    except OffloadError:
        return []  # Whoever needs the files tells what is wrong with them.
    return [checks.Warning(said, hint=hint, id="django_offload.W035") for said, hint in found]


def _is_configured() -> bool | None:
    """Tell whether TASKS names a backend of ours; None where it is wrong, as its own check tells."""
    try:
        return bool(configured())
    except (ConfigurationError, ImportError):
        return None
