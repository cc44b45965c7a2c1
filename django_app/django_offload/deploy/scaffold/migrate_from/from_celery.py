"""Rewrite tasks of Celery: their decorators and options, their calls, and their results."""

import ast
from collections.abc import Mapping

from .editor import ModuleEditor
from .source import Source
from .tasks import DecoratedTask, Function, ProjectTasks, decorated_tasks, replace_decorator

SHARED_TASK = frozenset({"celery.shared_task", "celery.app.shared_task"})
APPS = frozenset({"celery.Celery", "celery.app.Celery"})
ASYNC_RESULT = "celery.result.AsyncResult"
# Django requires this name for the first argument of a task that takes its context.
CONTEXT = "context"
NO_CANVAS = "Enqueue the next task at the end of the one before, because there is no canvas of tasks."
_CANVAS = {"chain", "chord", "chunks", "group", "signature", "xmap", "xstarmap"}
# Our backends always do these, or only Celery needs them.
_OPTIONS_TO_REMOVE = {
    *("acks_late", "acks_on_failure_or_timeout", "ignore_result", "reject_on_worker_lost", "serializer"),
    *("store_errors_even_if_ignored", "track_started", "typing", "retry_jitter", "retry_backoff_max"),
}
_OPTIONS_TO_RENAME = {"name": "name", "queue": "queue_name", "dont_autoretry_for": "no_retry_on"}
_OPTIONS_TO_CONVERT = {
    *("bind", "max_retries", "autoretry_for", "retry_backoff", "retry_kwargs", "default_retry_delay"),
    *("soft_time_limit", "time_limit"),
}
# https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.max_retries
_DEFAULT_RETRIES = 3


def decorators(sources: Mapping[str, Source]) -> frozenset[str]:
    """Return the decorators of Celery, and those of the project's own Celery apps."""
    apps: set[str] = set()
    for source in sources.values():
        for node in source.tree.body:
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Call) and source.dotted(value.func) in APPS:
                assert isinstance(node, ast.Assign)
                apps.update(source.dotted(target) for target in node.targets)
    return SHARED_TASK | {f"{app}.task" for app in apps}


def rewrite(editor: ModuleEditor, project: ProjectTasks) -> None:
    """Rewrite the tasks that a module defines, and the calls and results that it uses."""
    for task in decorated_tasks(editor.source, project.decorators):
        replace_decorator(editor, task, task_options(editor, task))
        if "bind" in task.options:
            rewrite_bound_task(editor, task.function)
    results = result_variables(editor)
    for node in ast.walk(editor.source.tree):
        if isinstance(node, ast.Call):
            rewrite_call(editor, project, node)
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in results
        ):
            rewrite_result(editor, node)
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute) and target.attr == "beat_schedule" for target in node.targets
        ):
            editor.note(node, "Keep this schedule for now. Let cron, or a rule of AWS, call a command.")


def task_options(editor: ModuleEditor, task: DecoratedTask) -> dict[str, str]:
    """Return the options of our decorator, as code, for a task with Celery's decorator."""
    texts = {key: editor.text(value) for key, value in task.options.items()}
    options = {"takes_context": "True"} if texts.get("bind") == "True" else {}
    options |= {ours: texts[celerys] for celerys, ours in _OPTIONS_TO_RENAME.items() if celerys in texts}
    options |= retry_options(editor, task, texts)
    limit = texts.get("soft_time_limit", texts.get("time_limit"))
    if limit is not None:
        options["timeout"] = limit
    unknown = texts.keys() - _OPTIONS_TO_REMOVE - _OPTIONS_TO_RENAME.keys() - _OPTIONS_TO_CONVERT
    if unknown:
        editor.note(task.decorator, f"@task has no option for: {', '.join(sorted(unknown))}.")
    return options


