"""Decide which tasks can become ours by renaming alone, and rename them wherever they occur."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword

from .....conf.validation import QUEUE_PATTERN
from ..editor import ModuleEditor
from .arguments import is_json, is_json_annotation
from .project import MODULE, Project, Task, own_statements
from .scopes import Function, Scope
from .tasks_setting import TasksSetting
from .uses import Use, sent_arguments

# Uses of a task that a rename serves; each is looked at more closely.
CALLS = frozenset({"task()", "task.run", "task.delay", "task.delay_on_commit", "task.apply_async"})
HARMLESS = frozenset(
    {
        *("@task", "@task(name=)", "@task(queue=)", "@task outside"),
        *("task.apply_async(args=)", "task.apply_async(kwargs=)"),
    }
)
LOGGER = "celery.utils.log.get_task_logger"
# Uses that could concern any task: none is renamed while there is one.
_GLOBAL = (
    ("django_celery_beat", "rows of django_celery_beat may name it"),
    ("redbeat", "rows of redbeat may name it"),
    ("djcelery", "rows of djcelery may name it"),
    ("app.tasks", "tasks are looked up by name"),
    ("setting.task_annotations", "task_annotations may change it"),
    ("app.conf.task_annotations", "task_annotations may change it"),
    ("setting.task_cls", "task_cls gives it another class"),
    ("app.conf.task_cls", "task_cls gives it another class"),
)
_SERIALIZERS = ("task_serializer", "accept_content", "result_serializer")


@dataclass(slots=True)
class Renames:
    """The tasks that are renamed, and why others are not."""

    project: Project
    setting: TasksSetting
    uses: Sequence[Use]
    is_incomplete: bool = False  # True if some modules couldn't be read.
    reasons: dict[int, str] = field(default_factory=dict)  # By the id of a task, if it stays Celery's.
    tasks: dict[int, Task] = field(default_factory=dict)  # Those that are renamed, by their id.

    def decide(self, tasks: Iterable[Task], named: Collection[str]) -> None:
        """Decide for each task. `named` are the names of tasks that occur as text."""
        tasks = list(tasks)
        by_task: dict[int, list[Use]] = {}
        by_function: dict[int, list[Use]] = {}
        modules: set[str] = set()
        for use in self.uses:
            if use.task is not None:
                by_task.setdefault(id(use.task), []).append(use)
            if use.name.startswith(MODULE):
                modules.add(use.name.removeprefix(f"{MODULE} "))
            for parent in use.parents:
                if isinstance(parent, Function):
                    by_function.setdefault(id(parent), []).append(use)
        concerning_all = self.reason_for_all()
        for task in tasks:
            reason = concerning_all or self.reason(task, by_task.get(id(task), []), named, modules)
            if reason:
                self.reasons[id(task)] = reason
            else:
                self.tasks[id(task)] = task
        while self.withdraw_by_body(by_function):
            pass

    def reason_for_all(self) -> str:
        if self.is_incomplete:
            return "a module that may use it couldn't be read"
        for use in self.uses:
            for name, reason in _GLOBAL:
                if use.name.removeprefix("string.") == name or use.name.startswith(
                    (f"{name}.", f"{name}[", f"string.{name}.")
                ):
                    return reason
            if use.name.partition(".")[2].removeprefix("conf.") in _SERIALIZERS:
                text = " ".join(ast.unparse(parent) for parent in use.parents[-1:])
                if "json" not in text or any(name in text for name in ("pickle", "yaml", "msgpack")):
                    return "its arguments may not be JSON"
            if use.name == "app.send_task" and isinstance(use.node, ast.Call):
                named_task = use.node.args[0] if use.node.args else None
                if not isinstance(named_task, ast.Constant):
                    return "app.send_task() may name it"
            if use.name in {"celery.Celery", "celery.Task"} and self.changes_class(use):
                return "the app gives it another class"
        return ""

    def changes_class(self, use: Use) -> bool:
        node, parent = use.node, use.parents[-1] if use.parents else None
        if isinstance(node, ast.Call):
            return any(keyword.arg in {"task_cls", None} for keyword in node.keywords)
        return isinstance(parent, ast.Assign) and node in parent.targets

    def reason(self, task: Task, uses: Sequence[Use], named: Collection[str], modules: set[str]) -> str:
        """Return why a task stays Celery's, or an empty text."""
        function = task.function
        assert function is not None
        top = self.project.scopes[task.module]
        if task.is_own:
            return "a decorator of the project makes it a task"
        if isinstance(function, ast.AsyncFunctionDef):
            return "Celery doesn't await it"
        if len(top.bindings.get(function.name, [])) != 1:
            return f"{function.name} is defined more than once"
        if len(function.decorator_list) > 1:
            return "another decorator may change what it returns"
        if isinstance(task.decorator, ast.Call) and task.decorator.args:
            return "its decorator has positional arguments"
        if self.setting.is_routed(task):
            return "task_routes gives it a queue"
        if task.name in named or task.path in named:
            return "a text names it"
        if task.module in modules or any(task.module.startswith(f"{module}.") for module in modules):
            return f"the module {task.module} is used as a value"
        for option in ("name", "queue"):
            value = task.options.get(option)
            if value is not None and not is_plain_text(value, is_queue=option == "queue"):
                return f"{option}= isn't a plain name"
        if not returns_json(function, top.inner[id(function)]):
            return "its return value may not be JSON"
        for use in uses:
            if not self.project.sources[use.module].is_editable:
                return f"the file of {use.module} isn't plain UTF-8"
            reason = self.reason_of_use(use, function)
            if reason:
                return f"{reason} ({use.module}:{use.line})"
        if not any(use.name in CALLS for use in uses):
            return "nothing in the project calls it, so something else may name it"
        return ""

    def reason_of_use(self, use: Use, function: Function) -> str:
        if use.name in HARMLESS:
            return ""
        if use.name == "result.id" and isinstance(use.node, ast.Attribute) and use.node.attr == "id":
            return ""
        if use.name not in CALLS:
            return f"{use.name} has no exact counterpart"
        call, scope = use.node, use.scope
        if not isinstance(call, ast.Call) or scope is None:
            return f"{use.name} is used as a value"
        if not is_unambiguous(call.func, scope):
            return "its name has more than one meaning"
        if use.name == "task()" or use.name == "task.run":
            return ""
        source = self.project.sources[use.module]
        if use.name == "task.apply_async" and apply_async_edits(call, source.text) is None:
            return "the arguments of apply_async() aren't written out"
        if not arguments_are_json(use.name, call, function, scope):
            return "an argument may not be JSON"
        if use.name == "task.delay_on_commit":
            is_statement = bool(use.parents) and isinstance(use.parents[-1], ast.Expr)
            return "" if is_statement else "the value of delay_on_commit() is used"
        return "" if result_is_unused(call, use.parents, scope) else "its result is used"

    def withdraw_by_body(self, by_function: Mapping[int, Sequence[Use]]) -> bool:
        """Take back the rename of a task whose code uses Celery in another way. Return True if one did."""
        for key, task in list(self.tasks.items()):
            assert task.function is not None
            for use in by_function.get(id(task.function), []):
                is_renamed = use.task is not None and id(use.task) in self.tasks
                if not is_renamed and use.name != LOGGER and not use.name.startswith(MODULE):
                    self.reasons[key] = f"its code uses Celery ({use.module}:{use.line})"
                    del self.tasks[key]
                    return True
        return False

    def is_renamed(self, use: Use) -> bool:
        """Return True if this use is rewritten, or stays as it is because it means the same."""
        if use.task is not None:
            return id(use.task) in self.tasks
        if use.name == LOGGER:
            return self.is_renamed_logger(use)
        return False

    def is_renamed_logger(self, use: Use) -> bool:
        """Return True if a module's logger can be an ordinary one: none of its tasks stays Celery's."""
        if not isinstance(use.node, ast.Call) or use.scope is None or use.scope.parent is not None:
            return False
        own = [task for task in self.tasks.values() if task.module == use.module]
        left = any(other.name.startswith("@") and not self.is_renamed(other) for other in self.of(use.module))
        return bool(own) and not left and is_unambiguous(use.node.func, use.scope)

    def of(self, module: str) -> Iterator[Use]:
        return (use for use in self.uses if use.module == module)

    def edit(self, editor: ModuleEditor, module: str) -> None:
        """Make the changes to one module."""
        for use in self.of(module):
            if self.is_renamed(use):
                self.edit_use(editor, use)

    def edit_use(self, editor: ModuleEditor, use: Use) -> None:
        node = use.node
        if use.name == "@task" and use.task is not None and use.task.decorator is not None:
            local_name = editor.require("django_offload", "task")
            names = {"name": "name", "queue": "queue_name"}
            options = ", ".join(
                f"{names[option]}={editor.text(value)}" for option, value in use.task.options.items()
            )
            editor.replace(use.task.decorator, f"{local_name}({options})" if options else local_name)
        elif not isinstance(node, ast.Call):
            return
        elif use.name == "task()":
            editor.append(node.func, ".call")
        elif use.name == LOGGER:
            editor.replace(node.func, f"{editor.require('logging')}.getLogger")
        elif use.name == "task.run" and isinstance(node.func, ast.Attribute):
            editor.replace_attribute(node.func, "call")
        elif use.name == "task.delay_on_commit" and isinstance(node.func, ast.Attribute):
            editor.replace_attribute(node.func, "delay")
        elif use.name == "task.apply_async" and isinstance(node.func, ast.Attribute):
            editor.replace_attribute(node.func, "enqueue")
            for start, end, text in apply_async_edits(node, editor.source.text) or []:
                editor.replace_between(start, end, text)


