"""The project: its settings, its environment, its database."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime

from django.apps import apps
from django.core.checks import WARNING, CheckMessage
from django.db import DatabaseError
from django.tasks import task_backends

from ...checks import check_endpoint, check_middleware, check_tasks
from ...conf import ENV_STACK, OUTBOX, configured
from .finding import Finding
from .records import OVERDUE

EFFECTS = "django_offload.effects"


def settings() -> Iterator[Finding]:
    """Look at TASKS, the middleware and the endpoint, as manage.py check does."""
    checks: list[Callable[[], list[CheckMessage]]] = [check_tasks, check_middleware, check_endpoint]
    checks += [task_backends[alias].check for alias in configured()]
    for message in (message for check in checks for message in check()):
        if message.level >= WARNING and not message.is_silenced():
            yield Finding(
                id=str(message.id).rpartition(".")[2],
                stack=None,
                text=str(message.msg),
                mend=message.hint or "See manage.py check.",
            )


def environment() -> Iterator[Finding]:
    """Look whether this process was told to belong to another stack than those of TASKS."""
    told, known = os.environ.get(ENV_STACK), sorted({options.stack for options in configured().values()})
    if told is not None and told not in known:
        yield Finding(
            id="other-environment",
            stack=None,
            text=f"{ENV_STACK} is '{told}' in this environment; TASKS names {', '.join(known)}.",
            mend=f"Unset {ENV_STACK}, or use the settings of that stack.",
        )


def database(now: datetime) -> Iterator[Finding]:
    """Look at the tables of the apps that are installed, and for what waits in the outbox."""
    for app, look in ((OUTBOX, _outbox), (EFFECTS, _effects)):
        if not apps.is_installed(app):
            continue
        try:
            yield from look(now)
        except DatabaseError as exc:
            yield Finding(
                id="table-of-app-missing",
                stack=None,
                text=f"The table of {app} cannot be read: {' '.join(str(exc).split())}.",
                mend="Run manage.py migrate, or check DATABASES.",
            )


def _outbox(now: datetime) -> Iterator[Finding]:
    from ...outbox.drain import DATABASE
    from ...outbox.models import OutboxEntry

    left = OutboxEntry.objects.using(DATABASE).filter(created_at__lte=now - OVERDUE)
    count = left.count()
    if count:
        yield Finding(
            id="outbox-waits",
            stack=None,
            text=f"{count} committed {'task waits' if count == 1 else 'tasks wait'} in the outbox, unsent.",
            mend="Send them: manage.py offload_sweep; its log says why one cannot be sent.",
        )


def _effects(now: datetime) -> Iterator[Finding]:
    from ...effects.models import Effect

    Effect.objects.exists()
    return iter(())
