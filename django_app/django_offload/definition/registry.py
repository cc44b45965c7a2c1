"""The tasks of the project by name. A message can only choose among tasks that its task modules define."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import module_has_submodule

from ..compat import InvalidTask, Task
from ..conf import Options, configured
from ..exceptions import ConfigurationError, UnknownTask
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import load
from .offload_task import AnyTask, OffloadTask

if TYPE_CHECKING:
    from .masking import Mask

# Lambda's variable for the folder of the unpacked package, and the list of tasks at the top of that folder.
ENV_TASK_ROOT = "LAMBDA_TASK_ROOT"
LISTING = "offload_tasks.json"
# The task of `offload_doctor --probe`, which no task module defines.
PROBE = "django_offload.probe"


def name_of(task: AnyTask) -> str:
    """Return the name of a task in messages."""
    return task.stable_name if isinstance(task, OffloadTask) else task.module_path


class ListedTask(NamedTuple):
    """A task in the list of a package."""

    module: str  # The module that defines it.
    queue: str  # The queue, unless .using() names another.


class Registry:
    """The tasks of some modules, by each name that a message may use."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.conflicts: list[str] = []  # Names that two functions have.
        self.listed: dict[str, ListedTask] = {}  # By the same names.
        self._tasks: dict[str, AnyTask] = {}
        self._scheduled: list[OffloadTask] = []
        for module in modules:
            for name, task, is_named in tasks_in(module):
                self.add(name, task, module.__name__, is_named)

    def add(self, name: str, task: AnyTask, module: str, is_named: bool) -> None:
        """Register a task. If several have the same function, prefer the one with its name (`is_named`)."""
        if getattr(task, "schedule", None) is not None and name == name_of(task):
            self._add_scheduled(task)
        registered = self._tasks.get(name)
        if name == PROBE or (registered is not None and registered.func is not task.func):
            self.conflicts.append(name)
        elif registered is None or is_named:
            self._tasks[name], self.listed[name] = task, ListedTask(module, task.queue_name)

    def _add_scheduled(self, task: Any) -> None:
        """Keep a task with a schedule. A function may have several, each for an alias of its own."""
        known = [(one.func, one.backend, one.schedule) for one in self._scheduled]
        if (task.func, task.backend, task.schedule) not in known:
            self._scheduled.append(task)

    def scheduled(self, schedule: str | None = None) -> list[OffloadTask]:
        """Return the tasks whose decorator gives them a schedule, or those whose schedule has this name."""
        if not self._scheduled:
            return []
        from .schedule_option import schedule_name  # Imported here, because few tasks have a schedule.

        return [task for task in self._scheduled if schedule in {None, schedule_name(task)}]

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        return self._tasks

    def prepare(self, queues: Collection[str]) -> None:
        """Import the modules of the tasks on these queues. Here, all modules are imported already."""

    def resolve(self, name: str) -> AnyTask:
        """Return the task with this name. Raise UnknownTask if there is none."""
        try:
            return self._tasks[name]
        except KeyError:
            if name == PROBE:
                from .probe import probe_task  # Imported here, because only `offload_doctor` sends one.

                return probe_task()
            raise UnknownTask(name) from None

    def defined(self, task: AnyTask) -> AnyTask:
        """Return the task as its module defines it. Raise InvalidTask if no declared module defines it."""
        registered = self._tasks.get(name_of(task))
        if registered is None and name_of(task) == PROBE:
            registered = self.resolve(PROBE)
        if registered is None or registered.func is not task.func:
            app, _, name = task.func.__module__.rpartition(".")
            remedy = "Define it in the tasks module of an installed app"
            if app and name == "tasks" and not apps.is_installed(app):
                remedy = f"Add '{app}' to INSTALLED_APPS"
            raise InvalidTask(
                f"{task.module_path} is not in a task module of this project, so no worker would know it. "
                f"{remedy}, or name its module in OPTIONS['modules']."
            )
        return registered