def is_plain_text(node: ast.expr, *, is_queue: bool) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value:
        return False
    return not is_queue or (QUEUE_PATTERN.fullmatch(node.value) is not None and node.value != "celery")


def returns_json(function: Function, scope: Scope) -> bool:
    """Return True if everything that a function returns is surely JSON. A generator returns none."""
    for statement in own_statements(function):
        if isinstance(statement, ast.Yield | ast.YieldFrom):
            return False
        if isinstance(statement, ast.Return) and not is_json(statement.value, scope):
            return False
    return True


def arguments_are_json(name: str, call: ast.Call, function: Function, scope: Scope) -> bool:
    """Return True if each argument is surely JSON, by itself or by the annotation of its parameter."""
    every = [*function.args.posonlyargs, *function.args.args]
    by_name = {argument.arg: argument for argument in (*every, *function.args.kwonlyargs)}
    if name != "task.apply_async":
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return False
        if any(keyword.arg is None for keyword in call.keywords):
            return False
        pairs = [(value, index) for index, value in enumerate(call.args)]
        for value, index in pairs:
            annotation = every[index].annotation if index < len(every) else None
            if not is_json(value, scope) and not is_json_annotation(annotation):
                return False
        for keyword in call.keywords:
            parameter = by_name.get(keyword.arg or "")
            annotation = parameter.annotation if parameter else None
            if not is_json(keyword.value, scope) and not is_json_annotation(annotation):
                return False
        return True
    return all(is_json(argument, scope) for argument in sent_arguments(name, call))


