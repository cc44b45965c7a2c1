"""What the expressions of a project are to Celery: its apps, tasks, decorators, results and signatures."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..source import Source
from .names import CALLS, DECORATORS, TASK_ATTRIBUTES, canonical, is_library
from .scopes import Binding, Function, Scope, module_scope

MODULE, FUNCTION, CLASS = "project:module", "project:function", "project:class"
RESULTS = "project:results"
OURS = "project:ours"  # From django_offload or django.tasks: a project may have moved in part.
TASK_CLASS = "taskclass"
GENERIC = frozenset({"celery.Celery", "celery.Task", "celery.result.AsyncResult", TASK_CLASS})
_TASK_DECORATORS = frozenset({"task", "shared_task", "periodic_task"})
# Arguments of tests that are fixtures of celery.contrib.pytest.
_FIXTURES = {"celery_app": "app", "celery_session_app": "app", "celery_worker": "celery.contrib.pytest"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """A task that the project defines."""

    module: str
    function: Function | None = None  # None if it isn't defined by `def`.
    decorator: ast.expr | None = None
    is_own: bool = False  # A decorator of the project makes it a task.

    @property
    def path(self) -> str:
        """The dotted path, which is also Celery's usual name for the task. Empty if it isn't known."""
        return f"{self.module}.{self.function.name}" if self.function else ""

    @property
    def options(self) -> dict[str, ast.expr]:
        """The keyword arguments of the decorator; "**" for those in a dictionary."""
        if not isinstance(self.decorator, ast.Call):
            return {}
        return {keyword.arg or "**": keyword.value for keyword in self.decorator.keywords}

    @property
    def name(self) -> str:
        """The name in messages."""
        name = self.options.get("name")
        return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else self.path

    @property
    def is_bound(self) -> bool:
        bind = self.options.get("bind")
        return bind is not None and not (isinstance(bind, ast.Constant) and not bind.value)


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression is."""

    name: str  # As in the table of idioms, or what it is in the project.
    task: Task | None = None
    dotted: str = ""  # Of a module of the project.
    node: ast.AST | None = None  # Of a function or class of the project.
    scope: Scope | None = None  # Where that is defined.

    @property
    def is_celery(self) -> bool:
        return not self.name.startswith("project:")


