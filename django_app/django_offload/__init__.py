"""A backend for Django's task framework that runs the work on AWS Lambda."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import progress, track
    from .definition import OffloadTask, task

__all__ = ["OffloadTask", "progress", "task", "track"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are asked for: this module is imported before settings are read."""
    if name in {"progress", "track"}:
        from . import context

        return getattr(context, name)
    if name in {"OffloadTask", "task"}:
        from . import definition

        return getattr(definition, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
