"""Names → tasks. A message can only choose among what the project's own task modules define."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import NamedTuple

from django.apps import apps
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.tasks import Task
from django.tasks.exceptions import InvalidTask
from django.utils.module_loading import module_has_submodule

from ..conf import Options, configured
from ..exceptions import UnknownTask
from ..protocol.enqueued_task import EnqueuedTask
from .offload_task import AnyTask, OffloadTask

# Where the functions' package is unpacked, by Lambda's own word; and the list of its tasks, at its top.
ENV_TASK_ROOT = "LAMBDA_TASK_ROOT"
LISTING = "offload_tasks.json"


def name_of(task: AnyTask) -> str:
    """Return the name by which messages ask for a task."""
    return task.stable_name if isinstance(task, OffloadTask) else task.module_path


class Listed(NamedTuple):
    """What a package lists of a task."""

    module: str  # Where it is defined.
    queue: str  # Unless .using() names another.


class Registry:
    """The tasks of some modules, by every name a message may use."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.conflicts: list[str] = []  # Names that two functions claim.
        self.listed: dict[str, Listed] = {}  # By the same names.
        self._tasks: dict[str, AnyTask] = {}
        for module in modules:
            for name, task, defines in _tasks_in(module):
                self._add(name, task, module.__name__, defines)

    def _add(self, name: str, task: AnyTask, home: str, defines: bool) -> None:
        """Register a task under a name; of several made of one function, the one that bears its name."""
        known = self._tasks.get(name)
        if known is not None and known.func is not task.func:
            self.conflicts.append(name)
        elif known is None or defines:
            self._tasks[name], self.listed[name] = task, Listed(home, task.queue_name)

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        return self._tasks

    def prepare(self, queues: Collection[str]) -> None:
        """Import the modules whose tasks are enqueued on these queues: here all are imported."""

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


class ListedRegistry(Registry):
    """The same where a package lists its tasks: a module is imported when one of its tasks is asked for."""

    def __init__(self, listing: Mapping[str, Listed], every: Callable[[], Iterable[ModuleType]]) -> None:
        super().__init__([])
        self._listing, self._every, self._complete, self._lock = listing, every, False, RLock()

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        self._read_all()
        return super().tasks

    def prepare(self, queues: Collection[str]) -> None:
        for name, listed in self._listing.items():
            if listed.queue in queues:
                self._find(name)

    def resolve(self, name: str) -> AnyTask:
        self._find(name)
        return super().resolve(name)

    def defined(self, task: AnyTask) -> AnyTask:
        self._find(name_of(task))
        return super().defined(task)

    def _find(self, name: str) -> None:
        if name in self._tasks:
            return
        if name not in self._listing:
            self._read_all()  # The list was made under other settings.
            return
        home = self._listing[name].module
        for other, task, defines in _tasks_in(import_module(home)):
            if other in self._listing and self._listing[other].module == home:
                self._add(other, task, home, defines)

    def _read_all(self) -> None:
        with self._lock:
            if not self._complete:
                read = Registry(self._every())
                self._tasks = {**read._tasks, **self._tasks}
                self.listed = {**read.listed, **self.listed}
                self.conflicts += read.conflicts
                self._complete = True


def _tasks_in(module: ModuleType) -> list[tuple[str, AnyTask, bool]]:
    """Return each name and task of a module, and whether the task bears the name of its function there."""
    return [
        (name, value, variable == value.func.__name__)
        for variable, value in sorted(vars(module).items())
        if isinstance(value, Task)
        for name in (name_of(value), *(value.aliases if isinstance(value, OffloadTask) else ()))
    ]


def task_modules(beyond: Iterable[str]) -> list[ModuleType]:
    """Import the tasks module of every installed app, and the modules named `beyond` these."""
    names = [
        f"{config.name}.tasks"
        for config in apps.get_app_configs()
        if config.module is not None and module_has_submodule(config.module, "tasks")
    ]
    return [import_module(name) for name in dict.fromkeys([*names, *beyond])]


def _every_module() -> list[ModuleType]:
    return task_modules(module for options in configured().values() for module in options.modules)


def listing() -> Mapping[str, Listed] | None:
    """Return what the package lists of its tasks, by their names; None where nothing is listed."""
    root = os.environ.get(ENV_TASK_ROOT)
    path = Path(root, LISTING) if root else None
    if path is None or not path.is_file():
        return None
    return {name: Listed(*listed) for name, listed in json.loads(path.read_text()).items()}


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the project's registry, built once per process."""
    found = listing()
    return Registry(_every_module()) if found is None else ListedRegistry(found, _every_module)


def result_ttl(enqueued: EnqueuedTask, options: Options) -> timedelta:
    """Return how long the result of a task can be read: its own, or else its queue's."""
    seconds = enqueued.options.get("result_ttl")
    if seconds is not None:
        return timedelta(seconds=seconds)
    try:
        own: timedelta | None = getattr(registry().resolve(enqueued.name), "result_ttl", None)
    except UnknownTask:
        own = None
    return own if own is not None else options.ttl(enqueued.queue)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in {"TASKS", "INSTALLED_APPS"}:
        registry.cache_clear()
