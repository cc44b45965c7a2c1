"""Find every place of a module that uses Celery, each with its name in the table of idioms."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from .arguments import argument_problem
from .locks import is_lock
from .names import DECORATORS, SETTING, UNIQUE, setting_name
from .project import GENERIC, MODULE, Project, Task, Value
from .scopes import Function, Scope, imported_module

# Methods of Celery's tasks and results that hardly anything else has.
_TELLING = frozenset(
    {
        *("delay", "apply_async", "delay_on_commit", "apply_async_on_commit", "send_task", "AsyncResult"),
        *("update_state", "s", "si", "subtask", "add_periodic_task", "successful", "ready"),
    }
)
_TELLING_OPTIONS = {"timeout", "propagate", "disable_sync_subtasks"}  # Of get().
_WITH_OPTIONS = frozenset(
    {
        "task.apply_async",
        "app.send_task",
        "task.retry",
        "signature.set",
        "signature.apply_async",
        "task.apply",
    }
)
_STRING = re.compile(
    r"celery|kombu|django-celery-\w+|celery[ .:/][\w .:/=-]*|\w+ (?:-\S+ )*celery .*"
    r"|(?:django_celery_\w+|djcelery|redbeat|celery_progress|pytest_celery|django_structlog\.celery)(?:[.:]\w+)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One place that uses Celery."""

    name: str  # As in the table of idioms.
    module: str
    line: int
    node: ast.AST
    task: Task | None = None  # The task that it is about, if it is known.
    parents: tuple[ast.AST, ...] = ()  # The nodes around it, the outermost first.
    scope: Scope | None = None