def retry_options(editor: ModuleEditor, task: DecoratedTask, texts: dict[str, str]) -> dict[str, str]:
    """Return our options for retries: max_attempts, retry_on and backoff."""
    options: dict[str, str] = {}
    retries: ast.expr | None = task.options.get("max_retries")
    retry_kwargs = task.options.get("retry_kwargs")
    if isinstance(retry_kwargs, ast.Dict):
        for key, value in zip(retry_kwargs.keys, retry_kwargs.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "max_retries":
                retries = value
    if retries is None and "autoretry_for" in task.options:
        options["max_attempts"] = str(_DEFAULT_RETRIES + 1)
    elif isinstance(retries, ast.Constant) and isinstance(retries.value, int):
        options["max_attempts"] = str(retries.value + 1)
    elif isinstance(retries, ast.Constant):
        editor.note(task.decorator, "Unlimited attempts are not possible. Choose max_attempts, at most 100.")
    elif retries is not None:
        options["max_attempts"] = f"{editor.text(retries)} + 1"
    if "autoretry_for" in texts:
        options["retry_on"] = texts["autoretry_for"]
    elif options:
        editor.note(
            task.decorator, "With max_attempts, every exception causes a retry. Limit them with retry_on."
        )
    backoff = texts.get("retry_backoff", "True")
    if backoff not in {"True", "False"}:
        options["backoff"] = backoff
    elif "default_retry_delay" in texts and "retry_backoff" not in texts:
        options["backoff"] = f"lambda attempt: {texts['default_retry_delay']}"
    return options


def rewrite_bound_task(editor: ModuleEditor, function: Function) -> None:
    """Rename a bound task's first argument to context, and rewrite what the task reads from it."""
    if not function.args.args:
        return
    first = function.args.args[0]
    editor.replace(first, CONTEXT + editor.text(first)[len(first.arg) :])
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == first.arg:
            editor.replace(node, CONTEXT)
        elif isinstance(node, ast.Attribute):
            match editor.text(node).removeprefix(f"{first.arg}."):
                case "request.id":
                    editor.replace(node, f"{CONTEXT}.task_result.id")
                case "request.retries":
                    editor.replace(node, f"({CONTEXT}.attempt - 1)")
                case "retry":
                    editor.note(
                        node, "Raise the exception itself. With max_attempts, backoff decides when to retry."
                    )
                case "update_state":
                    editor.note(node, f"Report progress with {CONTEXT}.progress(done, total, message).")


def rewrite_call(editor: ModuleEditor, project: ProjectTasks, node: ast.Call) -> None:
    """Rewrite a call, if it has to do with a task. delay() is the same in our tasks."""
    function = node.func
    called = editor.source.dotted(function)
    if called in project.tasks:
        editor.append(function, ".call")  # Celery runs a task at once if it's called like a function.
    elif called == ASYNC_RESULT or (isinstance(function, ast.Attribute) and function.attr == "AsyncResult"):
        backend = editor.require("django.tasks", "default_task_backend")
        editor.replace(function, f"{backend}.get_result")
    elif called == "celery.utils.log.get_task_logger":
        editor.replace(function, f"{editor.require('logging')}.getLogger")
    elif isinstance(function, ast.Attribute) and editor.source.dotted(function.value) in project.tasks:
        if function.attr == "apply_async":
            editor.replace(node, enqueue_call(editor, function.value, node))
        elif function.attr in {"s", "si", "signature", "map", "starmap", "chunks"}:
            editor.note(node, NO_CANVAS)
    if called.startswith("celery.") and called.rpartition(".")[2] in _CANVAS:
        editor.note(node, NO_CANVAS)
    elif called in APPS:
        editor.note(
            node,
            "Remove this app and Celery's settings once nothing imports it, because TASKS replaces them.",
        )


def enqueue_call(editor: ModuleEditor, task: ast.expr, node: ast.Call) -> str:
    """Return the code of apply_async(…) as using(…).enqueue(…)."""
    arguments = dict(zip(("args", "kwargs"), node.args, strict=False))
    arguments |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    using = []
    if "countdown" in arguments:
        now, delta = editor.require("django.utils", "timezone"), editor.require("datetime", "timedelta")
        using.append(f"run_after={now}.now() + {delta}(seconds={editor.text(arguments['countdown'])})")
    elif "eta" in arguments:
        using.append(f"run_after={editor.text(arguments['eta'])}")
    if "queue" in arguments:
        using.append(f"queue_name={editor.text(arguments['queue'])}")
    unknown = arguments.keys() - {"args", "kwargs", "countdown", "eta", "queue"}
    if unknown:
        editor.note(node, f"using() does not accept: {', '.join(sorted(unknown))}.")
    options = f".using({', '.join(using)})" if using else ""
    return f"{editor.text(task)}{options}.enqueue({', '.join(task_arguments(editor, arguments))})"


def task_arguments(editor: ModuleEditor, arguments: dict[str, ast.expr]) -> list[str]:
    """Return the arguments in apply_async's args and kwargs, one by one if these are literals."""
    texts = []
    args, kwargs = arguments.get("args"), arguments.get("kwargs")
    if isinstance(args, ast.List | ast.Tuple):
        texts += [editor.text(element) for element in args.elts]
    elif args is not None:
        texts.append(f"*{editor.text(args)}")
    if isinstance(kwargs, ast.Dict):
        for key, value in zip(kwargs.keys, kwargs.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            text = editor.text(value)
            if isinstance(name, str) and name.isidentifier():
                texts.append(f"{name}={text}")
            else:
                texts.append(f"**{{{editor.text(key)}: {text}}}" if key else f"**{text}")
    elif kwargs is not None:
        texts.append(f"**{editor.text(kwargs)}")
    return texts


def result_variables(editor: ModuleEditor) -> set[str]:
    """Return the variables that hold an AsyncResult, or the result of delay() or apply_async()."""
    variables = set()
    for node in ast.walk(editor.source.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            function = node.value.func
            method = function.attr if isinstance(function, ast.Attribute) else ""
            called = editor.source.dotted(function)
            if method in {"AsyncResult", "delay", "apply_async"} or called == ASYNC_RESULT:
                variables |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return variables


def rewrite_result(editor: ModuleEditor, node: ast.Attribute) -> None:
    """Rewrite an attribute of a result. Add a note if its value differs, or if we don't have it."""
    name = editor.text(node.value)
    if node.attr == "state":
        editor.replace(node, f"{name}.status")
        editor.note(node, "The states are READY, RUNNING, SUCCESSFUL and FAILED (TaskResultStatus).")
    elif node.attr == "result":
        # Before the task has succeeded, return_value raises an exception, but Celery's result is None.
        editor.replace(node, f'({name}.return_value if {name}.status == "SUCCESSFUL" else None)')
    elif node.attr in {"get", "wait", "ready", "successful", "failed", "revoke", "forget"}:
        editor.note(
            node,
            f".{node.attr}() does not exist. Call get_result() again for the present is_finished, status and "
            "return_value, and let the page ask again.",
        )
