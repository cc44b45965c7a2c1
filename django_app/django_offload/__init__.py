"""A backend for Django's task framework that runs tasks on AWS Lambda."""

from typing import TYPE_CHECKING, Any

from . import compat as compat  # Raises what to install if this Django lacks tasks.
from . import logs as logs  # Filters the loggers before anything is logged.

if TYPE_CHECKING:
    from .definition.context import progress, track
    from .definition.offload_task import OffloadTask, task
    from .definition.schedule_option import cron, every

__all__ = ["OffloadTask", "cron", "every", "progress", "task", "track"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is used, because this module is imported before the settings are read."""
    if name in {"progress", "track"}:
        from .definition import context

        return getattr(context, name)
    if name in {"OffloadTask", "task"}:
        from .definition import offload_task

        return getattr(offload_task, name)
    if name in {"cron", "every"}:
        from .definition import schedule_option

        return getattr(schedule_option, name)
    if name == "secret_values":  # The lambdas/*.py of an earlier release import it.
        from .aws import secrets

        return secrets
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
