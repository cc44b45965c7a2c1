"""What the rules for one origin know of a whole project."""

from collections.abc import Callable
from dataclasses import dataclass

from .editing import OURS, Editing
from .tasks import Decorated


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The tasks of a project, before anything is changed."""

    decorators: frozenset[str]  # Module and name of what makes a function a task.
    tasks: frozenset[str]  # Module and name of every task.


type Rule = Callable[[Editing, Project], None]


def decorate(editing: Editing, one: Decorated, options: dict[str, str]) -> None:
    """Make a function's decorator ours, with these options; tell where no worker would find the task."""
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    local = editing.need(OURS, "task")
    editing.replace(one.decorator, f"{local}({given})" if given else local)
    module = editing.source.module
    if module.rpartition(".")[2] != "tasks":
        editing.note(
            one.decorator,
            f"Workers import the tasks module of each app: move {one.function.name} there, or add "
            f"\"modules\": ['{module}'] to OPTIONS.",
        )