class ListedRegistry(Registry):
    """
    The registry of a package that lists its tasks. It imports a module when one of its tasks is needed.

    A name that the list lacks imports nothing, because only code of the project may have more tasks imported.
    """

    def __init__(
        self, listing: Mapping[str, ListedTask], import_modules: Callable[[], Iterable[ModuleType]]
    ) -> None:
        super().__init__([])
        self._listing, self._import_modules = listing, import_modules
        self._is_complete, self._lock = False, RLock()

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        self.import_all()
        return super().tasks

    def prepare(self, queues: Collection[str]) -> None:
        for name, listed in self._listing.items():
            if listed.queue in queues:
                self.import_task(name)

    def resolve(self, name: str) -> AnyTask:
        if name not in self._tasks:
            self.import_task(name)
        return super().resolve(name)

    def defined(self, task: AnyTask) -> AnyTask:
        name = name_of(task)
        self.import_task(name)
        if name not in self._tasks:
            self.import_all()  # A module may define a task in this environment alone.
        return super().defined(task)

    def import_task(self, name: str) -> None:
        """Import the module that defines a task, if the list has the task."""
        if name in self._tasks or name not in self._listing:
            return
        module = self._listing[name].module
        for other, task, is_named in tasks_in(import_module(module)):
            listed = self._listing.get(other)
            if listed is None or listed.module == module:
                self.add(other, task, module, is_named)

    def scheduled(self, schedule: str | None = None) -> list[OffloadTask]:
        if schedule is None:
            self.import_all()
        else:
            # Only these modules, so that a broken module stops no occurrence of another one's task.
            for module in stored_listing().get("schedules", {}).get(schedule, ()):
                for name, task, is_named in tasks_in(import_module(module)):
                    self.add(name, task, module, is_named)
        return super().scheduled(schedule)

    def import_all(self) -> None:
        with self._lock:
            if not self._is_complete:
                complete = Registry(self._import_modules())
                self._tasks = {**complete._tasks, **self._tasks}
                self.listed = {**complete.listed, **self.listed}
                self.conflicts += complete.conflicts
                self._scheduled = complete._scheduled
                self._is_complete = True


def tasks_in(module: ModuleType) -> list[tuple[str, AnyTask, bool]]:
    """Return each name and task of a module, with True if its variable has the name of the function."""
    return [
        (name, value, variable == value.func.__name__)
        for variable, value in sorted(vars(module).items())
        if isinstance(value, Task)
        for name in (name_of(value), *(value.aliases if isinstance(value, OffloadTask) else ()))
    ]


def app_task_modules() -> list[str]:
    """Return the name of the tasks module of every installed app that has one."""
    return [
        f"{config.name}.tasks"
        for config in apps.get_app_configs()
        if config.module is not None and module_has_submodule(config.module, "tasks")
    ]


def task_modules(others: Iterable[str]) -> list[ModuleType]:
    """Import the tasks module of every installed app, and other modules by their names."""
    return [import_module(name) for name in dict.fromkeys([*app_task_modules(), *others])]


def declared_modules() -> list[ModuleType]:
    """
    Import the tasks module of every installed app, and the modules in OPTIONS['modules'].

    Raise ConfigurationError if OPTIONS['modules'] names a module that doesn't exist.
    """
    others = [(alias, name) for alias, options in configured().items() for name in options.modules]
    try:
        return task_modules(name for _, name in others)
    except ModuleNotFoundError as exc:
        missing = [(alias, name) for alias, name in others if f"{name}.".startswith(f"{exc.name}.")]
        if not missing:
            raise  # A task module exists, and lacks another one.
        alias, name = missing[0]
        raise ConfigurationError(
            alias,
            f"OPTIONS['modules'] names '{name}', which can't be imported ({exc}).",
            "Correct the name, or install the package that contains the module.",
        ) from exc


