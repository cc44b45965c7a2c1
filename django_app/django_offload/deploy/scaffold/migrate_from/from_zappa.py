"""Rewrite tasks of zappa.asynchronous."""

import ast

from ....compat import TASKS
from .editor import ModuleEditor
from .tasks import ProjectTasks, decorated_tasks, replace_decorator

MODULE = "zappa.asynchronous"
DECORATORS = frozenset({f"{MODULE}.task", f"{MODULE}.task_sns"})


def rewrite(editor: ModuleEditor, project: ProjectTasks) -> None:
    """Rewrite the tasks that a module defines, and the calls and results that it uses."""
    for task in decorated_tasks(editor.source, project.decorators):
        replace_decorator(editor, task, {})
        if {"remote_aws_lambda_function_name", "remote_aws_region"} & task.options.keys():
            editor.note(
                task.decorator, "Only the project of this task can enqueue it. Send a request to its site."
            )
    for node in ast.walk(editor.source.tree):
        if isinstance(node, ast.Call):
            rewrite_call(editor, project, node)
        elif isinstance(node, ast.Attribute) and node.attr == "response_id":
            editor.replace(node, f"{editor.text(node.value)}.id")


def rewrite_call(editor: ModuleEditor, project: ProjectTasks, node: ast.Call) -> None:
    """Rewrite a call, if it calls a task, or a function of zappa.asynchronous."""
    called = editor.source.dotted(node.func)
    if called in project.tasks:
        editor.append(node.func, ".enqueue")
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "sync":
        if editor.source.dotted(node.func.value) in project.tasks:
            editor.replace(node.func, f"{editor.text(node.func.value)}.call")
    elif called == f"{MODULE}.get_async_response":
        backend = editor.require(TASKS, "default_task_backend")
        editor.replace(node.func, f"{backend}.get_result")
        editor.note(
            node, "This returns a TaskResult. Use its .status and .return_value instead of the dictionary."
        )
    elif called == f"{MODULE}.run":
        rewrite_run(editor, project, node)


def rewrite_run(editor: ModuleEditor, project: ProjectTasks, node: ast.Call) -> None:
    """Rewrite run(function, args, kwargs). The function need not be a task."""
    by_name = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    arguments = dict(zip(("func", "args", "kwargs"), node.args, strict=False)) | by_name
    function = arguments.get("func")
    if function is None:
        return
    name = editor.text(function)
    texts = [
        f"{stars}{editor.text(arguments[key])}"
        for key, stars in (("args", "*"), ("kwargs", "**"))
        if key in arguments
    ]
    editor.replace(node, f"{name}.enqueue({', '.join(texts)})")
    if editor.source.dotted(function) not in project.tasks:
        editor.note(node, f"Make {name} a task: use @task of django_offload in the tasks module of its app.")