class UseFinder:
    """Finds the uses in one module."""

    def __init__(
        self,
        project: Project,
        module: str,
        *,
        task_names: Mapping[str, Task],
        task_modules: Collection[str],
        setting_scopes: Collection[int],
        namespaces: Collection[str] = (),
    ) -> None:
        self.project, self.module = project, module
        self.task_names, self.task_modules = task_names, task_modules
        self.setting_scopes, self.namespaces = setting_scopes, namespaces
        self.uses: list[Use] = []
        self.named: set[str] = set()  # Names of tasks that occur as text.
        tree = project.sources[module].tree
        self.read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self.parents: list[ast.AST] = []
        self.tasks_around = 0  # The functions of tasks around the node that is visited.
        self.visit(tree, project.scopes[module])

    def add(self, name: str, node: ast.AST, scope: Scope, task: Task | None = None) -> None:
        line = getattr(node, "lineno", 0)
        self.uses.append(
            Use(
                name=name,
                module=self.module,
                line=line,
                node=node,
                task=task,
                parents=tuple(self.parents),
                scope=scope,
            )
        )

    def visit(self, node: ast.AST, scope: Scope) -> None:
        scope = scope.inner.get(id(node), scope)
        method = getattr(self, f"visit_{type(node).__name__}", None)
        if method is not None:
            method(node, scope)
        else:
            self.visit_children(node, scope)

    def visit_children(self, node: ast.AST, scope: Scope) -> None:
        self.parents.append(node)
        for child in ast.iter_child_nodes(node):
            self.visit(child, scope)
        self.parents.pop()

    def visit_Import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.add_import(node, name, alias.name, scope)

    def visit_ImportFrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        base = imported_module(node, self.project.sources[self.module].package)
        for alias in node.names:
            self.add_import(node, alias.asname or alias.name, f"{base}.{alias.name}", scope)

    def add_import(self, node: ast.stmt, name: str, dotted: str, scope: Scope) -> None:
        """Add an import whose name the module itself doesn't use: nothing else would show this place."""
        value = self.project.imported(dotted)
        if value is None or not value.is_celery or name in self.read:
            return
        if value.name == "app":
            self.add("import app", node, scope)
        elif value.name != "task":
            is_own = value.name.partition(".")[0] == "celery"
            self.add("import" if is_own else value.name, node, scope)

    def visit_function(self, node: Function, scope: Scope) -> None:
        outside = scope.parent or scope
        task = self.project.function_value(node, outside).task
        self.parents.append(node)
        self.tasks_around += task is not None
        for decorator in node.decorator_list:
            if task is not None and decorator is task.decorator:
                self.add_task(task, decorator, outside)
            else:
                self.visit(decorator, outside)
        for child in ast.iter_child_nodes(node):
            if child not in node.decorator_list:
                self.visit(child, outside if child in (node.args, node.returns) else scope)
        self.tasks_around -= task is not None
        self.parents.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_function

    def add_task(self, task: Task, decorator: ast.expr, scope: Scope) -> None:
        """Add the decorator of a task, its options, and what is unusual about its place."""
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = self.project.value(function, scope)
        kind = "@own" if task.is_own else "@task"
        if self.project.looks_like_celery(decorator, scope):
            kind = f"unresolved.{function.attr if isinstance(function, ast.Attribute) else ''}"
        if value is not None and value.name == "celery.task.periodic_task":
            kind = "@periodic"
        self.add(kind, decorator, scope, task)
        assert task.function is not None
        if scope.parent is not None:
            self.add("@task inside", decorator, scope, task)
        elif self.module not in self.task_modules:
            self.add("@task outside", decorator, scope, task)
        if task.function.decorator_list[0] is not decorator:
            self.add("@task below", decorator, scope, task)
        self.add_options("@task", decorator, scope, task)
        if isinstance(decorator, ast.Call):
            for child in (*decorator.args, *decorator.keywords):
                if not (isinstance(child, ast.keyword) and child.arg == "name"):  # It names this task itself.
                    self.visit(child, scope)

    def add_options(self, name: str, call: ast.expr, scope: Scope, task: Task | None) -> None:
        if isinstance(call, ast.Call):
            for keyword in call.keywords:
                option = f"{keyword.arg}=" if keyword.arg else "..."
                base = self.project.value(keyword.value, scope) if keyword.arg == "base" else None
                if base is not None and base.name.partition(".")[0] in UNIQUE:
                    option = "once="  # Its function stays a function.
                self.add(f"{name}({option})", keyword, scope, task)

    def visit_Name(self, node: ast.Name, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            value = self.project.value(node, scope)
            self.add_mention(value, node, scope)
            self.add_setting(node.id, node, scope)
        else:
            self.add_setting(node.id, node, scope, is_assigned=True)

    def visit_Attribute(self, node: ast.Attribute, scope: Scope) -> None:
        value = self.project.value(node, scope)
        if value is None:
            if node.attr in _TELLING and not self.project.is_foreign(node, scope):
                self.add(f"unresolved.{node.attr}", node, scope)
            self.add_setting(node.attr, node, scope)
            owner = self.project.value(node.value, scope)
            # Another name of a module says nothing about its tasks, nor one of a project's class.
            if owner is None or not (owner.name == MODULE or owner.is_celery):
                self.visit_children(node, scope)
            return
        self.add_mention(value, node, scope)
        self.visit_base(node, scope)

    def visit_Subscript(self, node: ast.Subscript, scope: Scope) -> None:
        value = self.project.value(node, scope)
        if value is None or not value.is_celery:
            self.visit_children(node, scope)
            return
        self.add("app.tasks[]" if value.name == "task" else value.name, node, scope, value.task)
        self.visit_base(node, scope)

    def visit_base(self, node: ast.expr, scope: Scope) -> None:
        """Visit what a chain of attributes begins with, unless it is a name, which the chain includes."""
        self.parents.append(node)
        while isinstance(node, ast.Attribute):
            node = node.value
        if isinstance(node, ast.Subscript):
            value = self.project.value(node, scope)
            if value is None or value.name not in GENERIC:  # Type checkers alone read those.
                self.visit(node.slice, scope)
                self.visit(node.value, scope)
        elif not isinstance(node, ast.Name):
            self.visit(node, scope)
        self.parents.pop()

    def add_mention(self, value: Value | None, node: ast.expr, scope: Scope) -> None:
        """Add a name or attribute that is Celery's. A result alone is none, but its attributes are."""
        if value is None:
            return
        if value.name == MODULE:
            self.add(f"{MODULE} {value.dotted}", node, scope)  # Somebody may look up any of its tasks.
        elif value.is_celery and value.name not in {"result", "signature"}:
            self.add(value.name, node, scope, value.task)

    def visit_Call(self, node: ast.Call, scope: Scope) -> None:
        value = self.project.value(node.func, scope)
        if value is None or not value.is_celery:
            self.add_unresolved_call(node, scope)
            self.visit_children(node, scope)
            return
        name = value.name
        if name == "task":
            name = "task()"
        elif name in DECORATORS or name == "decorator":
            decorates = any(not isinstance(argument, ast.Starred) for argument in node.args)
            name = f"{name}()" if decorates or name == "decorator" else name
            self.add_options("@task", node, scope, value.task)
        self.add(name, node, scope, value.task)
        if value.name in _WITH_OPTIONS:
            kind = "task.apply_async" if value.name == "signature.apply_async" else value.name
            self.add_options(kind, node, scope, value.task)
            if any(isinstance(argument, ast.Starred) for argument in node.args):
                self.add(f"{kind}(...)", node, scope, value.task)
        if name.startswith("app.conf.update"):
            self.add_updates(node, scope)
        if name in {"task.delay", "task.delay_on_commit", "task.apply_async"}:
            self.add_argument_problems(name, node, scope, value.task)
        self.visit_base(node.func, scope)
        self.parents.append(node)
        for child in (*node.args, *node.keywords):
            self.visit(child, scope)
        self.parents.pop()

    def add_unresolved_call(self, node: ast.Call, scope: Scope) -> None:
        """Add a call that isn't Celery's own, but has to do with it."""
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name == "on_commit" and self.sends_task(node, scope):
            self.add("on_commit", node, scope)
        if self.tasks_around and is_lock(node, scope):
            self.add("lock in a task", node, scope)
        options = {keyword.arg for keyword in node.keywords}
        is_of_result = bool(options) and options <= _TELLING_OPTIONS and not node.args
        if name == "get" and is_of_result and not self.project.is_foreign(function, scope):
            self.add("unresolved.get", node, scope)

    def sends_task(self, node: ast.Call, scope: Scope) -> bool:
        """Return True if an argument, or what a lambda in it calls, sends a task."""
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            inner = scope.inner.get(id(argument), scope)
            for part in ast.walk(argument):
                if isinstance(part, ast.Attribute) and part.attr in {"delay", "apply_async", "enqueue"}:
                    value = self.project.value(part, inner)
                    if value is not None and value.is_celery:
                        return True
        return False

    def add_updates(self, node: ast.Call, scope: Scope) -> None:
        """Add the settings that app.conf.update(…) changes."""
        for keyword in node.keywords:
            if keyword.arg:
                self.add(f"app.conf.{setting_name(keyword.arg)}", keyword, scope)
        for argument in node.args:
            for key in argument.keys if isinstance(argument, ast.Dict) else ():
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    self.add(f"app.conf.{setting_name(key.value)}", key, scope)

    def add_argument_problems(self, name: str, node: ast.Call, scope: Scope, task: Task | None) -> None:
        for argument in sent_arguments(name, node):
            problem = argument_problem(argument, scope)
            if problem:
                kind = "task.apply_async" if name == "task.apply_async" else "task.delay"
                self.add(f"{kind}({problem})", argument, scope, task)

    def visit_BinOp(self, node: ast.BinOp, scope: Scope) -> None:
        value = self.project.value(node, scope)
        outer = self.parents[-1] if self.parents else None
        is_inner = isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.BitOr)
        is_chain = isinstance(node.op, ast.BitOr) and value is not None and value.name == "signature"
        if is_chain and not is_inner:
            self.add("|", node, scope)
        self.visit_children(node, scope)

    def visit_keyword(self, node: ast.keyword, scope: Scope) -> None:
        if node.arg:
            self.add_setting(node.arg, node, scope)
        self.visit_children(node, scope)

    def visit_Assign(self, node: ast.Assign, scope: Scope) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if "__all__" not in names:
            self.visit_children(node, scope)

    def visit_Expr(self, node: ast.Expr, scope: Scope) -> None:
        if not isinstance(node.value, ast.Constant):  # A docstring says nothing about the code.
            self.visit_children(node, scope)

    def visit_Constant(self, node: ast.Constant, scope: Scope) -> None:
        text = node.value
        if not isinstance(text, str) or len(text) > 200:
            return
        self.add_setting(text, node, scope)
        path = text.replace(":", ".")
        task = self.task_names.get(path) or next(
            (self.task_names[known] for known in prefixes(path) if known in self.task_names), None
        )
        if task is not None:
            self.named.add(task.name)
            if not self.is_in_schedule(scope):
                self.add("string.task", node, scope, task)
        elif _STRING.fullmatch(text):
            self.add(f"string.{text}", node, scope)
        elif "." in path and all(part.isidentifier() for part in path.split(".")):
            value = self.project.imported(path) if path.split(".")[0] in self.project.tops else None
            if value is not None and value.name in {"app", "celery.Celery"}:
                self.add("string.app", node, scope)

    def is_in_schedule(self, scope: Scope) -> bool:
        """Return True inside the value of beat_schedule, task_routes or the like, which is a use already."""
        for parent in self.parents:
            for target in parent.targets if isinstance(parent, ast.Assign) else ():
                name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
                if setting_name(name.upper()).startswith(("beat_", "task_routes", "task_annotations")):
                    return True
        return False

    def add_setting(self, name: str, node: ast.AST, scope: Scope, *, is_assigned: bool = False) -> None:
        if SETTING.fullmatch(name):
            self.add(f"setting.{setting_name(name)}", node, scope)
        elif is_assigned and id(scope.node) in self.setting_scopes and not name.startswith("_"):
            known = setting_name(name)
            if known == name:
                self.add(f"setting.{known}", node, scope)
        else:
            for namespace in self.namespaces:
                if name.startswith(f"{namespace}_") and name.isupper():
                    self.add(f"setting.{setting_name(name, f'{namespace}_')}", node, scope)


def prefixes(path: str) -> Iterator[str]:
    """Yield the dotted paths that a path of an attribute begins with."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 1, -1):
        yield ".".join(parts[:length])


def sent_arguments(name: str, node: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments that a call sends to a task."""
    if name != "task.apply_async":
        yield from node.args
        yield from (keyword.value for keyword in node.keywords)
        return
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    args = node.args[0] if node.args else named.get("args")
    kwargs = node.args[1] if len(node.args) > 1 else named.get("kwargs")
    yield from args.elts if isinstance(args, ast.List | ast.Tuple) else ()
    yield from kwargs.values if isinstance(kwargs, ast.Dict) else ()