def registry_or_none() -> "Registry | None":
    """Return the registry, or None if a task module can't be imported, which a check of its own reports."""
    try:
        return registry()
    except (Exception, SystemExit):  # noqa: BLE001, a module may raise anything at its import
        return None


def declaring() -> tuple[set[str], set[str]]:
    """Return the names of the installed apps, and the modules in OPTIONS['modules']."""
    modules = {name for options in configured().values() for name in options.modules}
    return {config.name for config in apps.get_app_configs()}, modules


def listing_text() -> str:
    """Return the list of a package: the project's tasks, and the settings that declare their modules."""
    names, modules = map(sorted, declaring())
    listed: dict[str, Any] = {"apps": names, "modules": modules, "tasks": registry().listed}
    if scheduled := registry().scheduled():
        from .schedule_option import schedule_name

        schedules: dict[str, set[str]] = {}
        for task in scheduled:
            module = registry().listed[name_of(task)].module
            schedules.setdefault(schedule_name(task), set()).add(module)
        listed["schedules"] = {name: sorted(found) for name, found in schedules.items()}
    return json.dumps(listed, sort_keys=True)


def stored_listing() -> dict[str, Any]:
    """Return the content of the package's list."""
    content: dict[str, Any] = json.loads(Path(os.environ[ENV_TASK_ROOT], LISTING).read_text())
    return content


def listing() -> Mapping[str, ListedTask] | None:
    """
    Return the tasks that the package lists, by name, or None if it has no list.

    Also return None if the settings declare other modules here than where the package was made.
    """
    root = os.environ.get(ENV_TASK_ROOT)
    path = Path(root, LISTING) if root else None
    if path is None or not path.is_file():
        return None
    stored = stored_listing()
    tasks = {name: ListedTask(*listed) for name, listed in stored["tasks"].items()}
    names, modules = declaring()
    declared = {f"{name}.tasks" for name in names} | modules
    complete = names.issubset(stored["apps"]) and modules.issubset(stored["modules"])
    return tasks if complete and declared.issuperset(task.module for task in tasks.values()) else None


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the project's registry, built once per process."""
    listed = listing()
    return Registry(declared_modules()) if listed is None else ListedRegistry(listed, declared_modules)


def result_ttl(enqueued: EnqueuedTask, options: Options) -> timedelta:
    """Return how long the result of a task can be read: the task's own time, or else its queue's."""
    seconds = enqueued.options.get("result_ttl")
    if seconds is not None:
        return timedelta(seconds=seconds)
    try:
        own: timedelta | None = getattr(registry().resolve(enqueued.name), "result_ttl", None)
    except UnknownTask:
        own = None
    return own if own is not None else options.ttl(enqueued.queue)


def mask_of(enqueued: EnqueuedTask) -> "Mask | None":
    """Return what hides the values of a task's sensitive arguments in texts, or None if it has none."""
    return mask_of_arguments(enqueued.name, lambda: load(enqueued.arguments))


def mask_of_arguments(name: str, load_arguments: Callable[[], Any]) -> "Mask | None":
    """
    Do what mask_of() does, for the task with this name and [args, kwargs].

    If no declared module defines the task (any more), hide all of its arguments.
    """
    try:
        task = registry().resolve(name)
    except UnknownTask:
        from .masking import Mask

        return Mask(load_arguments())
    return mask_of_task(task, load_arguments)


def mask_of_task(task: AnyTask, load_arguments: Callable[[], Any]) -> "Mask | None":
    """Do what mask_of() does, for a task and [args, kwargs]."""
    if not getattr(task, "sensitive", ()):
        return None
    from .masking import Mask, sensitive_values

    return Mask(sensitive_values(task, *load_arguments()))


@receiver(setting_changed)
def clear_registry(*, setting: str, **kwargs: object) -> None:
    if setting in {"TASKS", "INSTALLED_APPS"}:
        registry.cache_clear()
