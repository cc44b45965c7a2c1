"""The app to put into INSTALLED_APPS."""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import import_string

# Beyond each backend's own; Django's tag of each, and whether it is for `check --deploy` alone.
CHECKS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("checks.check_tasks", (), False),
    ("checks.check_concurrency", (), False),
    ("checks.check_schedules", (), False),
    ("checks.check_middleware", (), False),
    ("checks.check_endpoint", (Tags.security,), False),
    ("checks.check_database", (Tags.security,), True),
    ("deploy.scaffold.checks.check_backend", (), False),
    ("deploy.scaffold.checks.check_task_modules", (), False),
    ("deploy.scaffold.checks.check_urls", (Tags.urls,), False),
    ("deploy.scaffold.checks.check_files", (), True),
    ("deploy.scaffold.checks.check_names", (), True),
    ("deploy.scaffold.checks.check_variables", (), True),
)


class DjangoOffloadConfig(AppConfig):
    """Registers the system checks."""

    name = "django_offload"
    verbose_name = "Offloaded tasks"

    def ready(self) -> None:
        """Register what `manage.py check` looks at, without loading it: no other process needs it."""
        for name, tags, deploy in CHECKS:
            _register(f"{self.name}.{name}", tags, deploy)


def _register(path: str, tags: tuple[str, ...], deploy: bool) -> None:
    @register(*tags, deploy=deploy)
    def check(**kwargs: Any) -> Iterable[CheckMessage]:
        found: Iterable[CheckMessage] = import_string(path)(**kwargs)
        return found
