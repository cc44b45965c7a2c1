"""Names → tasks. A message can only choose among what the project's own task modules define."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.tasks import Task
from django.tasks.exceptions import InvalidTask
from django.utils.module_loading import module_has_submodule

from .conf import configured
from .definition import AnyTask, OffloadTask, name_of
from .exceptions import UnknownTask


class Registry:
    """The tasks of some modules, by every name a message may use."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.conflicts: list[str] = []  # Names that two functions claim.
        self._tasks: dict[str, AnyTask] = {}
        for module in modules:
            for variable, value in sorted(vars(module).items()):
                if isinstance(value, Task):
                    self._add(value, defines=variable == value.func.__name__)

    def _add(self, task: AnyTask, *, defines: bool) -> None:
        """Register a task; of several made of one function, the one that bears its name."""
        aliases = task.aliases if isinstance(task, OffloadTask) else ()
        for name in (name_of(task), *aliases):
            known = self._tasks.get(name)
            if known is not None and known.func is not task.func:
                self.conflicts.append(name)
            elif known is None or defines:
                self._tasks[name] = task

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        return self._tasks

    def resolve(self, name: str) -> AnyTask:
        """Return the task of a name. Raise UnknownTask if there is none."""
        try:
            return self._tasks[name]
        except KeyError:
            raise UnknownTask(name) from None

    def defined(self, task: AnyTask) -> AnyTask:
        """Return the task as its module defines it. Raise InvalidTask if no declared module does."""
        known = self._tasks.get(name_of(task))
        if known is None or known.func is not task.func:
            raise InvalidTask(
                f"{task.module_path} is not in a task module of this project, so no worker would know it. "
                "Define it in the tasks module of an installed app, or name its module in OPTIONS['modules']."
            )
        return known


def task_modules(beyond: Iterable[str]) -> list[ModuleType]:
    """Import the tasks module of every installed app, and the modules named `beyond` these."""
    names = [
        f"{config.name}.tasks"
        for config in apps.get_app_configs()
        if config.module is not None and module_has_submodule(config.module, "tasks")
    ]
    return [import_module(name) for name in dict.fromkeys([*names, *beyond])]


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the project's registry, built once per process."""
    return Registry(task_modules(module for options in configured().values() for module in options.modules))


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in {"TASKS", "INSTALLED_APPS"}:
        registry.cache_clear()