@dataclass(slots=True)
class Project:
    """Every module of a project, and the values of its expressions."""

    sources: Mapping[str, Source]
    scopes: dict[str, Scope] = field(default_factory=dict)
    tops: set[str] = field(default_factory=set)  # Its top-level packages and modules.
    too_deep: list[Source] = field(default_factory=list)  # Modules whose code is nested too deeply to follow.
    _values: dict[object, Value | None] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Iterable[Source]) -> "Project":
        project = cls(sources={source.module: source for source in sources})
        for source in project.sources.values():
            project.tops.add(source.module.partition(".")[0])
            try:
                project.scopes[source.module] = module_scope(source.tree, source.module, source.package)
            except RecursionError:
                project.too_deep.append(source)
        return project

    def tasks(self) -> Iterator[Task]:
        """Yield every task that is a decorated function."""
        for top in self.scopes.values():
            for scope in top.inner.values():
                if isinstance(scope.node, Function) and scope.node.decorator_list:
                    value = self.function_value(scope.node, scope.parent or top)
                    if value.task is not None:
                        yield value.task

    def value(self, node: ast.AST, scope: Scope) -> Value | None:
        """Return what an expression is, or None if it has nothing to do with Celery or isn't known."""
        key = id(node)
        if key not in self._values:
            self._values[key] = None  # What refers to itself isn't known.
            self._values[key] = self.evaluate(node, scope)
        return self._values[key]

    def evaluate(self, node: ast.AST, scope: Scope) -> Value | None:
        match node:
            case ast.Name():
                return self.name_value(node.id, scope)
            case ast.Attribute():
                owner = self.value(node.value, scope)
                return owner and self.attribute(owner, node.attr)
            case ast.Call():
                return self.call_value(node, scope)
            case ast.Subscript():
                owner = self.value(node.value, scope)
                if owner is None or not owner.is_celery:
                    return None
                if owner.name in GENERIC:
                    return owner  # As in Celery[Task], for type checkers.
                return Value("task") if owner.name == "app.tasks" else Value(f"{owner.name}[]")
            case ast.BinOp(op=ast.BitOr()):
                sides = [self.value(side, scope) for side in (node.left, node.right)]
                return next((side for side in sides if side is not None), None)
            case ast.IfExp():
                return self.value(node.body, scope) or self.value(node.orelse, scope)
            case ast.BoolOp():
                values = (self.value(value, scope) for value in node.values)
                return next((value for value in values if value is not None), None)
            case ast.NamedExpr() | ast.Await():
                return self.value(node.value, scope)
            case ast.ListComp() | ast.GeneratorExp():
                item = self.value(node.elt, scope.inner[id(node)])
                return Value(RESULTS) if item is not None and item.name == "result" else None
        return None

    def name_value(self, name: str, scope: Scope) -> Value | None:
        owner = scope.owner(name)
        if owner is not None:
            return self.bound(owner, name)
        top = scope
        while top.parent is not None:
            top = top.parent
        return self.from_stars(top, name)

    def bound(self, scope: Scope, name: str) -> Value | None:
        """Return the value of a name in the scope that binds it: the first of its values that is known."""
        values = (self.binding_value(binding, scope) for binding in scope.bindings.get(name, []))
        value = next((value for value in values if value is not None), None)
        if (
            value is None
            and name in scope.bindings
            and scope.parent is None
            and self.acts_as_app(scope, name)
        ):
            return Value("app")
        return value

    def acts_as_app(self, scope: Scope, name: str) -> bool:
        """Return True if a module calls a method of a name that only Celery's apps have."""
        text = self.sources[scope.module].text
        return any(f"{name}.{method}(" in text for method in ("config_from_object", "autodiscover_tasks"))

    def binding_value(self, binding: Binding, scope: Scope) -> Value | None:
        node = binding.node
        if binding.is_item:
            items = self.value(node, scope)
            return Value("result") if items is not None and items.name == RESULTS else None
        if binding.dotted:
            return self.imported(binding.dotted)
        if isinstance(node, Function):
            return self.function_value(node, scope)
        if isinstance(node, ast.ClassDef):
            return self.class_value(node, scope)
        if isinstance(node, ast.arg):
            return self.parameter(node, scope)
        return self.value(node, scope) if isinstance(node, ast.expr) else None

    def imported(self, dotted: str) -> Value | None:
        """Return what an imported name refers to, through all modules of the project that pass it on."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            if module in self.scopes:
                value: Value | None = Value(MODULE, dotted=module)
                for part in parts[length:]:
                    value = value and self.attribute(value, part)
                if value is not None:
                    return value
                break
        if parts[0] == "django_offload" or parts[:2] == ["django", "tasks"]:
            return Value(OURS)
        is_own = parts[0] in self.tops and parts[0] != "celery"
        return Value(canonical(dotted)) if not is_own and is_library(dotted) else None

    def attribute(self, owner: Value, name: str) -> Value | None:
        if owner.name == MODULE:
            scope = self.scopes[owner.dotted]
            key = (owner.dotted, name)
            if key not in self._values:
                self._values[key] = None
                self._values[key] = self.bound(scope, name) or self.from_stars(scope, name)
            value = self._values[key]
            if value is None and f"{owner.dotted}.{name}" in self.scopes:
                return Value(MODULE, dotted=f"{owner.dotted}.{name}")
            return value
        if owner.name == CLASS:
            assert owner.scope is not None
            inner = owner.scope.inner[id(owner.node)]
            return self.bound(inner, name)
        if owner.name == OURS:
            return owner
        if not owner.is_celery:
            return None
        if owner.name in {TASK_CLASS, "task"} and owner.node is not None and name not in TASK_ATTRIBUTES:
            return None  # An attribute of the project's own class of tasks.
        kind = "task" if owner.name == TASK_CLASS else owner.name
        return Value(canonical(f"{kind}.{name}"), task=owner.task)

    def from_stars(self, scope: Scope, name: str) -> Value | None:
        for module in scope.stars:
            if module in self.scopes:
                value = self.attribute(Value(MODULE, dotted=module), name)
            else:
                # Nothing says what a library exports, but Celery's own names are known by their use.
                value = Value(canonical(f"{module}.{name}")) if module in _STAR_MODULES else None
            if value is not None:
                return value
        return None

    def call_value(self, node: ast.Call, scope: Scope) -> Value | None:
        function = self.value(node.func, scope)
        if function is None:
            is_partial = ast.unparse(node.func).rpartition(".")[2] == "partial"
            first = self.value(node.args[0], scope) if is_partial and node.args else None
            return Value("decorator") if first is not None and first.name in DECORATORS else None
        if function.name in DECORATORS:
            decorates = any(not isinstance(argument, ast.Starred) for argument in node.args)
            return Value("task", task=Task(module=scope.module)) if decorates else Value("decorator")
        if function.name == "decorator":
            return Value("task", task=Task(module=scope.module))
        if function.name == FUNCTION:
            return self.returned(function)
        if function.name in {CLASS, OURS}:
            return function  # An instance has the attributes of its class.
        if function.name == TASK_CLASS:
            return Value("task", task=Task(module=scope.module), node=function.node)
        returned = CALLS.get(function.name)
        return Value(returned, task=function.task) if returned else None

    def returned(self, function: Value) -> Value | None:
        """Return what a function of the project returns."""
        assert function.scope is not None
        assert isinstance(function.node, Function)
        inner = function.scope.inner[id(function.node)]
        for statement in own_statements(function.node):
            if isinstance(statement, ast.Return) and statement.value is not None:
                value = self.value(statement.value, inner)
                if value is not None:
                    return value
        return None

    def function_value(self, node: Function, scope: Scope) -> Value:
        """Return what `def` defines: a task, or a function of the project."""
        key = (id(node), "function")
        found = self._values.get(key)
        if found is None:
            found = Value(FUNCTION, node=node, scope=scope)
            self._values[key] = found
            for decorator in node.decorator_list:
                value = self.value(decorator, scope)
                if value is not None and value.name == OURS:
                    found = self._values[key] = value
                is_task, is_own = self.decorates(value, decorator, scope)
                if is_task:
                    task = Task(module=scope.module, function=node, decorator=decorator, is_own=is_own)
                    found = self._values[key] = Value("task", task=task)
        return found

    def decorates(self, value: Value | None, decorator: ast.expr, scope: Scope) -> tuple[bool, bool]:
        """Return whether a decorator makes a task of a function, and whether it's the project's own."""
        is_own = False
        if isinstance(decorator, ast.Call):
            function = self.value(decorator.func, scope)
            is_own = function is not None and not function.is_celery
        if value is None and self.looks_like_celery(decorator, scope):
            return True, True
        for _ in range(4):
            if value is None or value.name != FUNCTION:
                break
            value, is_own = self.returned(value), True
        is_task = value is not None and (value.name in DECORATORS or value.name in {"decorator", "task"})
        return is_task, is_own

    def looks_like_celery(self, decorator: ast.expr, scope: Scope) -> bool:
        """Return True if a decorator is called like Celery's, but nothing says what it is."""
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        is_called_so = isinstance(function, ast.Attribute) and function.attr in _TASK_DECORATORS
        return is_called_so and self.value(function, scope) is None and not self.is_foreign(function, scope)

    def is_foreign(self, node: ast.expr, scope: Scope) -> bool:
        """Return True if an expression begins with what is imported from elsewhere, which isn't Celery."""
        while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return isinstance(node, ast.Constant)
        owner = scope.owner(node.id)
        bindings = owner.bindings[node.id] if owner else []
        return any(
            binding.dotted and binding.dotted.partition(".")[0] not in self.tops for binding in bindings
        )

    def class_value(self, node: ast.ClassDef, scope: Scope) -> Value:
        for base in node.bases:
            value = self.value(base, scope)
            if value is not None and value.name in {"celery.Task", TASK_CLASS}:
                return Value(TASK_CLASS, node=node, scope=scope)
            if value is not None and value.name == "celery.Celery":
                return value
        return Value(CLASS, node=node, scope=scope)

    def parameter(self, argument: ast.arg, scope: Scope) -> Value | None:
        """Return what a parameter is, if its function or its annotation says so."""
        function = scope.node
        if isinstance(function, Function) and scope.parent is not None:
            first = next(iter([*function.args.posonlyargs, *function.args.args]), None)
            if argument is first:
                value = self.first_parameter(argument, function, scope.parent)
                if value is not None:
                    return value
        if argument.annotation is not None and scope.parent is not None:
            value = self.value(argument.annotation, scope.parent)
            known = {"celery.Task": "task", TASK_CLASS: "task"} | CALLS
            if value is not None and value.name in known:
                return Value(known[value.name])
        return Value(_FIXTURES[argument.arg]) if argument.arg in _FIXTURES else None

    def first_parameter(self, argument: ast.arg, function: Function, scope: Scope) -> Value | None:
        if isinstance(scope.node, ast.ClassDef):
            assert scope.parent is not None
            owner = self.class_value(scope.node, scope.parent)
            return Value("task", node=scope.node) if owner.name == TASK_CLASS else None
        task = self.function_value(function, scope).task
        if task is not None and (task.is_bound or (argument.arg == "self" and task.decorator is not None)):
            return Value("task", task=task)
        for decorator in function.decorator_list:
            value = self.value(decorator, scope)
            if value is not None and value.name.startswith("app.on_"):
                return Value("app")
        return None


# `from … import *` of these is common in old code.
_STAR_MODULES = frozenset(
    {"celery", "celery.canvas", "celery.exceptions", "celery.result", "celery.schedules"}
)


def own_statements(function: Function) -> Iterator[ast.AST]:
    """Yield every node of a function, but not those of the functions and classes inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
