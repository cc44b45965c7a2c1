"""Tasks of Celery: what their code needs here."""

import ast
from collections.abc import Iterator, Mapping

from . import celery_calls
from .celery_options import options_of
from .editing import Editing
from .project import Project, decorate
from .reading import Source
from .tasks import decorated

SHARED = frozenset({"celery.shared_task", "celery.app.shared_task"})
APPS = frozenset({"celery.Celery", "celery.app.Celery"})
# How Django wants the first argument called of a task that takes its context.
CONTEXT = "context"
_CANVAS = {"chain", "chord", "chunks", "group", "signature", "xmap", "xstarmap"}


def decorators(found: Mapping[str, Source]) -> frozenset[str]:
    """Return every decorator of Celery's, those of the project's own Celery apps among them."""
    apps = [app for source in found.values() for app in _apps(source)]
    return SHARED | {f"{app}.task" for app in apps}


def _apps(source: Source) -> Iterator[str]:
    for node in source.tree.body:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Call) and source.dotted(value.func) in APPS:
            assert isinstance(node, ast.Assign)
            yield from (source.dotted(target) for target in node.targets)


def rule(editing: Editing, project: Project) -> None:
    """Change what a module defines and calls."""
    for one in decorated(editing.source, project.decorators):
        decorate(editing, one, options_of(editing, one))
        if "bind" in one.options:
            _bound(editing, one.function)
    results = _results(editing)
    for node in ast.walk(editing.source.tree):
        if isinstance(node, ast.Call):
            celery_calls.change(editing, project, node)
            _tell(editing, node)
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in results
        ):
            celery_calls.change_result(editing, node)
        elif isinstance(node, ast.Assign):
            _tell_of_schedule(editing, node)


def _bound(editing: Editing, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Change what a bound task asks of itself: its first argument is the context, and must be named so."""
    if not function.args.args:
        return
    first = function.args.args[0]
    editing.replace(first, CONTEXT + editing.text(first)[len(first.arg) :])
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == first.arg:
            editing.replace(node, CONTEXT)
        elif isinstance(node, ast.Attribute):
            _asked(editing, node, editing.text(node).removeprefix(f"{first.arg}."))


def _asked(editing: Editing, node: ast.Attribute, what: str) -> None:
    """Change one thing that a bound task asks of itself."""
    if what == "request.id":
        editing.replace(node, f"{CONTEXT}.task_result.id")
    elif what == "request.retries":
        editing.replace(node, f"({CONTEXT}.attempt - 1)")
    elif what == "retry":
        editing.note(node, "Raise the exception itself: with max_attempts it is tried again, after backoff.")
    elif what == "update_state":
        editing.note(node, f"Progress is {CONTEXT}.progress(done, total, message).")


def _results(editing: Editing) -> set[str]:
    """Return the variables that hold an AsyncResult, or what delay() or apply_async() returned."""
    found = set()
    for node in ast.walk(editing.source.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function = node.value.func
            last = function.attr if isinstance(function, ast.Attribute) else ""
            meant = editing.source.dotted(function)
            if last in {"AsyncResult", "delay", "apply_async"} or meant == celery_calls.ASYNC_RESULT:
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _tell(editing: Editing, node: ast.Call) -> None:
    """Tell what has no counterpart."""
    means = editing.source.dotted(node.func)
    if means.startswith("celery.") and means.rpartition(".")[2] in _CANVAS:
        editing.note(node, celery_calls.NO_CANVAS)
    elif means in APPS:
        editing.note(node, "This app goes, and Celery's settings, once nothing imports it: TASKS says all.")


def _tell_of_schedule(editing: Editing, node: ast.Assign) -> None:
    if any(isinstance(target, ast.Attribute) and target.attr == "beat_schedule" for target in node.targets):
        editing.note(
            node, "Schedules stay where they are for now: let cron, or a rule of AWS, call a command."
        )
