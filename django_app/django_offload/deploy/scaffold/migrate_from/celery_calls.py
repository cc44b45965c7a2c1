"""How Celery's tasks are called and their results asked for, as calls of ours."""

import ast

from .editing import Editing
from .project import Project

ASYNC_RESULT = "celery.result.AsyncResult"
NO_CANVAS = "Enqueue the next task at the end of the one before: there is no canvas of tasks."


def change(editing: Editing, project: Project, node: ast.Call) -> None:
    """Change one call, if it has to do with a task; delay() is ours too."""
    function = node.func
    means = editing.source.dotted(function)
    if means in project.tasks:
        editing.append(function, ".call")  # A task called like a function runs here and now.
    elif means == ASYNC_RESULT or (isinstance(function, ast.Attribute) and function.attr == "AsyncResult"):
        backend = editing.need("django.tasks", "default_task_backend")
        editing.replace(function, f"{backend}.get_result")
    elif means == "celery.utils.log.get_task_logger":
        editing.replace(function, f"{editing.need('logging')}.getLogger")
    elif isinstance(function, ast.Attribute) and editing.source.dotted(function.value) in project.tasks:
        if function.attr == "apply_async":
            editing.replace(node, _enqueue(editing, function.value, node))
        elif function.attr in {"s", "si", "signature", "map", "starmap", "chunks"}:
            editing.note(node, NO_CANVAS)


def change_result(editing: Editing, node: ast.Attribute) -> None:
    """Change what is asked of a result; tell where the answer means something else."""
    name = editing.text(node.value)
    if node.attr == "state":
        editing.replace(node, f"{name}.status")
        editing.note(node, "The states are READY, RUNNING, SUCCESSFUL and FAILED (TaskResultStatus).")
    elif node.attr == "result":
        # Asked too early, return_value raises where result was None.
        editing.replace(node, f'({name}.return_value if {name}.status == "SUCCESSFUL" else None)')
    elif node.attr in {"get", "wait", "ready", "successful", "failed", "revoke", "forget"}:
        editing.note(
            node,
            f".{node.attr}() is not there: ask a fresh get_result() for is_finished, status or return_value, "
            "and let the page ask again.",
        )


def _enqueue(editing: Editing, task: ast.expr, node: ast.Call) -> str:
    """Return apply_async(...) as using(...).enqueue(...)."""
    given = dict(zip(("args", "kwargs"), node.args, strict=False))
    given |= {one.arg: one.value for one in node.keywords if one.arg}
    using = _using(editing, given)
    unknown = set(given) - {"args", "kwargs", "countdown", "eta", "queue"}
    if unknown:
        editing.note(node, f"{', '.join(sorted(unknown))}: using() does not take this.")
    options = f".using({', '.join(using)})" if using else ""
    return f"{editing.text(task)}{options}.enqueue({', '.join(_arguments(editing, given))})"


def _using(editing: Editing, given: dict[str, ast.expr]) -> list[str]:
    found = []
    if "countdown" in given:
        now, delta = editing.need("django.utils", "timezone"), editing.need("datetime", "timedelta")
        seconds = editing.text(given["countdown"])
        found.append(f"run_after={now}.now() + {delta}(seconds={seconds})")
    elif "eta" in given:
        found.append(f"run_after={editing.text(given['eta'])}")
    if "queue" in given:
        found.append(f"queue_name={editing.text(given['queue'])}")
    return found


def _arguments(editing: Editing, given: dict[str, ast.expr]) -> list[str]:
    """Return args and kwargs written out where they are written out there."""
    found = []
    args, kwargs = given.get("args"), given.get("kwargs")
    if isinstance(args, ast.List | ast.Tuple):
        found += [editing.text(one) for one in args.elts]
    elif args is not None:
        found.append(f"*{editing.text(args)}")
    if isinstance(kwargs, ast.Dict):
        for key, value in zip(kwargs.keys, kwargs.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            text = editing.text(value)
            if isinstance(name, str) and name.isidentifier():
                found.append(f"{name}={text}")
            else:
                found.append(f"**{{{editing.text(key)}: {text}}}" if key else f"**{text}")
    elif kwargs is not None:
        found.append(f"**{editing.text(kwargs)}")
    return found
