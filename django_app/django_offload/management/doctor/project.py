"""Check the project's settings, environment and database."""

import os
from collections.abc import Iterator
from datetime import datetime

from django.apps import apps
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.core.checks.registry import registry
from django.db import DatabaseError

from ...conf import ENV_STACK, OUTBOX, configured, reason
from .finding import Finding
from .records import OVERDUE_AFTER

EFFECTS = "django_offload.effects"


def check_settings() -> Iterator[Finding]:
    """
    Run the system checks of manage.py check.

    The errors of any app are findings, and our own warnings. Warnings of other apps are notes.
    """
    messages: list[CheckMessage] = []
    try:
        messages += run_checks()
    except (Exception, SystemExit) as exc:  # noqa: BLE001, another app's check may raise anything
        yield Finding(
            id="checks-failed",
            stack=None,
            text=f"manage.py check can't run, because a check raises {reason(exc)}.",
            remedy="Run manage.py check, which shows where, and correct that.",
        )
        for check in registry.get_checks():
            if check.__module__.startswith("django_offload."):
                messages += check(app_configs=None, databases=None)
    for message in messages:
        check_id = str(message.id or "check")
        own = check_id.startswith("django_offload.")
        if message.level >= WARNING and not message.is_silenced():
            yield Finding(
                id=check_id.removeprefix("django_offload."),
                stack=None,
                text=str(message.msg),
                remedy=message.hint or "See manage.py check.",
                wrong=own or message.level >= ERROR,
            )


def check_environment() -> Iterator[Finding]:
    """Check that the environment of this process doesn't name a stack that TASKS doesn't name."""
    stack = os.environ.get(ENV_STACK)
    stacks = sorted({options.stack for options in configured().values()})
    if stack is not None and stack not in stacks:
        yield Finding(
            id="other-environment",
            stack=None,
            text=f"{ENV_STACK} is '{stack}' in this environment, but TASKS names {', '.join(stacks)}.",
            remedy=f"Unset {ENV_STACK}, or use the settings of that stack.",
        )


def check_database(now: datetime) -> Iterator[Finding]:
    """Check the tables of the apps that are installed, and find tasks that wait in the outbox."""
    for app, check in ((OUTBOX, check_outbox), (EFFECTS, check_effects)):
        if not apps.is_installed(app):
            continue
        try:
            yield from check(now)
        except DatabaseError as exc:
            yield Finding(
                id="table-of-app-missing",
                stack=None,
                text=f"The table of {app} can't be read: {' '.join(str(exc).split())}.",
                remedy="Run manage.py migrate, or check DATABASES.",
            )


def check_outbox(now: datetime) -> Iterator[Finding]:
    from ...outbox.drain import DATABASE
    from ...outbox.models import OutboxEntry

    count = OutboxEntry.objects.using(DATABASE).filter(created_at__lte=now - OVERDUE_AFTER).count()
    if count:
        yield Finding(
            id="outbox-waits",
            stack=None,
            text=f"{count} committed {'task waits' if count == 1 else 'tasks wait'} unsent in the outbox.",
            remedy="Send them with manage.py offload_sweep. Its log says why a task can't be sent.",
        )


def check_effects(now: datetime) -> Iterator[Finding]:
    from ...effects.models import Effect

    Effect.objects.exists()
    return iter(())
