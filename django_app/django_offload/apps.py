"""The app configuration of django_offload, for INSTALLED_APPS."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.core.checks.registry import registry
from django.core.exceptions import SuspiciousOperation
from django.utils.module_loading import import_string

from .compat import DJANGO_CHECKS, HAS_TASKS

# Path, tags, and True for checks that run only with `check --deploy`.
CHECKS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("checks.check_backends", (), False),
    ("checks.check_paths", (), False),
    ("checks.check_tasks", (), False),
    ("definition.unique_checks.check_unique_tasks", (), False),
    ("checks.check_stacks", (), False),
    ("checks.check_backport", (), False),
    ("checks.check_concurrency", (), False),
    ("checks.check_schedules", (), False),
    ("conf.capacity.check_at_a_time", (), False),
    ("conf.tenant_checks.check_tenants", (), False),
    ("conf.capacity.check_shards", (), False),
    ("conf.capacity.check_without_effect", (), False),
    ("conf.capacity.check_connections", (Tags.database,), False),
    ("checks.check_middleware", (), False),
    ("http.checks.check_throttles", (Tags.urls, Tags.caches), False),
    ("checks.check_endpoint", (Tags.security,), False),
    ("checks.check_database", (Tags.security,), True),
    ("checks.check_atomic_requests", (Tags.database,), True),
    ("checks.check_fallbacks", (Tags.security,), True),
    ("deploy.scaffold.checks.check_backend", (), False),
    ("deploy.scaffold.checks.check_task_modules", (), False),
    ("deploy.scaffold.checks.check_urls", (Tags.urls,), False),
    ("deploy.scaffold.checks.check_files", (), True),
    ("deploy.scaffold.checks.check_names", (), True),
    ("deploy.scaffold.checks.check_variables", (), True),
    ("deploy.scaffold.checks.check_web", (Tags.security,), True),
    ("deploy.stage_checks.check_literals", (Tags.security,), True),
    ("deploy.stage_checks.check_settings", (Tags.security,), True),
    ("deploy.stage_checks.check_hosts", (Tags.security,), True),
    ("deploy.stage_checks.check_endpoints", (Tags.security,), True),
)

# Their records have addresses or a request. A filter of a logger doesn't see the records of its children.
LOGGERS = (
    "django.request",
    "django.server",
    "django.security.csrf",
    "django.security.SuspiciousOperation",
    "django.security.SuspiciousSession",  # Sessions define it when the first request comes.
    *("gunicorn.access", "gunicorn.error", "uvicorn.access", "uvicorn.error"),
    "zappa.handler",
    "zappa.wsgi",
)


# The programs that run one command and end, the last one as `python -m django`.
PROGRAMS = ("manage.py", "django-admin", "__main__.py")


class DjangoOffloadConfig(AppConfig):
    """Register the system checks, and keep tokens out of logs."""

    name = "django_offload"
    verbose_name = "Offloaded tasks"

    def __init__(self, app_name: str, app_module: Any) -> None:
        super().__init__(app_name, app_module)
        if is_command_with_json(getattr(sys, "argv", ())):
            from .management.json_output import keep_stdout

            keep_stdout()

    def ready(self) -> None:
        replace_check_of_tasks()
        for name, tags, deploy in CHECKS:
            register(lazily(f"{self.name}.{name}"), *tags, deploy=deploy)
        for name in (*LOGGERS, *(f"django.security.{name}" for name in names_below(SuspiciousOperation))):
            logging.getLogger(name).addFilter(hide_tokens)
        if "OFFLOAD_LOCAL_SITE" in os.environ:
            from .local.serve.access_log import WithoutOwnRequests

            logging.getLogger("django.server").addFilter(WithoutOwnRequests())


def is_command_with_json(argv: Sequence[str]) -> bool:
    """Return True for `manage.py offload_... --json`, which prints JSON alone, whatever apps print."""
    program, command, *words = [*argv, "", ""][: max(len(argv), 2)]
    return (
        os.path.basename(program) in PROGRAMS
        and command.startswith("offload_")
        and "--json" in words
        and not {"-h", "--help"} & set(words)
    )


def replace_check_of_tasks() -> None:
    """Remove Django's own check of TASKS, which one broken entry stops, because check_backends() does it."""
    if HAS_TASKS:
        import_module(DJANGO_CHECKS)  # It registers the check.
    for check in list(registry.registered_checks):
        if check.__module__ == DJANGO_CHECKS:
            registry.registered_checks.discard(check)


def names_below(kind: type[Exception]) -> Iterator[str]:
    """Yield the names of all classes below a class: Django logs each in a logger of its own."""
    for inner in kind.__subclasses__():
        yield inner.__name__
        yield from names_below(inner)


def hide_tokens(record: logging.LogRecord) -> bool:
    """Hide the tokens of links in a log record. Import the filter here, because workers log no requests."""
    from .http.log_filter import token_filter

    return token_filter.filter(record)


@cache
def lazily(path: str) -> Callable[..., Iterable[CheckMessage]]:
    """
    Return a check that is imported only when it runs, because most processes never run checks.

    It is the same one each time, because ready() is called again when INSTALLED_APPS is overridden.
    """

    def check(**kwargs: Any) -> Iterable[CheckMessage]:
        messages: Iterable[CheckMessage] = import_string(path)(**kwargs)
        return messages

    return check
