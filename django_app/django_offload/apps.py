"""The app configuration of django_offload, for INSTALLED_APPS."""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import import_string

# Path, tags, and True for checks that run only with `check --deploy`. Each backend adds its own check.
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
    ("deploy.scaffold.checks.check_web", (Tags.security,), True),
)


class DjangoOffloadConfig(AppConfig):
    """Register the system checks."""

    name = "django_offload"
    verbose_name = "Offloaded tasks"

    def ready(self) -> None:
        for name, tags, deploy in CHECKS:
            register_lazily(f"{self.name}.{name}", tags, deploy)


def register_lazily(path: str, tags: tuple[str, ...], deploy: bool) -> None:
    """Register a check and import it only when it runs, because most processes never run checks."""

    @register(*tags, deploy=deploy)
    def check(**kwargs: Any) -> Iterable[CheckMessage]:
        messages: Iterable[CheckMessage] = import_string(path)(**kwargs)
        return messages
