"""Tasks of zappa.asynchronous: what their code needs here."""

import ast

from .editing import Editing
from .project import Project, decorate
from .tasks import decorated

MODULE = "zappa.asynchronous"
DECORATORS = frozenset({f"{MODULE}.task", f"{MODULE}.task_sns"})


def rule(editing: Editing, project: Project) -> None:
    """Change what a module defines and calls."""
    for one in decorated(editing.source, project.decorators):
        decorate(editing, one, {})
        if {"remote_aws_lambda_function_name", "remote_aws_region"} & one.options.keys():
            editing.note(
                one.decorator, "A task of another project is enqueued by that project: call its site."
            )
    for node in ast.walk(editing.source.tree):
        if isinstance(node, ast.Call):
            _call(editing, project, node)
        elif isinstance(node, ast.Attribute) and node.attr == "response_id":
            editing.replace(node, f"{editing.text(node.value)}.id")


def _call(editing: Editing, project: Project, node: ast.Call) -> None:
    means = editing.source.dotted(node.func)
    if means in project.tasks:
        editing.append(node.func, ".enqueue")
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "sync":
        if editing.source.dotted(node.func.value) in project.tasks:
            editing.replace(node.func, f"{editing.text(node.func.value)}.call")
    elif means == f"{MODULE}.get_async_response":
        backend = editing.need("django.tasks", "default_task_backend")
        editing.replace(node.func, f"{backend}.get_result")
        editing.note(node, "It returns a TaskResult: .status and .return_value are what the dictionary had.")
    elif means == f"{MODULE}.run":
        _run(editing, project, node)


def _run(editing: Editing, project: Project, node: ast.Call) -> None:
    """Change run(function, args, kwargs), whose function need not be a task."""
    named = {one.arg: one.value for one in node.keywords if one.arg}
    given = dict(zip(("func", "args", "kwargs"), node.args, strict=False)) | named
    function = given.get("func")
    if function is None:
        return
    text = editing.text(function)
    arguments = [
        f"{stars}{editing.text(given[name])}"
        for name, stars in (("args", "*"), ("kwargs", "**"))
        if name in given
    ]
    editing.replace(node, f"{text}.enqueue({', '.join(arguments)})")
    if editing.source.dotted(function) not in project.tasks:
        editing.note(node, f"Make {text} a task: @task of django_offload, in the tasks module of its app.")
