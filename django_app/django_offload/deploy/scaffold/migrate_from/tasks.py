"""Find the tasks of a project, and give them our decorator."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .editor import ModuleEditor
from .source import Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTasks:
    """The tasks of a project before the rewrite, as dotted paths."""

    decorators: frozenset[str]  # Each makes a function a task.
    tasks: frozenset[str]


# Rewrites one module, from one origin.
type Rule = Callable[[ModuleEditor, ProjectTasks], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoratedTask:
    """A function, and the decorator that makes it a task."""

    function: Function
    decorator: ast.expr

    @property
    def options(self) -> dict[str, ast.expr]:
        """The keyword arguments of the decorator."""
        if not isinstance(self.decorator, ast.Call):
            return {}
        return {keyword.arg: keyword.value for keyword in self.decorator.keywords if keyword.arg is not None}


def decorated_tasks(source: Source, decorators: Iterable[str]) -> Iterator[DecoratedTask]:
    """Yield every function of a module that has one of the decorators."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                function = decorator.func if isinstance(decorator, ast.Call) else decorator
                if source.dotted(function) in set(decorators):
                    yield DecoratedTask(function=node, decorator=decorator)


def find_tasks(sources: Mapping[str, Source], decorators: frozenset[str]) -> ProjectTasks:
    """Return the tasks of a project that has these modules."""
    tasks = frozenset(
        f"{source.module}.{task.function.name}"
        for source in sources.values()
        for task in decorated_tasks(source, decorators)
    )
    return ProjectTasks(decorators=decorators, tasks=tasks)


def replace_decorator(editor: ModuleEditor, task: DecoratedTask, options: dict[str, str]) -> None:
    """Replace a task's decorator by ours with these options. Add a note if workers wouldn't find the task."""
    arguments = ", ".join(f"{key}={value}" for key, value in options.items())
    local_name = editor.require("django_offload", "task")
    editor.replace(task.decorator, f"{local_name}({arguments})" if arguments else local_name)
    module = editor.source.module
    if module.rpartition(".")[2] != "tasks":
        editor.note(
            task.decorator,
            f"Workers import only the tasks module of each app. Move {task.function.name} there, or add "
            f"\"modules\": ['{module}'] to OPTIONS.",
        )