def is_unambiguous(node: ast.expr, scope: Scope) -> bool:
    """Return True if the name that an expression begins with has one value."""
    while isinstance(node, ast.Attribute):
        node = node.value
    owner = scope.owner(node.id) if isinstance(node, ast.Name) else None
    return owner is not None and isinstance(node, ast.Name) and len(owner.bindings[node.id]) == 1


def result_is_unused(call: ast.Call, parents: Sequence[ast.AST], scope: Scope) -> bool:
    """Return True if nothing but the id of a call's result is read."""
    parent = parents[-1] if parents else None
    if isinstance(parent, ast.Expr):
        return True
    if isinstance(parent, ast.Attribute):
        return parent.value is call and parent.attr == "id"
    if isinstance(parent, ast.Lambda) and len(parents) > 1:
        outer = parents[-2]
        return isinstance(outer, ast.Call) and ast.unparse(outer.func).rpartition(".")[2] == "on_commit"
    if (
        isinstance(parent, ast.Assign)
        and len(parent.targets) == 1
        and isinstance(parent.targets[0], ast.Name)
    ):
        name = parent.targets[0].id
        owner = scope.owner(name)
        if owner is None or not isinstance(owner.node, Function) or len(owner.bindings[name]) != 1:
            return False
        reads = ids = 0
        for node in ast.walk(owner.node):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                reads += 1
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                ids += node.value.id == name and node.attr == "id"
        return reads == ids
    return False


def apply_async_edits(
    call: ast.Call, source: str
) -> list[tuple[tuple[int, int], tuple[int, int], str]] | None:
    """
    Return what turns the arguments of apply_async(…) into those of enqueue(…), or None if it isn't sure.

    An edit is a start, an end (line and offset in bytes) and the new text.
    """
    if len(call.args) > 2 or {keyword.arg for keyword in call.keywords} - {"args", "kwargs"}:
        return None
    given = dict(zip(("args", "kwargs"), call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    args, kwargs = given.get("args"), given.get("kwargs")
    if args is not None and not isinstance(args, ast.List | ast.Tuple):
        return None
    if kwargs is not None and not isinstance(kwargs, ast.Dict):
        return None
    elements = list(args.elts) if args is not None else []
    keys = kwargs.keys if kwargs is not None else []
    names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    is_named = len(names) == len(keys) == len(set(names)) and not any(map(iskeyword, names))
    is_named = is_named and all(name.isidentifier() for name in names)
    if not is_named or any(isinstance(element, ast.Starred) for element in elements):
        return None
    values = kwargs.values if kwargs is not None else []
    pieces = [("", element) for element in elements]
    pieces += [(f"{name}=", value) for name, value in zip(names, values, strict=True)]
    # Parentheses between the pieces would be lost, so each must be a simple expression on its own.
    if any(not isinstance(piece, ast.Constant | ast.Name | ast.Attribute) for _, piece in pieces):
        return None
    edits = []
    end = (call.func.end_lineno or 0, call.func.end_col_offset or 0)
    for index, (prefix, piece) in enumerate(pieces):
        edits.append((end, (piece.lineno, piece.col_offset), f"{', ' if index else '('}{prefix}"))
        end = (piece.end_lineno or 0, piece.end_col_offset or 0)
    edits.append((end, (call.end_lineno or 0, call.end_col_offset or 0), ")" if pieces else "()"))
    if any(start > stop for start, stop, _ in edits) or "#" in removed(edits, source):
        return None
    return edits


def removed(edits: Sequence[tuple[tuple[int, int], tuple[int, int], str]], source: str) -> str:
    """Return the text that edits remove."""
    lines = source.encode().splitlines(keepends=True)
    text = b""
    for (first, start), (last, end), _ in edits:
        span = lines[first - 1 : last]
        if span:
            span[-1] = span[-1][:end]
            span[0] = span[0][start:]
        text += b"".join(span)
    return text.decode(errors="replace")
