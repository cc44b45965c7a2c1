"""Task modules that can't be imported, for commands that need every task."""

import traceback
from importlib import import_module

from ..conf import configured, reason
from ..exceptions import OffloadError
from .registry import Registry, app_task_modules, registry


class TaskModuleBroken(OffloadError):
    """A task module can't be imported, so nobody knows the tasks and schedules of the project."""

    def __init__(self, module: str, problem: str) -> None:
        self.module = module
        super().__init__(
            f"The task module '{module}' can't be imported: {problem}. Correct the module, or install what "
            "it needs. Its tasks and their schedules are part of the stack."
        )


def complete_registry() -> Registry:
    """Return the registry. Raise TaskModuleBroken, which names the module, if one can't be imported."""
    try:
        return registry()
    except OffloadError:
        raise
    except (Exception, SystemExit) as exc:
        for module in dict.fromkeys(
            [*app_task_modules(), *(name for options in configured().values() for name in options.modules)]
        ):
            try:
                import_module(module)
            except (Exception, SystemExit) as failure:
                raise TaskModuleBroken(module, import_failure(failure)) from failure
        raise TaskModuleBroken("tasks", import_failure(exc)) from exc


def import_failure(exc: BaseException) -> str:
    """Return what an import raised, and the line of a module that raised it or called what did."""
    text = reason(exc)
    lines = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.name == "<module>"]
    return f"{text} ({lines[-1].filename}, line {lines[-1].lineno})" if lines else text
